//! Stateful sets.

use catena_objects::{
    Value,
    field::{Error, Errors},
    names, obj,
};
use catena_registry::{Context, Strategy};

use super::workload;
use crate::groups::core::pod::warnings;
use crate::{
    groups::core::pod::{
        defaults::{each, text},
        validate::{annotations, pod_template_spec},
    },
    rules::{At, claim, equality::same, int_or_percent, labels, meta},
};

#[derive(Debug)]
pub struct StatefulSet;

impl Strategy for StatefulSet {
    fn default(&self, object: &mut Value) {
        workload::default_template(object);
        text(object, &["spec", "podManagementPolicy"], "OrderedReady");
        let kind = ["spec", "updateStrategy", "type"];
        let rolling = ["spec", "updateStrategy", "rollingUpdate"];
        if object.str_at(&kind).is_empty() {
            object.set(&kind, "RollingUpdate");
            object.set_default(&rolling, Value::object());
        }
        if object.str_at(&kind) == "RollingUpdate" && object.at(&rolling).is_some() {
            object.set_default(
                &["spec", "updateStrategy", "rollingUpdate", "partition"],
                0i64,
            );
        }
        for name in ["whenDeleted", "whenScaled"] {
            text(
                object,
                &["spec", "persistentVolumeClaimRetentionPolicy", name],
                "Retain",
            );
        }
        object.set_default(&["spec", "replicas"], 1i64);
        object.set_default(&["spec", "revisionHistoryLimit"], 10i64);
        if let Some(spec) = object.at_mut(&["spec"]) {
            each(spec, "volumeClaimTemplates", |t| {
                text(t, &["apiVersion"], "v1");
                text(t, &["kind"], "PersistentVolumeClaim");
                text(t, &["status", "phase"], "Pending");
                t.set_default(&["spec", "volumeMode"], "Filesystem");
            });
        }
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        workload::prepare_create(object);
        drop_unavailable(object);
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = crate::rules::meta::finalizers(object);
        spec(object, Mode::Create, None, &mut e);
        e
    }

    fn warnings(&self, _ctx: &Context, object: &Value, old: Option<&Value>) -> Vec<String> {
        warnings::of_template(object, old, &["spec", "template"])
    }

