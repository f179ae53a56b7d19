//! Annotations with a meaning for pods.

use catena_objects::{
    Value,
    field::{Error, Errors},
};

use super::{Opts, visit, volumes::local_descending};
use crate::rules::At;

pub const MIRROR: &str = "kubernetes.io/config.mirror";
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";
const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// `ValidatePodSpecificAnnotations`; `at` holds the annotations.
pub fn pod_specific(at: &At, spec: &At, opts: Opts, e: &mut Errors) {
    let entries = at.entries();
    if let Some((_, v)) = entries.iter().find(|(k, _)| *k == MIRROR)
        && spec.text("nodeName").is_empty()
    {
        v.bad_text(e, "must set spec.nodeName if mirror pod annotation is set");
    }
    if let Some((_, v)) = entries.iter().find(|(k, _)| *k == DELETION_COST)
        && !opts.bad_deletion_cost
        && !is_deletion_cost(v.str())
    {
        v.bad_text(e, "must be a 32bit integer");
    }
    for (k, v) in &entries {
        if *k == SECCOMP_POD || k.starts_with(SECCOMP_CONTAINER) {
            seccomp(&At::new(v.v, at.path.child(k)), e);
        }
    }
    for (k, v) in &entries {
        if let Some(container) = k.strip_prefix(APP_ARMOR) {
            if !visit(spec).any(|c| c.text("name") == container) {
                v.bad_value(e, container, "container not found");
            }
            let p = v.str();
            if !p.is_empty()
                && p != "runtime/default"
                && p != "unconfined"
                && !p.starts_with("localhost/")
            {
                v.bad_text(e, format!("invalid AppArmor profile name: {p:?}"));
            }
        }
    }
}

/// An integer of 32 bits without a plus sign or leading zeros.
pub fn is_deletion_cost(s: &str) -> bool {
    let digits = s.strip_prefix('-').unwrap_or(s);
    let leading = digits.len() > 1 && digits.starts_with('0');
    s.parse::<i32>().is_ok() && !leading && !s.starts_with('+')
}

fn seccomp(at: &At, e: &mut Errors) {
    match at.str() {
        "runtime/default" | "docker/default" | "unconfined" => {}
        p => match p.strip_prefix("localhost/") {
            Some(path) => {
                let v = Value::from(path);
                local_descending(&At::new(&v, at.path.clone()), e);
            }
            None => at.bad_text(e, "must be a valid seccomp profile"),
        },
    }
}

/// Profiles in annotations and in fields must not contradict (create and templates).
pub fn match_fields(annotations: &Value, spec: &At, e: &mut Errors) {
    let of = |key: &str| annotations.get(key).and_then(Value::as_str);
    let pod = spec.child("securityContext");
    if let (Some(p), Some(a)) = (pod.some("seccompProfile"), of(SECCOMP_POD)) {
        profile(&p, a, "seccomp", e);
    }
    for c in visit(spec) {
        let key = format!("{SECCOMP_CONTAINER}{}", c.text("name"));
        if let (Some(p), Some(a)) = (c.child("securityContext").some("seccompProfile"), of(&key)) {
            profile(&p, a, "seccomp", e);
        }
    }
    if spec.child("os").text("name") == "windows" {
        return;
    }
    for c in visit(spec) {
        let own = c.child("securityContext").child("appArmorProfile");
        let v = if own.has() {
            own.v
        } else {
            pod.child("appArmorProfile").v
        };
        let key = format!("{APP_ARMOR}{}", c.text("name"));
        if let (false, Some(a)) = (v.is_null(), of(&key)) {
            profile(&At::new(v, own.path), a, "apparmor", e);
        }
    }
}

fn profile(at: &At, annotation: &str, what: &str, e: &mut Errors) {
    let same = match at.text("type") {
        "Unconfined" => annotation == "unconfined",
        "RuntimeDefault" => {
            annotation == "runtime/default" || (what == "seccomp" && annotation == "docker/default")
        }
        "Localhost" => annotation.starts_with("localhost/"),
        _ => true,
    };
    if !same {
        at.child("type")
            .forbidden(e, format!("{what} type in annotation and field must match"));
    } else if at.text("type") == "Localhost"
        && annotation.strip_prefix("localhost/") != at.child("localhostProfile").v.as_str()
    {
        at.child("localhostProfile").forbidden(
            e,
            format!("{what} profile in annotation and field must match"),
        );
    }
}

/// `ValidatePodSpecificAnnotationUpdates` without the rules of a create.
pub fn updates(at: &At, old: &Value, e: &mut Errors) {
    let old_at = At::new(old, at.path.clone());
    for (k, v) in old_at.entries() {
        if at.v.get(k) == Some(v.v) {
            continue;
        }
        if k.starts_with(APP_ARMOR) {
            e.push(Error::forbidden(
                &v.path,
                "may not remove or update AppArmor annotations",
            ));
        }
        if k == MIRROR {
            e.push(Error::forbidden(
                &v.path,
                "may not remove or update mirror pod annotation",
            ));
        }
    }
    for (k, v) in at.entries() {
        if old.get(k).is_some() {
            continue;
        }
        if k.starts_with(APP_ARMOR) {
            e.push(Error::forbidden(
                &v.path,
                "may not add AppArmor annotations",
            ));
        }
        if k == MIRROR {
            e.push(Error::forbidden(
                &v.path,
                "may not add mirror pod annotation",
            ));
        }
    }
}
