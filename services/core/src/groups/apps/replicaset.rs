//! Replica sets.

use catena_objects::{Value, field::Errors};
use catena_registry::{Context, Strategy};

use super::workload;
use crate::groups::core::pod::warnings;
use crate::rules::{At, labels};

#[derive(Debug)]
pub struct ReplicaSet;

impl Strategy for ReplicaSet {
    fn default(&self, object: &mut Value) {
        workload::default_template(object);
        object.set_default(&["spec", "replicas"], 1i64);
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        workload::prepare_create(object);
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = crate::rules::meta::finalizers(object);
        spec(object, None, &mut e);
        e
    }

    fn warnings(&self, _ctx: &Context, object: &Value, old: Option<&Value>) -> Vec<String> {
        let mut out: Vec<String> = warnings::of_name(object, old).into_iter().collect();
        out.extend(warnings::of_template(object, old, &["spec", "template"]));
        out
    }

    fn prepare_update(&self, ctx: &Context, object: &mut Value, old: &Value) {
        workload::prepare_update(ctx, object, old);
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut e = crate::rules::meta::finalizers(object);
        if ctx.subresource == "status" {
            status(&At::root(object, "status"), &mut e);
            return e;
        }
        spec(object, Some(old), &mut e);
        let null = Value::Null;
        At::root(object, "spec")
            .child("selector")
            .immutable(&mut e, old.at(&["spec", "selector"]).unwrap_or(&null));
        e
    }

    fn has_generation(&self) -> bool {
        true
    }
}

fn spec(object: &Value, old: Option<&Value>, e: &mut Errors) {
    let at = At::root(object, "spec");
    at.child("replicas").non_negative(e);
    at.child("minReadySeconds").non_negative(e);
    workload::strict_selector(&at, "deployment", e);
    if labels::is_malformed(at.child("selector").v) {
        at.child("selector").invalid(e, "invalid label selector");
    } else {
        workload::replica_template(&at, workload::opts(old), e);
    }
}

/// Rules of the status of replica sets and replication controllers.
pub fn status(at: &At, e: &mut Errors) {
    workload::counters(
        at,
        &[
            "replicas",
            "fullyLabeledReplicas",
            "readyReplicas",
            "availableReplicas",
            "observedGeneration",
            "terminatingReplicas",
        ],
        &[
            ("fullyLabeledReplicas", "replicas", workload::ABOVE_REPLICAS),
            ("readyReplicas", "replicas", workload::ABOVE_REPLICAS),
            ("availableReplicas", "replicas", workload::ABOVE_REPLICAS),
            (
                "availableReplicas",
                "readyReplicas",
                "cannot be greater than readyReplicas",
            ),
        ],
        e,
    );
}
