//! The extensions server: CustomResourceDefinitions and every custom resource,
//! as the delegate at the end of the chain.
//!
//! `follow` keeps the `catalog` of definitions current, `keeper` writes their
//! status, `custom` makes a resource of each that somebody asks for, `server`
//! joins them.

mod args;
mod catalog;
mod cleanup;
mod custom;
pub mod definition;
mod describe;
mod documents;
mod ending;
mod entry;
mod follow;
mod keeper;
mod namespaces;
mod naming;
mod own;
mod run;
mod server;

use std::sync::Arc;

use catena_delegate::Delegate;
use catena_endpoints::Server;
use catena_objects::Status;
use catena_registry::Store;
use catena_storage::Storage;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use args::Options;
pub use run::{Flags, run};

/// Makes the delegate and starts what keeps it current, until `stop`.
///
/// Requests for custom resources are answered with 503 until the definitions are
/// read once; `describe` tells when.
///
/// # Errors
/// None as yet.
#[allow(clippy::unused_async)]
pub async fn build(
    _options: &Options,
    storage: Arc<dyn Storage>,
    stop: CancellationToken,
) -> Result<Arc<dyn Delegate>, Status> {
    let definitions = Arc::new(definition::resource::resource());
    let catalog = Arc::new(catalog::Catalog::new(definitions.clone()));
    let own = Arc::new(own::OwnWrites {
        inner: storage.clone(),
        catalog: catalog.clone(),
    });
    let store = Store::cached(definitions, own);
    let namespaces = Arc::new(namespaces::Namespaces::new(storage.clone()));
    let (synced, is_synced) = watch::channel(false);
    let keeper = Arc::new(keeper::Keeper {
        catalog: catalog.clone(),
        store: store.clone(),
        namespaces: namespaces.clone(),
        cleaning: Default::default(),
        stop: stop.clone(),
    });
    tokio::spawn(follow::run(storage.clone(), catalog.clone(), synced, stop));
    tokio::spawn(keeper::run(keeper, is_synced.clone()));
    let resources = Arc::new(server::CustomResources {
        catalog,
        definitions: store,
        storage,
        namespaces,
        synced: is_synced,
        documents: documents::Documents::default(),
    });
    Ok(Arc::new(server::Extensions {
        endpoints: Server {
            resources: resources.clone(),
        },
        resources,
    }))
}
