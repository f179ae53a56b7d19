//! Binding of a pod to a node.

use catena_objects::{
    Status, Value,
    field::{Error, Errors, Path},
    obj,
};

/// `ValidatePodBinding`.
pub fn validate(binding: &Value) -> Errors {
    let mut e = Errors::new();
    let target = Path::new("target");
    let kind = binding.str_at(&["target", "kind"]);
    if !kind.is_empty() && kind != "Node" {
        e.push(Error::not_supported(
            &target.child("kind"),
            kind,
            &["Node", "<empty>"],
        ));
    }
    if binding.str_at(&["target", "name"]).is_empty() {
        e.push(Error::required(&target.child("name"), ""));
    }
    e
}

/// Puts a binding into a pod, or says why not (409).
pub fn bind(pod: &mut Value, binding: &Value, now: &str) -> Result<(), Status> {
    let name = pod.str_at(&["metadata", "name"]).to_owned();
    let conflict = |why: String| Status::conflict("", "pods/binding", &name, &why);
    for (field, noun) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
        let want = binding.str_at(&["metadata", field]);
        let have = pod.str_at(&["metadata", field]);
        if !want.is_empty() && want != have {
            let why = format!(
                "Precondition failed: {noun} in precondition: {want}, {noun} in object meta: {have}"
            );
            return Err(Status::conflict("", "pods", &name, &why));
        }
    }
    if pod.at(&["metadata", "deletionTimestamp"]).is_some() {
        return Err(conflict(format!(
            "pod {name} is being deleted, cannot be assigned to a host"
        )));
    }
    let node = pod.str_at(&["spec", "nodeName"]);
    if !node.is_empty() {
        return Err(conflict(format!(
            "pod {name} is already assigned to node {node:?}"
        )));
    }
    if !pod.items_at(&["spec", "schedulingGates"]).is_empty() {
        return Err(conflict(format!(
            "pod {name} has non-empty .spec.schedulingGates"
        )));
    }
    pod.set(&["spec", "nodeName"], binding.str_at(&["target", "name"]));
    pod.unset(&["status", "nominatedNodeName"]);
    for member in ["annotations", "labels"] {
        let add = binding.at(&["metadata", member]).cloned();
        for (k, v) in add
            .iter()
            .filter_map(Value::as_object)
            .flat_map(|m| m.iter())
        {
            pod.set(&["metadata", member, k.as_str()], v.clone());
        }
    }
    set_condition(pod, "PodScheduled", "True", None, now);
    Ok(())
}

/// Sets a condition; the time moves only when the status changes. `why` is its
/// reason and message.
pub fn set_condition(pod: &mut Value, kind: &str, status: &str, why: Option<[&str; 2]>, now: &str) {
    let mut all = pod.items_at(&["status", "conditions"]).to_vec();
    let old = all.iter().position(|c| c.str_at(&["type"]) == kind);
    let mut new = obj!({
        "type": kind, "status": status, "lastProbeTime": null, "lastTransitionTime": now,
    });
    if let Some([reason, message]) = why {
        new.set(&["reason"], reason);
        new.set(&["message"], message);
    }
    match old {
        Some(i) => {
            if all[i].str_at(&["status"]) == status
                && let Some(t) = all[i].get("lastTransitionTime")
            {
                new.set(&["lastTransitionTime"], t.clone());
            }
            all[i] = new;
        }
        None => all.push(new),
    }
    pod.set(&["status", "conditions"], all);
}
