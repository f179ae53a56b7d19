//! The group `policy`.

use std::sync::Arc;

use catena_registry::Strategy;

pub mod poddisruptionbudget;

/// Strategy of a resource of this group, `None` for one without rules of its own.
pub fn strategy(plural: &str, _version: &str) -> Option<Arc<dyn Strategy>> {
    (plural == "poddisruptionbudgets")
        .then(|| Arc::new(poddisruptionbudget::PodDisruptionBudget) as _)
}
