//! The group `autoscaling`.

use std::sync::Arc;

use catena_registry::{Strategy, resource::Conversion};

pub mod conversion;
pub mod horizontalpodautoscaler;

/// Strategy of a resource of this group, `None` for one without rules of its own.
pub fn strategy(plural: &str, _version: &str) -> Option<Arc<dyn Strategy>> {
    (plural == "horizontalpodautoscalers")
        .then(|| Arc::new(horizontalpodautoscaler::HorizontalPodAutoscaler) as _)
}

/// Between a served version and the one in storage, which is v2.
pub fn conversion(plural: &str, version: &str) -> Option<Arc<dyn Conversion>> {
    (plural == "horizontalpodautoscalers" && version == "v1").then(|| Arc::new(conversion::V1) as _)
}
