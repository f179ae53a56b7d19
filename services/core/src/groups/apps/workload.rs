//! What controllers of pods have in common.

use catena_objects::{Value, field::Errors};
use catena_registry::{Context, strategy::keep_other_half};

use crate::{
    groups::core::pod::{
        defaults, prepare,
        validate::{Opts, opts_for_update, pod_template_spec},
    },
    rules::{At, labels},
};

const TEMPLATE_SPEC: [&str; 3] = ["spec", "template", "spec"];

/// Defaults of `spec.template`, which is made where it is absent.
pub fn default_template(object: &mut Value) {
    object.set_default(&["spec", "template"], Value::object());
    object.set_default(&["spec", "template", "metadata"], Value::object());
    if let Some(t) = object.at_mut(&["spec", "template"]) {
        defaults::pod_template_spec(t);
    }
}

/// An empty status, and no fields of features that are off.
pub fn prepare_create(object: &mut Value) {
    object.set(&["status"], Value::object());
    prepare::drop_disabled(object, &TEMPLATE_SPEC);
}

/// The usual split of spec and status.
pub fn prepare_update(ctx: &Context, object: &mut Value, old: &Value) {
    keep_other_half(ctx, object, old);
    prepare::drop_disabled(object, &TEMPLATE_SPEC);
}

/// What a template may keep of an old one.
pub fn opts(old: Option<&Value>) -> Opts {
    old.and_then(|o| o.at(&TEMPLATE_SPEC))
        .map_or_else(Opts::default, |s| opts_for_update(s, false))
}

/// A selector that is required and strict. `kind` as messages name it.
pub fn strict_selector(spec: &At, kind: &str, e: &mut Errors) {
    let at = spec.child("selector");
    if !at.has() {
        at.required(e, "");
        return;
    }
    labels::selector(&at, false, e);
    if labels::is_empty(at.v) {
        at.invalid(e, format!("empty selector is invalid for {kind}"));
    }
}

/// The selector must match the labels of the template.
pub fn selector_matches(spec: &At, nothing_matches: bool, e: &mut Errors) {
    let (selector, template) = (spec.child("selector"), spec.child("template"));
    // A null selector matches nothing, an empty one everything.
    let skip = if selector.has() {
        labels::is_empty(selector.v)
    } else {
        !nothing_matches
    };
    let at = template.child("metadata").child("labels");
    if !skip && !labels::matches(selector.v, at.v) {
        at.invalid(e, "`selector` does not match template `labels`");
    }
}

/// `ValidatePodTemplateSpecForReplicaSet`.
pub fn replica_template(spec: &At, opts: Opts, e: &mut Errors) {
    selector_matches(spec, true, e);
    let template = spec.child("template");
    pod_template_spec(&template, opts, e);
    always_running(&template, "ReplicaSet", e);
}

/// Pods of controllers restart and have no deadline.
pub fn always_running(template: &At, kind: &str, e: &mut Errors) {
    let spec = template.child("spec");
    spec.child("restartPolicy").one_of(e, &["Always"]);
    if let Some(d) = spec.some("activeDeadlineSeconds") {
        d.forbidden(
            e,
            format!("activeDeadlineSeconds in {kind} is not Supported"),
        );
    }
}

/// Counters of a status: none negative, some not above others.
pub fn counters(status: &At, names: &[&str], at_most: &[(&str, &str, &str)], e: &mut Errors) {
    for name in names {
        status.child(name).non_negative(e);
    }
    for (name, limit, why) in at_most {
        if status.num(name) > status.num(limit) {
            status.child(name).bad_num(e, *why);
        }
    }
}

/// `collisionCount` never shrinks.
pub fn collisions(status: &At, old: &Value, e: &mut Errors) {
    let before = old.i64_at(&["status", "collisionCount"]);
    let now = status.child("collisionCount");
    if before.is_some_and(|b| now.int().is_none_or(|n| n < b)) {
        now.bad_num(e, "cannot be decremented");
    }
}

pub const ABOVE_REPLICAS: &str = "cannot be greater than status.replicas";
