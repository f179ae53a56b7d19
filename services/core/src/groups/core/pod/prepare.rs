//! What the server fills in or drops before admission.

use catena_objects::{Value, obj};

use super::defaults::{each, present};

/// Drops fields of features that are off in this version.
pub fn drop_disabled(object: &mut Value, path: &[&str]) {
    let Some(spec) = object.at_mut(path) else {
        return;
    };
    super::defaults::account_alias(spec);
    spec.unset(&["schedulingGroup"]);
    each(spec, "volumes", |v| {
        if let Some(p) = present(v, "projected") {
            each(p, "sources", |s| {
                s.unset(&["clusterTrustBundle"]);
                s.unset(&["podCertificate"]);
            });
        }
    });
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        each(spec, list, |c| drop(c.unset(&["lifecycle", "stopSignal"])));
    }
}

/// A pod with scheduling gates says so in its conditions.
pub fn scheduling_gated(object: &mut Value) {
    if object.items_at(&["spec", "schedulingGates"]).is_empty() {
        return;
    }
    let condition = obj!({
        "type": "PodScheduled",
        "status": "False",
        "lastProbeTime": null,
        "lastTransitionTime": (catena_objects::time::now()),
        "reason": "SchedulingGated",
        "message": "Scheduling is blocked due to non-empty scheduling gates",
    });
    object.set(&["status", "conditions"], vec![condition]);
}

/// Merges `matchLabelKeys` and `mismatchLabelKeys` into the selectors beside them.
pub fn label_keys(object: &mut Value) {
    let labels = object
        .at(&["metadata", "labels"])
        .cloned()
        .unwrap_or_default();
    let Some(spec) = object.at_mut(&["spec"]) else {
        return;
    };
    for kind in ["podAffinity", "podAntiAffinity"] {
        let Some(a) = spec.at_mut(&["affinity", kind]) else {
            continue;
        };
        each(a, "preferredDuringSchedulingIgnoredDuringExecution", |t| {
            if let Some(term) = present(t, "podAffinityTerm") {
                merge(term, &labels);
            }
        });
        each(a, "requiredDuringSchedulingIgnoredDuringExecution", |t| {
            merge(t, &labels)
        });
    }
    each(spec, "topologySpreadConstraints", |t| merge(t, &labels));
}

fn merge(term: &mut Value, labels: &Value) {
    if term
        .get("labelSelector")
        .is_none_or(|s| s.as_object().is_none())
    {
        return;
    }
    let mut added = Vec::new();
    for (list, operator) in [("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")] {
        for key in term.items_at(&[list]) {
            let key = key.as_str().unwrap_or_default();
            if let Some(value) = labels.get(key) {
                added.push(obj!({"key": key, "operator": operator, "values": [(value.clone())]}));
            }
        }
    }
    if added.is_empty() {
        return;
    }
    let mut all = term
        .items_at(&["labelSelector", "matchExpressions"])
        .to_vec();
    all.extend(added);
    term.set(&["labelSelector", "matchExpressions"], all);
}
