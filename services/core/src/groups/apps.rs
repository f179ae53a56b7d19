//! The group `apps`.

use std::sync::Arc;

use catena_registry::Strategy;

pub mod controllerrevision;
pub mod daemonset;
pub mod deployment;
pub mod replicaset;
pub mod statefulset;
pub mod workload;

/// Strategy of a resource of this group, `None` for one without rules of its own.
pub fn strategy(plural: &str, _version: &str) -> Option<Arc<dyn Strategy>> {
    Some(match plural {
        "controllerrevisions" => Arc::new(controllerrevision::ControllerRevision),
        "daemonsets" => Arc::new(daemonset::DaemonSet),
        "deployments" => Arc::new(deployment::Deployment),
        "replicasets" => Arc::new(replicaset::ReplicaSet),
        "statefulsets" => Arc::new(statefulset::StatefulSet),
        _ => return None,
    })
}
