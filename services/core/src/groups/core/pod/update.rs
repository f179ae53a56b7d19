//! What an update of a pod may change.

use std::collections::BTreeMap;

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
};

use super::{
    metadata_and_spec,
    validate::{annotations, opts_for_update, scheduling},
};
use crate::rules::{
    At,
    equality::{same, same_at},
    internal,
};

const MUTABLE: &str = "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// The rules of a create with the looseness of the old object, and annotations.
pub(super) fn common(new: &Value, old: &Value) -> Errors {
    let mut e = Errors::new();
    let null = Value::Null;
    let mut opts = opts_for_update(old.get("spec").unwrap_or(&null), true);
    let cost = old.at(&[
        "metadata",
        "annotations",
        "controller.kubernetes.io/pod-deletion-cost",
    ]);
    opts.bad_deletion_cost = cost
        .and_then(Value::as_str)
        .is_some_and(|c| !annotations::is_deletion_cost(c));
    metadata_and_spec(new, opts, &mut e);
    e
}

/// `ValidatePodSpecificAnnotationUpdates`.
pub(super) fn annotation_updates(new: &Value, old: &Value, e: &mut Errors) {
    let null = Value::Null;
    let at = At::root(new, "metadata").child("annotations");
    let old_annotations = old.at(&["metadata", "annotations"]).unwrap_or(&null);
    annotations::updates(&at, old_annotations, e);
    let opts = super::validate::Opts {
        is_pod: true,
        ..Default::default()
    };
    annotations::pod_specific(&at, &At::root(new, "spec"), opts, e);
}

/// `ValidatePodUpdate`.
pub fn validate(new: &Value, old: &Value) -> Errors {
    let mut e = common(new, old);
    annotation_updates(new, old, &mut e);
    let spec = At::root(new, "spec");
    let null = Value::Null;
    let old_spec = old.get("spec").unwrap_or(&null);
    for list in ["containers", "initContainers"] {
        let at = spec.child(list);
        if at.len() != old_spec.items_at(&[list]).len() {
            at.forbidden(&mut e, "pod updates may not add or remove containers");
            return e;
        }
        for c in at.items() {
            c.child("image").need(&mut e);
            super::validate::containers::pod_only(&c, &mut e);
        }
    }
    if !deadline(&spec, old_spec, &mut e) {
        return e;
    }
    tolerations(&spec.child("tolerations"), old_spec, &mut e);
    gates(&spec.child("schedulingGates"), old_spec, &mut e);
    if same(spec.v, old_spec) {
        return e;
    }
    let mut munged = munge(spec.v, old_spec);
    if !old_spec.items_at(&["schedulingGates"]).is_empty() {
        gated(&spec, &mut munged, old_spec, &mut e);
    }
    if !same(&munged, old_spec) {
        let diff = internal::diff("PodSpec", old_spec, &munged);
        spec.forbidden(
            &mut e,
            format!("pod updates may not change fields other than {MUTABLE}\n{diff}"),
        );
    }
    e
}

/// False when Go returns at once.
fn deadline(spec: &At, old: &Value, e: &mut Errors) -> bool {
    let at = spec.child("activeDeadlineSeconds");
    let before = old.i64_at(&["activeDeadlineSeconds"]);
    match (at.int(), before) {
        (Some(n), _) if !(0..=i64::from(i32::MAX)).contains(&n) => {
            at.bad_num(e, "must be between 0 and 2147483647, inclusive");
            false
        }
        (Some(n), Some(b)) if b < n => {
            at.bad_num(e, "must be less than or equal to previous value");
            false
        }
        (None, Some(_)) => {
            at.invalid(e, "must not update from a positive integer to nil value");
            true
        }
        _ => true,
    }
}

fn tolerations(at: &At, old: &Value, e: &mut Errors) {
    for t in old.items_at(&["tolerations"]) {
        let kept = at.items().any(|n| {
            let mut copy = t.clone();
            match n.v.get("tolerationSeconds") {
                Some(s) => copy.set(&["tolerationSeconds"], s.clone()),
                None => drop(copy.unset(&["tolerationSeconds"])),
            }
            same(&copy, n.v)
        });
        if !kept {
            at.forbidden(
                e,
                "existing toleration can not be modified except its tolerationSeconds",
            );
            return;
        }
    }
    scheduling::tolerations(at, e);
}

fn gates(at: &At, old: &Value, e: &mut Errors) {
    for g in at.items() {
        let name = g.text("name");
        if !old
            .items_at(&["schedulingGates"])
            .iter()
            .any(|o| o.str_at(&["name"]) == name)
        {
            g.child("name").forbidden(
                e,
                format!("only deletion is allowed, but found new scheduling gate '{name}'"),
            );
        }
    }
}

fn copy_from(into: &mut Value, from: &Value, path: &[&str]) {
    match from.at(path) {
        Some(v) => into.set(path, v.clone()),
        None => drop(into.unset(path)),
    }
}

