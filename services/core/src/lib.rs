//! The core server: every built-in API group, as a delegate of the chain.
//!
//! `args` are the flags, `assemble` joins the parts, `server` serves them;
//! `groups` holds the rules of each resource.

pub mod admission;
pub mod allocators;
mod args;
pub mod assemble;
pub mod bootstrap;
pub mod groups;
mod issuer;
mod nodes;
mod pods;
pub mod reader;
pub mod registrations;
pub mod rules;
mod run;
mod server;
mod steps;
pub mod token;
mod usage;

use std::sync::Arc;

use catena_auth::tokens::Issuer;
use catena_delegate::Delegate;
use catena_objects::Status;
use catena_storage::Storage;

pub use admission::AdmissionFlags;
/// Who owns the fields that the server itself writes, in managedFields.
pub(crate) const MANAGER: &str = "kube-apiserver";

pub use args::{Options, Pods, Services};
pub use assemble::Extras;
pub use nodes::KubeletFlags;
#[cfg(feature = "test-util")]
pub use nodes::testing;
pub use registrations::{Wiring, key_prefix, registrations};
pub use run::{Flags, TokenFlags, run};
pub use server::CoreResources;

/// Makes the delegate: bootstraps what is missing, then serves from `storage`.
pub async fn build(
    options: &Options,
    storage: Arc<dyn Storage>,
    extras: Extras,
) -> Result<Arc<dyn Delegate>, Status> {
    let assembled = assemble::prepare(options, &storage, extras).await?;
    let reader = assembled.reader;
    let resources = Arc::new(CoreResources::new(&assembled.resources, &reader.storage()));
    reader.follow(|group, plural| resources.store(group, plural));
    Ok(Arc::new(catena_endpoints::Server { resources }))
}

/// As [`build`], with tokens by `issuer` and `authentication` as the data of
/// kube-system/extension-apiserver-authentication.
///
/// # Errors
/// When storage does not take what a control plane starts with.
pub async fn start(
    options: &Options,
    issuer: Option<Issuer>,
    authentication: Vec<(String, String)>,
    storage: Arc<dyn Storage>,
) -> Result<Arc<dyn Delegate>, Status> {
    let mut extras = Extras {
        authentication,
        ..Extras::default()
    };
    if let Some(issuer) = issuer {
        extras.issuer = Some(Arc::new(issuer::Tokens(issuer)));
    }
    build(options, storage, extras).await
}
