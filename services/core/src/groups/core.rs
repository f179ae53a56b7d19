//! The core group ("", v1).

use std::sync::Arc;

use catena_registry::Strategy;

pub mod config_map;
pub mod endpoints;
pub mod event;
pub mod limit_range;
pub mod namespace;
pub mod node;
pub mod persistent_volume;
pub mod persistent_volume_claim;
pub mod pod;
pub mod podtemplate;
pub mod replicationcontroller;
pub mod resource_quota;
pub mod secret;
pub mod service;
pub mod service_account;

/// Rules of a resource of the core group.
pub fn strategy(plural: &str, version: &str) -> Option<Arc<dyn Strategy>> {
    Some(match plural {
        "configmaps" => Arc::new(config_map::ConfigMap),
        "endpoints" => Arc::new(endpoints::Endpoints),
        "events" => Arc::new(event::Event { strict: false }),
        "limitranges" => Arc::new(limit_range::LimitRange),
        "namespaces" => Arc::new(namespace::Namespace),
        "nodes" => Arc::new(node::Node),
        "persistentvolumes" => Arc::new(persistent_volume::PersistentVolume),
        "persistentvolumeclaims" => Arc::new(persistent_volume_claim::PersistentVolumeClaim),
        "resourcequotas" => Arc::new(resource_quota::ResourceQuota),
        "secrets" => Arc::new(secret::Secret),
        "services" => Arc::new(service::Service),
        "serviceaccounts" => Arc::new(service_account::ServiceAccount),
        "pods" => return pod::strategy(plural, version),
        "podtemplates" => return podtemplate::strategy(plural, version),
        "replicationcontrollers" => return replicationcontroller::strategy(plural, version),
        _ => return None,
    })
}