    fn prepare_update(&self, ctx: &Context, object: &mut Value, old: &Value) {
        workload::prepare_update(ctx, object, old);
        drop_unavailable(object);
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut e = crate::rules::meta::finalizers(object);
        if ctx.subresource == "status" {
            status(object, old, &mut e);
            return e;
        }
        let mut was = Errors::new();
        spec(old, Mode::Update, Some(old), &mut was);
        let mode = if was.is_empty() {
            Mode::Update
        } else {
            Mode::UpdateBadTemplate
        };
        spec(object, mode, Some(old), &mut e);
        immutable(object, old, &mut e);
        e
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate_name(&self, name: &str, is_prefix: bool) -> Vec<String> {
        names::dns1123_label(name, is_prefix)
    }
}

/// The feature that serves `maxUnavailable` is off.
fn drop_unavailable(object: &mut Value) {
    object.unset(&["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"]);
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Create,
    Update,
    /// The stored template is wrong already, so the new one is not judged.
    UpdateBadTemplate,
}

fn immutable(object: &Value, old: &Value, e: &mut Errors) {
    let mut copy = object.get("spec").cloned().unwrap_or_default();
    for name in [
        "replicas",
        "template",
        "updateStrategy",
        "minReadySeconds",
        "ordinals",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
    ] {
        match old.at(&["spec", name]) {
            Some(v) => copy.set(&[name], v.clone()),
            None => drop(copy.unset(&[name])),
        }
    }
    let null = Value::Null;
    if !same(&copy, old.get("spec").unwrap_or(&null)) {
        At::root(object, "spec").forbidden(e, "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
    }
}

/// `ValidateStatefulSetSpec`.
fn spec(object: &Value, mode: Mode, old: Option<&Value>, e: &mut Errors) {
    let at = At::root(object, "spec");
    let policy = at.child("podManagementPolicy");
    match policy.str() {
        "" => policy.required(e, ""),
        "OrderedReady" | "Parallel" => {}
        _ => policy.bad_text(e, "must be 'OrderedReady' or 'Parallel'"),
    }
    update_strategy(&at.child("updateStrategy"), e);
    if let Some(p) = at.some("persistentVolumeClaimRetentionPolicy") {
        for name in ["whenDeleted", "whenScaled"] {
            p.child(name).one_of(e, &["Retain", "Delete"]);
        }
    }
    if mode == Mode::Create {
        for t in at.child("volumeClaimTemplates").items() {
            claim::spec(&t.child("spec"), e);
        }
    }
    at.child("replicas").non_negative(e);
    at.child("minReadySeconds").non_negative(e);
    if let Some(o) = at.some("ordinals") {
        At::new(o.child("start").v, at.path.child("ordinals.start")).non_negative(e);
    }
    let service = at.child("serviceName");
    if mode == Mode::Create && !service.str().is_empty() {
        service.complain(e, names::dns1123_label(service.str(), false));
    }
    workload::strict_selector(&at, "statefulset", e);
    let selector = at.child("selector");
    if labels::is_malformed(selector.v) {
        selector.invalid(e, "");
    } else {
        template(&at, mode, old, e);
    }
    workload::always_running(&at.child("template"), "StatefulSet", e);
}

fn update_strategy(at: &At, e: &mut Errors) {
    let rolling = at.child("rollingUpdate");
    match at.text("type") {
        "" => at.required(e, ""),
        "OnDelete" => {
            if rolling.has() {
                let shown = crate::rules::go_struct(rolling.v, &["partition", "maxUnavailable"]);
                rolling.bad_value(e, shown, "only allowed for updateStrategy 'RollingUpdate'");
            }
        }
        "RollingUpdate" => {
            rolling.child("partition").non_negative(e);
            if let Some(m) = rolling.some("maxUnavailable") {
                int_or_percent::positive(&m, e);
                if int_or_percent::value(m.v) == 0 {
                    m.invalid(e, "cannot be 0");
                }
                int_or_percent::at_most_100(&m, e);
            }
        }
        _ => {
            let mut shown = crate::rules::go_struct(at.v, &["type=", "rollingUpdate"]);
            if rolling.has() {
                shown.set(
                    &["RollingUpdate"],
                    crate::rules::go_struct(rolling.v, &["partition", "maxUnavailable"]),
                );
            }
            e.push(Error::invalid(
                &at.path,
                shown,
                "must be 'RollingUpdate' or 'OnDelete'",
            ));
        }
    }
}

/// `ValidatePodTemplateSpecForStatefulSet`, with the volumes that claims will give.
fn template(at: &At, mode: Mode, old: Option<&Value>, e: &mut Errors) {
    workload::selector_matches(at, true, e);
    let mut copy = at.child("template").v.clone();
    copy.unset(&["spec", "subdomain"]);
    copy.unset(&["spec", "hostname"]);
    let claims: std::collections::BTreeSet<&str> =
        at.v.items_at(&["volumeClaimTemplates"])
            .iter()
            .map(|t| t.str_at(&["metadata", "name"]))
            .collect();
    if !claims.is_empty() {
        let mut volumes: Vec<Value> = claims
            .iter()
            .map(|n| obj!({"name": (*n), "persistentVolumeClaim": {"claimName": (*n)}}))
            .collect();
        volumes.extend(
            copy.items_at(&["spec", "volumes"])
                .iter()
                .filter(|v| !claims.contains(v.str_at(&["name"])))
                .cloned(),
        );
        copy.set(&["spec", "volumes"], volumes);
    }
    let copy = At::new(&copy, at.path.child("template"));
    let opts = workload::opts(old);
    if mode != Mode::UpdateBadTemplate {
        pod_template_spec(&copy, opts, e);
    }
    let m = copy.child("metadata");
    labels::labels(&At::new(m.child("labels").v, copy.path.child("labels")), e);
    let a = At::new(m.child("annotations").v, copy.path.child("annotations"));
    meta::annotations(&a, e);
    annotations::pod_specific(&a, &copy.child("spec"), opts, e);
}

fn status(object: &Value, old: &Value, e: &mut Errors) {
    let at = At::root(object, "status");
    workload::counters(
        &at,
        &[
            "replicas",
            "readyReplicas",
            "currentReplicas",
            "updatedReplicas",
            "availableReplicas",
            "observedGeneration",
            "collisionCount",
        ],
        &[
            ("readyReplicas", "replicas", workload::ABOVE_REPLICAS),
            ("currentReplicas", "replicas", workload::ABOVE_REPLICAS),
            ("updatedReplicas", "replicas", workload::ABOVE_REPLICAS),
            ("availableReplicas", "replicas", workload::ABOVE_REPLICAS),
            (
                "availableReplicas",
                "readyReplicas",
                "cannot be greater than status.readyReplicas",
            ),
        ],
        e,
    );
    workload::collisions(&at, old, e);
}
