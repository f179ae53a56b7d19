//! coordination.k8s.io: Lease.

use std::sync::Arc;

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
};
use catena_registry::{Context, Strategy};

use crate::steps::is_set;

/// Rules of a resource of the group.
pub fn strategy(plural: &str, _version: &str) -> Option<Arc<dyn Strategy>> {
    match plural {
        "leases" => Some(Arc::new(Lease)),
        _ => None,
    }
}

/// `ValidateLease*`.
#[derive(Debug)]
pub struct Lease;

impl Strategy for Lease {
    fn prepare_update(&self, _ctx: &Context, _object: &mut Value, _old: &Value) {}

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = Errors::new();
        let spec = Path::new("spec");
        if let Some(n) = object
            .i64_at(&["spec", "leaseDurationSeconds"])
            .filter(|n| *n <= 0)
        {
            let path = spec.child("leaseDurationSeconds");
            errors.push(Error::invalid(&path, n, "must be greater than 0"));
        }
        if let Some(n) = object
            .i64_at(&["spec", "leaseTransitions"])
            .filter(|n| *n < 0)
        {
            let path = spec.child("leaseTransitions");
            errors.push(Error::invalid(
                &path,
                n,
                "must be greater than or equal to 0",
            ));
        }
        let strategy = object.str_at(&["spec", "strategy"]);
        if is_set(object, &["spec", "strategy"]) && strategy != "OldestEmulationVersion" {
            let path = spec.child("strategy");
            errors.push(Error::not_supported(
                &path,
                strategy,
                &["OldestEmulationVersion"],
            ));
        }
        let preferred = object.str_at(&["spec", "preferredHolder"]);
        if !preferred.is_empty() && strategy.is_empty() {
            let text = "may only be specified if `strategy` is defined";
            errors.push(Error::forbidden(&spec.child("preferredHolder"), text));
        }
        errors
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }
}
