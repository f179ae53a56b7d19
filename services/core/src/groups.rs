//! Strategies of the built-in groups: one module a group, one file a resource.

use std::sync::Arc;

use catena_registry::{Strategy, strategy::Plain};

pub mod admissionregistration;
pub mod apps;
pub mod autoscaling;
pub mod batch;
pub mod certificates;
pub mod coordination;
pub mod core;
pub mod discovery;
pub mod events;
pub mod flowcontrol;
pub mod networking;
pub mod node;
pub mod policy;
pub mod rbac;
pub mod resource;
pub mod scheduling;
pub mod storage;

/// Rules of a resource; [`Plain`] where there are none of its own.
pub fn strategy_for(group: &str, version: &str, plural: &str) -> Arc<dyn Strategy> {
    own_strategy(group, version, plural).unwrap_or_else(|| Arc::new(Plain))
}

/// Rules of a resource beyond structure and metadata.
pub fn own_strategy(group: &str, version: &str, plural: &str) -> Option<Arc<dyn Strategy>> {
    match group {
        "" => core::strategy(plural, version),
        "admissionregistration.k8s.io" => admissionregistration::strategy(plural, version),
        "apps" => apps::strategy(plural, version),
        "autoscaling" => autoscaling::strategy(plural, version),
        "batch" => batch::strategy(plural, version),
        "certificates.k8s.io" => certificates::strategy(plural, version),
        "coordination.k8s.io" => coordination::strategy(plural, version),
        "discovery.k8s.io" => discovery::strategy(plural, version),
        "events.k8s.io" => events::strategy(plural, version),
        "flowcontrol.apiserver.k8s.io" => flowcontrol::strategy(plural, version),
        "networking.k8s.io" => networking::strategy(plural, version),
        "node.k8s.io" => node::strategy(plural, version),
        "policy" => policy::strategy(plural, version),
        "rbac.authorization.k8s.io" => rbac::strategy(plural, version),
        "resource.k8s.io" => resource::strategy(plural, version),
        "scheduling.k8s.io" => scheduling::strategy(plural, version),
        "storage.k8s.io" => storage::strategy(plural, version),
        _ => None,
    }
}
