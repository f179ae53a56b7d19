//! The group `scheduling.k8s.io`.

use std::sync::Arc;

use catena_registry::Strategy;

pub mod priorityclass;

/// Strategy of a resource of this group, `None` for one without rules of its own.
pub fn strategy(plural: &str, _version: &str) -> Option<Arc<dyn Strategy>> {
    (plural == "priorityclasses").then(|| Arc::new(priorityclass::PriorityClass) as _)
}