/// The new spec with what may change put back.
fn munge(new: &Value, old: &Value) -> Value {
    let mut m = new.clone();
    for list in ["containers", "initContainers"] {
        let mut items = m.items_at(&[list]).to_vec();
        for (c, o) in items.iter_mut().zip(old.items_at(&[list])) {
            copy_from(c, o, &["image"]);
        }
        if !items.is_empty() {
            m.set(&[list], items);
        }
    }
    for name in ["activeDeadlineSeconds", "schedulingGates", "tolerations"] {
        copy_from(&mut m, old, &[name]);
    }
    let grace = ["terminationGracePeriodSeconds"];
    if old.i64_at(&grace).is_some_and(|g| g < 0) && m.i64_at(&grace) == Some(1) {
        copy_from(&mut m, old, &grace);
    }
    m
}

/// A gated pod may get more node selectors.
fn gated(spec: &At, munged: &mut Value, old: &Value, e: &mut Errors) {
    if !same_at(munged, old, &["nodeSelector"]) {
        let at = spec.child("nodeSelector");
        let null = Value::Null;
        let kept = At::new(old.get("nodeSelector").unwrap_or(&null), Path::default());
        if kept.entries().iter().any(|(k, v)| at.v.get(k) != Some(v.v)) {
            at.invalid(
                e,
                "only additions to spec.nodeSelector are allowed (no mutations or deletions)",
            );
        }
        copy_from(munged, old, &["nodeSelector"]);
    }
    if same_at(munged, old, &["affinity", "nodeAffinity"]) {
        return;
    }
    node_affinity(spec, old, e);
    let others = |v: &Value| {
        v.get("affinity")
            .is_some_and(|a| a.get("podAffinity").is_some() || a.get("podAntiAffinity").is_some())
    };
    if old.get("affinity").is_none() && !others(munged) {
        munged.unset(&["affinity"]);
    } else {
        copy_from(munged, old, &["affinity", "nodeAffinity"]);
    }
}

fn node_affinity(spec: &At, old: &Value, e: &mut Errors) {
    const TERMS: [&str; 4] = [
        "affinity",
        "nodeAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution",
        "nodeSelectorTerms",
    ];
    let at = spec.down(&TERMS);
    let before = old.items_at(&TERMS);
    if !before.is_empty() && before.len() != at.len() {
        at.invalid(
            e,
            "no additions/deletions to non-empty NodeSelectorTerms list are allowed",
        );
        return;
    }
    for (n, o) in at.items().zip(before) {
        if !only_additions(n.v, o) {
            n.invalid(e, "only additions are allowed (no mutations or deletions)");
        }
    }
}

fn only_additions(new: &Value, old: &Value) -> bool {
    let lists = ["matchExpressions", "matchFields"];
    let was_empty = lists.iter().all(|l| old.items_at(&[l]).is_empty());
    if was_empty && lists.iter().any(|l| !new.items_at(&[l]).is_empty()) {
        return false;
    }
    lists.iter().all(|l| {
        let (n, o) = (new.items_at(&[l]), old.items_at(&[l]));
        n.len() >= o.len() && n.iter().zip(o).all(|(a, b)| same(a, b))
    })
}

/// `/ephemeralcontainers` changes nothing else.
pub fn keep_all_but_ephemeral(object: &mut Value, old: &Value) {
    let containers = object.at(&["spec", "ephemeralContainers"]).cloned();
    let version = object.at(&["metadata", "resourceVersion"]).cloned();
    let managed = object.at(&["metadata", "managedFields"]).cloned();
    *object = old.clone();
    match containers {
        Some(c) => object.set(&["spec", "ephemeralContainers"], c),
        None => drop(object.unset(&["spec", "ephemeralContainers"])),
    }
    for (name, v) in [("resourceVersion", version), ("managedFields", managed)] {
        if let Some(v) = v {
            object.set(&["metadata", name], v);
        }
    }
}

/// `ValidatePodEphemeralContainersUpdate`.
pub fn ephemeral(new: &Value, old: &Value) -> Errors {
    let mut e = common(new, old);
    annotation_updates(new, old, &mut e);
    if old
        .at(&["metadata", "annotations", annotations::MIRROR])
        .is_some()
    {
        let why = "static pods do not support ephemeral containers";
        return Errors(vec![Error::forbidden(&Path::new(""), why)]);
    }
    let at = At::root(new, "spec").child("ephemeralContainers");
    let by_name: BTreeMap<&str, &Value> = at.items().map(|c| (c.text("name"), c.v)).collect();
    for o in old.items_at(&["spec", "ephemeralContainers"]) {
        let name = o.str_at(&["name"]);
        match by_name.get(name) {
            None => at.forbidden(
                &mut e,
                format!("existing ephemeral containers {name:?} may not be removed\n"),
            ),
            Some(n) if !same(o, n) => {
                let diff = internal::diff("EphemeralContainer", o, n);
                at.forbidden(
                    &mut e,
                    format!("existing ephemeral containers {name:?} may not be changed\n{diff}"),
                );
            }
            Some(_) => {}
        }
    }
    e
}
