//! Deployments.

use catena_objects::{
    Value,
    field::{Error, Errors},
};
use catena_registry::{Context, Strategy};

use super::workload;
use crate::groups::core::pod::warnings;
use crate::rules::{At, int_or_percent, labels};
use crate::steps::keep;

#[derive(Debug)]
pub struct Deployment;

impl Strategy for Deployment {
    fn default(&self, object: &mut Value) {
        workload::default_template(object);
        object.set_default(&["spec", "replicas"], 1i64);
        let kind = ["spec", "strategy", "type"];
        if object.str_at(&kind).is_empty() {
            object.set(&kind, "RollingUpdate");
        }
        if object.str_at(&kind) == "RollingUpdate" {
            for name in ["maxUnavailable", "maxSurge"] {
                object.set_default(&["spec", "strategy", "rollingUpdate", name], "25%");
            }
        }
        object.set_default(&["spec", "revisionHistoryLimit"], 10i64);
        object.set_default(&["spec", "progressDeadlineSeconds"], 600i64);
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
        if ctx.subresource == "status" {
            keep(object, old, &["metadata", "labels"]);
        }
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut e = crate::rules::meta::finalizers(object);
        if ctx.subresource == "status" {
            status(object, old, &mut e);
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

    /// Annotations count: controllers copy them to replica sets.
    fn is_new_generation(&self, object: &Value, old: &Value) -> bool {
        let differs = |path: &[&str]| object.at(path) != old.at(path);
        differs(&["spec"]) || differs(&["metadata", "annotations"])
    }
}

/// `ValidateDeploymentSpec`.
fn spec(object: &Value, old: Option<&Value>, e: &mut Errors) {
    let at = At::root(object, "spec");
    at.child("replicas").non_negative(e);
    workload::strict_selector(&at, "deployment", e);
    if labels::is_malformed(at.child("selector").v) {
        at.child("selector").invalid(e, "invalid label selector");
    } else {
        workload::replica_template(&at, workload::opts(old), e);
    }
    strategy(&at.child("strategy"), e);
    at.child("minReadySeconds").non_negative(e);
    at.child("revisionHistoryLimit").non_negative(e);
    if let Some(d) = at.some("progressDeadlineSeconds") {
        d.non_negative(e);
        if d.int().unwrap_or(0) <= at.num("minReadySeconds") {
            d.bad_num(e, "must be greater than minReadySeconds");
        }
    }
}

fn strategy(at: &At, e: &mut Errors) {
    let rolling = at.child("rollingUpdate");
    match at.text("type") {
        "Recreate" => {
            if rolling.has() {
                rolling.forbidden(e, "may not be specified when strategy `type` is 'Recreate'");
            }
        }
        "RollingUpdate" => {
            let (unavailable, surge) = (rolling.child("maxUnavailable"), rolling.child("maxSurge"));
            int_or_percent::positive(&unavailable, e);
            int_or_percent::positive(&surge, e);
            if int_or_percent::value(unavailable.v) == 0 && int_or_percent::value(surge.v) == 0 {
                unavailable.invalid(e, "may not be 0 when `maxSurge` is 0");
            }
            int_or_percent::at_most_100(&unavailable, e);
        }
        _ => e.push(Error::not_supported(
            &at.path,
            crate::rules::go_struct(at.v, &["type=", "rollingUpdate"]),
            &["Recreate", "RollingUpdate"],
        )),
    }
}

fn status(object: &Value, old: &Value, e: &mut Errors) {
    let at = At::root(object, "status");
    workload::counters(
        &at,
        &[
            "observedGeneration",
            "replicas",
            "updatedReplicas",
            "readyReplicas",
            "availableReplicas",
            "unavailableReplicas",
            "terminatingReplicas",
            "collisionCount",
        ],
        &[
            ("updatedReplicas", "replicas", workload::ABOVE_REPLICAS),
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
    workload::collisions(&at, old, e);
}
