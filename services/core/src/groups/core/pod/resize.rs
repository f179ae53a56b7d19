//! The `/resize` subresource: resources of containers of a running pod.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
};

use super::{resources, update, validate::annotations};
use crate::rules::{At, equality::same};

const LISTS: [&str; 2] = ["containers", "initContainers"];

/// Keeps everything but resources and resize policies; a changed list of
/// containers is left for validation to refuse.
pub fn prepare(object: &mut Value, old: &Value) {
    let count = |v: &Value, list| v.items_at(&["spec", list]).len();
    if LISTS.iter().any(|l| count(object, l) != count(old, l)) {
        return;
    }
    let mut merged = old.clone();
    for list in LISTS {
        let new = object.items_at(&["spec", list]);
        if !new.is_empty() {
            merged.set(&["spec", list], merge(new, old.items_at(&["spec", list])));
        }
    }
    match object.at(&["spec", "resources"]) {
        Some(r) => merged.set(&["spec", "resources"], r.clone()),
        None => drop(merged.unset(&["spec", "resources"])),
    }
    for name in ["resourceVersion", "managedFields"] {
        if let Some(v) = object.at(&["metadata", name]) {
            merged.set(&["metadata", name], v.clone());
        }
    }
    *object = merged;
}

fn merge(new: &[Value], old: &[Value]) -> Vec<Value> {
    if new
        .iter()
        .zip(old)
        .any(|(n, o)| n.get("name") != o.get("name"))
    {
        return new.to_vec();
    }
    let mut out = old.to_vec();
    for (c, n) in out.iter_mut().zip(new) {
        take(c, n, &["resources"]);
        take(c, n, &["resizePolicy"]);
    }
    out
}

fn take(into: &mut Value, from: &Value, path: &[&str]) {
    match from.at(path) {
        Some(v) => into.set(path, v.clone()),
        None => drop(into.unset(path)),
    }
}

/// `ValidatePodResize`.
pub fn validate(new: &Value, old: &Value) -> Errors {
    let only = |why: &str| Errors(vec![Error::forbidden(&Path::new(""), why)]);
    if old
        .at(&["metadata", "annotations", annotations::MIRROR])
        .is_some()
    {
        return only("static pods cannot be resized");
    }
    if old.str_at(&["spec", "os", "name"]) == "windows" {
        return only("windows pods cannot be resized");
    }
    let mut e = update::common(new, old);
    let spec = At::root(new, "spec");
    if old.str_at(&["status", "qosClass"]) != resources::qos_class(spec.v) {
        spec.bad_value(
            &mut e,
            new.str_at(&["status", "qosClass"]),
            "Pod QOS Class may not change as a result of resizing",
        );
    }
    for list in LISTS {
        let before = old.items_at(&["spec", list]);
        let same_order = spec.child(list).len() == before.len()
            && spec
                .child(list)
                .items()
                .zip(before)
                .all(|(n, o)| n.text("name") == o.str_at(&["name"]));
        if !same_order {
            spec.forbidden(
                &mut e,
                format!("{list} may not be added, removed, renamed or reordered on resize"),
            );
            return e;
        }
    }
    for list in ["initContainers", "containers"] {
        for (n, o) in spec.child(list).items().zip(old.items_at(&["spec", list])) {
            container(&spec, &n, o, list, &mut e);
        }
    }
    e
}

fn container(spec: &At, new: &At, old: &Value, list: &str, e: &mut Errors) {
    for kind in ["requests", "limits"] {
        let at = new.child("resources").child(kind);
        let gone = old
            .at(&["resources", kind])
            .and_then(Value::as_object)
            .is_some_and(|m| m.keys().any(|k| at.v.get(k).is_none()));
        if gone {
            at.forbidden(e, format!("resource {kind} cannot be removed"));
        }
    }
    let strip = |c: &Value| {
        let mut c = c.clone();
        for kind in ["requests", "limits"] {
            for name in ["cpu", "memory"] {
                c.unset(&["resources", kind, name]);
            }
        }
        c.unset(&["resizePolicy"]);
        c
    };
    if !same(&strip(new.v), &strip(old)) {
        if list == "containers" {
            spec.forbidden(e, "only cpu and memory resources are mutable");
        } else {
            new.forbidden(
                e,
                "only cpu and memory resources for init or sidecar containers are mutable",
            );
        }
    }
}
