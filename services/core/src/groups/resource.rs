//! resource.k8s.io: served by structure; device claims are checked by their schema only.

use std::sync::Arc;

use catena_objects::{Value, field::Errors};
use catena_registry::{Context, Strategy};

/// Rules of a resource of the group.
pub fn strategy(plural: &str, _version: &str) -> Option<Arc<dyn Strategy>> {
    match plural {
        "resourceclaims" => Some(Arc::new(ResourceClaim)),
        "deviceclasses" | "resourceslices" => Some(Arc::new(Counted)),
        _ => None,
    }
}

/// A claim starts without an allocation.
#[derive(Debug)]
pub struct ResourceClaim;

impl Strategy for ResourceClaim {
    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        object.set(&["status"], Value::object());
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut errors = Errors::new();
        if ctx.subresource.is_empty() {
            let path = catena_objects::field::Path::new("spec");
            crate::steps::immutable(&mut errors, &path, object.get("spec"), old.get("spec"));
        }
        errors
    }
}

/// Kinds whose generation counts changes of the spec.
#[derive(Debug)]
pub struct Counted;

impl Strategy for Counted {
    fn has_generation(&self) -> bool {
        true
    }
}
