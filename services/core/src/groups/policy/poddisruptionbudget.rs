//! Pod disruption budgets.

use catena_objects::{
    Value,
    field::{Error, Errors},
};
use catena_registry::{Context, Strategy};

use crate::rules::{At, go_struct, int_or_percent, labels, meta};

#[derive(Debug)]
pub struct PodDisruptionBudget;

impl Strategy for PodDisruptionBudget {
    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        object.set(&["status"], Value::object());
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = meta::finalizers(object);
        spec(object, false, &mut e);
        e
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut e = meta::finalizers(object);
        if ctx.subresource == "status" {
            let at = At::root(object, "status");
            for name in [
                "disruptionsAllowed",
                "currentHealthy",
                "desiredHealthy",
                "expectedPods",
            ] {
                at.child(name).non_negative(&mut e);
            }
            let conditions = at.child("conditions");
            let list = object.items_at(&["status", "conditions"]);
            e.extend(catena_objects::meta::validate_conditions(
                list,
                &conditions.path,
            ));
            return e;
        }
        let null = Value::Null;
        let selector = old.at(&["spec", "selector"]).unwrap_or(&null);
        spec(object, labels::is_malformed(selector), &mut e);
        e
    }

    /// Names of budgets were never checked further.
    fn validate_name(&self, name: &str, is_prefix: bool) -> Vec<String> {
        catena_objects::names::path_segment(name, is_prefix)
    }

    fn has_generation(&self) -> bool {
        true
    }
}

/// `ValidatePodDisruptionBudgetSpec`.
fn spec(object: &Value, bad_values: bool, e: &mut Errors) {
    let at = At::root(object, "spec");
    let (min, max) = (at.child("minAvailable"), at.child("maxUnavailable"));
    if min.has() && max.has() {
        let mut shown = go_struct(
            at.v,
            &[
                "minAvailable",
                "selector",
                "maxUnavailable",
                "unhealthyPodEvictionPolicy",
            ],
        );
        // Selectors keep their JSON names.
        shown.set(&["Selector"], at.child("selector").v.clone());
        e.push(Error::invalid(
            &at.path,
            shown,
            "minAvailable and maxUnavailable cannot be both set",
        ));
    }
    for f in [min, max] {
        int_or_percent::positive(&f, e);
        int_or_percent::at_most_100(&f, e);
    }
    labels::selector(&at.child("selector"), bad_values, e);
    if let Some(p) = at.some("unhealthyPodEvictionPolicy") {
        p.one_of(e, &["AlwaysAllow", "IfHealthyBudget"]);
    }
}
