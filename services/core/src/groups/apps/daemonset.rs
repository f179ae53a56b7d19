//! Daemon sets.

use catena_objects::{
    Value,
    field::{Error, Errors},
};
use catena_registry::{Context, Strategy};

use super::workload;
use crate::groups::core::pod::warnings;
use crate::{
    groups::core::pod::validate::pod_template_spec,
    rules::{At, equality::same_at, int_or_percent, labels},
};

/// Where version v1 keeps the counter of template changes.
pub(crate) const GENERATION: &str = "deprecated.daemonset.template.generation";

#[derive(Debug)]
pub struct DaemonSet;

impl Strategy for DaemonSet {
    fn default(&self, object: &mut Value) {
        workload::default_template(object);
        let kind = ["spec", "updateStrategy", "type"];
        if object.str_at(&kind).is_empty() {
            object.set(&kind, "RollingUpdate");
        }
        if object.str_at(&kind) == "RollingUpdate" {
            for (name, n) in [("maxUnavailable", 1i64), ("maxSurge", 0)] {
                object.set_default(&["spec", "updateStrategy", "rollingUpdate", name], n);
            }
        }
        object.set_default(&["spec", "revisionHistoryLimit"], 10i64);
        object.set_default(&["metadata", "annotations", GENERATION], "0");
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        workload::prepare_create(object);
        let n = generation(object).max(1);
        object.set(&["metadata", "annotations", GENERATION], n.to_string());
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = crate::rules::meta::finalizers(object);
        spec(object, None, &mut e);
        e
    }

    fn warnings(&self, _ctx: &Context, object: &Value, old: Option<&Value>) -> Vec<String> {
        warnings::of_template(object, old, &["spec", "template"])
    }

    fn prepare_update(&self, ctx: &Context, object: &mut Value, old: &Value) {
        workload::prepare_update(ctx, object, old);
        let own = ctx.subresource.is_empty();
        let changed = own && !same_at(object, old, &["spec", "template"]);
        let n = generation(old) + i64::from(changed);
        object.set(&["metadata", "annotations", GENERATION], n.to_string());
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut e = crate::rules::meta::finalizers(object);
        if ctx.subresource == "status" {
            status(object, old, &mut e);
            return e;
        }
        let null = Value::Null;
        At::root(object, "spec")
            .child("selector")
            .immutable(&mut e, old.at(&["spec", "selector"]).unwrap_or(&null));
        spec(object, Some(old), &mut e);
        e
    }

    fn has_generation(&self) -> bool {
        true
    }
}

fn generation(object: &Value) -> i64 {
    object
        .str_at(&["metadata", "annotations", GENERATION])
        .parse()
        .unwrap_or(0)
}

/// `ValidateDaemonSetSpec`.
fn spec(object: &Value, old: Option<&Value>, e: &mut Errors) {
    let at = At::root(object, "spec");
    let (selector, template) = (at.child("selector"), at.child("template"));
    let opts = workload::opts(old);
    labels::selector(&selector, opts.bad_selector_values, e);
    let of_template = template.child("metadata").child("labels");
    if !labels::is_malformed(selector.v) && !labels::matches(selector.v, of_template.v) {
        of_template.invalid(e, "`selector` does not match template `labels`");
    }
    if selector.has() && labels::is_empty(selector.v) {
        selector.invalid(e, "empty selector is invalid for daemonset");
    }
    pod_template_spec(&template, opts, e);
    workload::always_running(&template, "DaemonSet", e);
    at.child("minReadySeconds").non_negative(e);
    update_strategy(&at.child("updateStrategy"), e);
    at.child("revisionHistoryLimit").non_negative(e);
}

fn update_strategy(at: &At, e: &mut Errors) {
    match at.text("type") {
        "OnDelete" => {}
        "RollingUpdate" => {
            let rolling = at.child("rollingUpdate");
            let (unavailable, surge) = (rolling.child("maxUnavailable"), rolling.child("maxSurge"));
            for f in [&unavailable, &surge] {
                int_or_percent::positive(f, e);
            }
            for f in [&unavailable, &surge] {
                int_or_percent::at_most_100(f, e);
            }
            match (
                int_or_percent::value(unavailable.v) != 0,
                int_or_percent::value(surge.v) != 0,
            ) {
                (true, true) => surge.invalid(e, "may not be set when maxUnavailable is non-zero"),
                (false, false) => unavailable.required(e, "cannot be 0 when maxSurge is 0"),
                _ => {}
            }
        }
        _ => e.push(Error::not_supported(
            &at.path,
            crate::rules::go_struct(at.v, &["type=", "rollingUpdate"]),
            &["RollingUpdate", "OnDelete"],
        )),
    }
}

fn status(object: &Value, old: &Value, e: &mut Errors) {
    let at = At::root(object, "status");
    let names = [
        "currentNumberScheduled",
        "numberMisscheduled",
        "desiredNumberScheduled",
        "numberReady",
        "observedGeneration",
        "updatedNumberScheduled",
        "numberAvailable",
        "numberUnavailable",
        "collisionCount",
    ];
    workload::counters(&at, &names, &[], e);
    workload::collisions(&at, old, e);
}
