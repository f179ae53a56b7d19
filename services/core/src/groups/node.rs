//! The group `node.k8s.io`.

use std::sync::Arc;

use catena_registry::Strategy;

pub mod runtimeclass;

/// Strategy of a resource of this group, `None` for one without rules of its own.
pub fn strategy(plural: &str, _version: &str) -> Option<Arc<dyn Strategy>> {
    (plural == "runtimeclasses").then(|| Arc::new(runtimeclass::RuntimeClass) as _)
}
