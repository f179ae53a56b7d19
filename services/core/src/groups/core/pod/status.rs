//! The status of a pod.

use catena_objects::{
    Value,
    field::{Error, Errors},
    names, obj,
};

use super::{resources, update};
use crate::rules::At;

/// The single and the plural address fields say the same (`Convert_v1_PodStatus`).
pub fn align_ips(object: &mut Value) {
    for (single, plural) in [("podIP", "podIPs"), ("hostIP", "hostIPs")] {
        let one = object.str_at(&["status", single]).to_owned();
        let first = object
            .items_at(&["status", plural])
            .first()
            .map(|ip| ip.str_at(&["ip"]).to_owned());
        match first {
            Some(ip) if plural == "podIPs" && !one.is_empty() && ip != one => {
                object.set(&["status", plural], vec![obj!({"ip": one})]);
            }
            None if plural == "podIPs" && !one.is_empty() => {
                object.set(&["status", plural], vec![obj!({"ip": one})]);
            }
            Some(ip) if one.is_empty() && plural == "podIPs" => object.set(&["status", single], ip),
            _ => {}
        }
    }
}

/// `/status` changes status and labels, annotations, finalizers.
pub fn prepare(object: &mut Value, old: &Value) {
    keep(object, old, &["spec"]);
    object.unset(&["metadata", "deletionTimestamp"]);
    keep(object, old, &["metadata", "ownerReferences"]);
    if object.str_at(&["status", "qosClass"]).is_empty() {
        keep(object, old, &["status", "qosClass"]);
    }
    if object
        .i64_at(&["status", "observedGeneration"])
        .unwrap_or(0)
        == 0
    {
        keep(object, old, &["status", "observedGeneration"]);
    }
    observed_generations(object, old);
}

fn keep(object: &mut Value, old: &Value, path: &[&str]) {
    match old.at(path) {
        Some(v) => object.set(path, v.clone()),
        None => drop(object.unset(path)),
    }
}

fn observed_generations(object: &mut Value, old: &Value) {
    let mut before: Vec<&Value> = old.items_at(&["status", "conditions"]).iter().collect();
    let mut conditions = object.items_at(&["status", "conditions"]).to_vec();
    let mut changed = false;
    for c in &mut conditions {
        let kind = c.str_at(&["type"]).to_owned();
        let Some(i) = before.iter().position(|b| b.str_at(&["type"]) == kind) else {
            continue;
        };
        let seen = before
            .remove(i)
            .i64_at(&["observedGeneration"])
            .unwrap_or(0);
        if c.i64_at(&["observedGeneration"]).unwrap_or(0) == 0 && seen != 0 {
            c.set(&["observedGeneration"], seen);
            changed = true;
        }
    }
    if changed {
        object.set(&["status", "conditions"], conditions);
    }
}

/// `ValidatePodStatusUpdate`.
pub fn validate(new: &Value, old: &Value) -> Errors {
    let mut e = Errors::new();
    update::annotation_updates(new, old, &mut e);
    let status = At::root(new, "status");
    for c in status.child("conditions").items() {
        let known = matches!(
            c.text("type"),
            "PodScheduled" | "Ready" | "Initialized" | "ContainersReady"
        );
        if !known {
            c.child("type")
                .complain(&mut e, names::qualified_name(c.text("type")));
        }
        if c.num("observedGeneration") < 0 {
            c.child("observedGeneration")
                .bad_num(&mut e, crate::rules::NOT_NEGATIVE);
        }
    }
    nominated(&status, old, &mut e);
    if status.num("observedGeneration") < 0 {
        status
            .child("observedGeneration")
            .bad_num(&mut e, "must be a non-negative integer");
    }
    let class = status.child("qosClass");
    if class.str() != old.str_at(&["status", "qosClass"]) {
        class.bad_text(&mut e, crate::rules::IMMUTABLE);
    }
    transitions(&status, old, &mut e);
    for (list, single) in [("podIPs", "podIPs"), ("hostIPs", "hostIPs")] {
        ips(
            &status.child(list),
            old.items_at(&["status", single]),
            &mut e,
        );
    }
    e
}

fn nominated(status: &At, old: &Value, e: &mut Errors) {
    let node = status.child("nominatedNodeName");
    if node.str().is_empty() || node.str() == old.str_at(&["status", "nominatedNodeName"]) {
        return;
    }
    node.complain(e, names::dns1123_subdomain(node.str(), false));
    if !old.str_at(&["spec", "nodeName"]).is_empty() {
        node.forbidden(e, "may not be set on pods that are already bound to a node");
    }
}

/// A container that ended stays so unless it may restart.
fn transitions(status: &At, old: &Value, e: &mut Errors) {
    let empty = Value::object();
    let spec = old.get("spec").unwrap_or(&empty);
    let restart_all = resources::any_rule(spec, "RestartAllContainers");
    for (list, containers) in [
        ("containerStatuses", Some("containers")),
        ("initContainerStatuses", Some("initContainers")),
        ("ephemeralContainerStatuses", None),
    ] {
        if containers.is_some() && restart_all {
            continue;
        }
        let at = status.child(list);
        for (i, before) in old.items_at(&["status", list]).iter().enumerate() {
            let Some(ended) = before.at(&["state", "terminated"]).filter(|t| !t.is_null()) else {
                continue;
            };
            let name = before.str_at(&["name"]);
            let revived = at
                .items()
                .any(|n| n.text("name") == name && n.child("state").some("terminated").is_none());
            let code = ended.i64_at(&["exitCode"]).unwrap_or(0);
            let allowed = containers.is_some_and(|c| {
                spec.items_at(&[c])
                    .iter()
                    .find(|x| x.str_at(&["name"]) == name)
                    .is_some_and(|x| resources::should_restart(x, spec, code))
            });
            if revived && !allowed {
                let path = at.path.index(i).child("state");
                e.push(Error::forbidden(
                    &path,
                    "may not be transitioned to non-terminated state",
                ));
            }
        }
    }
}

fn ips(at: &At, old: &[Value], e: &mut Errors) {
    let before: Vec<&str> = old.iter().map(|ip| ip.str_at(&["ip"])).collect();
    for ip in at.items() {
        e.extend(names::valid_ip_legacy(&ip.path, ip.text("ip"), &before));
    }
    if at.len() < 2 {
        return;
    }
    let six: Vec<bool> = at.items().map(|ip| ip.text("ip").contains(':')).collect();
    if at.len() > 2 || six.first() == six.get(1) {
        at.invalid(e, "may specify no more than one IP for each IP family");
    }
}
