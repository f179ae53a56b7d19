//! Joins resources, rules, admission and allocation.

use std::{collections::HashMap, sync::Arc};

use catena_egress::NetworkContext;
use catena_objects::Status;
use catena_registry::{Admission, Connector, Handler, Hooks, Resource};
use catena_storage::Storage;

use crate::{
    Options, Wiring, admission,
    allocators::{Addresses, Ports, ServiceHooks},
    bootstrap, groups,
    nodes::{Kubelets, Nodes},
    pods::{Bindings, Evictions},
    reader::StorageReader,
    registrations,
    token::{TokenIssuer, TokenRequests},
};

/// What other parts of the server add.
#[derive(Default)]
pub struct Extras {
    /// Plugins after the default ones.
    pub admission: Vec<Arc<dyn Admission>>,
    /// Subresources that take another kind, and resources that are never stored.
    pub handlers: Handlers,
    /// Signs the tokens of TokenRequest; without it the subresource is absent.
    pub issuer: Option<Arc<dyn TokenIssuer>>,
    /// Data of kube-system/extension-apiserver-authentication.
    pub authentication: Vec<(String, String)>,
}

type Handlers = HashMap<(&'static str, &'static str, &'static str), Arc<dyn Handler>>;

fn pod_handlers(reader: &Arc<StorageReader>) -> Handlers {
    let bindings: Arc<dyn Handler> = Arc::new(Bindings {
        reader: reader.clone(),
    });
    let evictions: Arc<dyn Handler> = Arc::new(Evictions {
        reader: reader.clone(),
    });
    HashMap::from([
        (("", "pods", "binding"), bindings.clone()),
        (("", "bindings", ""), bindings),
        (("", "pods", "eviction"), evictions),
    ])
}

/// The built-in resources, and how the server itself reads and writes them.
pub struct Assembled {
    pub resources: Vec<Arc<Resource>>,
    pub reader: Arc<StorageReader>,
}

/// Nodes, and the way to them.
fn nodes(options: &Options, reader: Arc<StorageReader>) -> Result<Nodes, Status> {
    let selector = options.egress.selector();
    let egress = selector
        .map_err(|e| Status::internal(format!("{e:#}")))?
        .lookup(NetworkContext::Cluster);
    let kubelets = Kubelets::new(options.kubelet.clone())?;
    Ok(Nodes {
        reader,
        kubelets,
        egress,
    })
}

/// The built-in resources, ready to be served from `storage`.
pub fn resources(
    options: &Options,
    storage: &Arc<dyn Storage>,
    extras: Extras,
) -> Result<Assembled, Status> {
    let addresses: Vec<Addresses> = options
        .services
        .service_cluster_ip_range
        .iter()
        .map(|range| Addresses::new(storage.clone(), *range))
        .collect();
    groups::core::service::set_default_families(addresses.iter().map(Addresses::family).collect());
    groups::core::pod::validate::security::set_allow_privileged(options.pods.allow_privileged);
    let (first, last) = options.services.service_node_port_range;
    let ports = Ports::new(storage.clone(), first, last);
    let services: Arc<dyn Hooks> = Arc::new(ServiceHooks { addresses, ports });
    let reader = Arc::new(StorageReader::new(storage.clone()));
    let mut plugins = admission::plugins(&options.admission, reader.clone());
    plugins.extend(extras.admission);
    let mut handlers = pod_handlers(&reader);
    if let Some(issuer) = extras.issuer {
        let reader = reader.clone();
        let requests = Arc::new(TokenRequests { reader, issuer });
        handlers.insert(("", "serviceaccounts", "token"), requests);
    }
    handlers.extend(extras.handlers);
    let nodes: Arc<dyn Connector> = Arc::new(nodes(options, reader.clone())?);
    let resources = registrations(&Wiring {
        admission: Arc::new(plugins),
        hooks: HashMap::from([(("", "services"), services)]),
        handlers,
        connector: Some(nodes),
    });
    reader.learn(&resources);
    Ok(Assembled { resources, reader })
}

/// The resources, after what a control plane starts with is in storage.
pub async fn prepare(
    options: &Options,
    storage: &Arc<dyn Storage>,
    extras: Extras,
) -> Result<Assembled, Status> {
    let config = options.bootstrap(extras.authentication.clone());
    let assembled = resources(options, storage, extras)?;
    bootstrap::run(&**storage, &assembled.resources, &config).await?;
    Ok(assembled)
}
