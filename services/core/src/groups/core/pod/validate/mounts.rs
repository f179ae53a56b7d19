//! Volume mounts and devices of a container.

use std::collections::BTreeSet;

use catena_objects::field::Errors;

use super::{
    Scope,
    volumes::{has_backsteps, local_descending},
};
use crate::rules::At;

/// `ValidateVolumeMounts`.
pub fn mounts(c: &At, scope: &Scope, e: &mut Errors) {
    let at = c.child("volumeMounts");
    let mut paths = BTreeSet::new();
    let devices: Vec<At> = c.child("volumeDevices").items().collect();
    let privileged = c.v.bool_at(&["securityContext", "privileged"]) == Some(true);
    for m in at.items() {
        let (name, path) = (m.child("name"), m.child("mountPath"));
        name.need(e);
        if !scope.volumes.contains_key(name.str()) {
            name.not_found(e);
        }
        path.need(e);
        if !paths.insert(path.str()) {
            path.bad_text(e, "must be unique");
        }
        if devices.iter().any(|d| d.text("name") == name.str()) {
            name.bad_text(e, "must not already exist in volumeDevices");
        }
        if devices.iter().any(|d| d.text("devicePath") == path.str()) {
            path.bad_text(e, "must not already exist as a path in volumeDevices");
        }
        // Go names the list, not the mount, in these.
        let sub = At::new(m.child("subPath").v, at.path.child("subPath"));
        if !sub.str().is_empty() {
            local_descending(&sub, e);
        }
        let expr = At::new(m.child("subPathExpr").v, at.path.child("subPathExpr"));
        if !expr.str().is_empty() {
            if !sub.str().is_empty() {
                m.child("subPathExpr")
                    .bad_text(e, "subPathExpr and subPath are mutually exclusive");
            }
            local_descending(&expr, e);
        }
        propagation(&at, &m, privileged, e);
        recursive_read_only(&at, &m, e);
    }
}

fn propagation(list: &At, m: &At, privileged: bool, e: &mut Errors) {
    let Some(p) = m.some("mountPropagation") else {
        return;
    };
    let p = At::new(p.v, list.path.child("mountPropagation"));
    p.one_of(e, &["Bidirectional", "HostToContainer", "None"]);
    if p.str() == "Bidirectional" && !privileged {
        p.forbidden(
            e,
            "Bidirectional mount propagation is available only to privileged containers",
        );
    }
}

fn recursive_read_only(list: &At, m: &At, e: &mut Errors) {
    let Some(r) = m.some("recursiveReadOnly") else {
        return;
    };
    let r = At::new(r.v, list.path.child("recursiveReadOnly"));
    match r.str() {
        "Disabled" => {}
        "Enabled" | "IfPossible" => {
            if !m.flag("readOnly") {
                r.forbidden(e, "may only be specified when readOnly is true");
            }
            if m.some("mountPropagation")
                .is_some_and(|p| p.str() != "None")
            {
                r.forbidden(
                    e,
                    "may only be specified when mountPropagation is None or not specified",
                );
            }
        }
        _ => r.unsupported(e, &["Disabled", "Enabled", "IfPossible"]),
    }
}

/// `ValidateVolumeDevices`.
pub fn devices(c: &At, scope: &Scope, e: &mut Errors) {
    let (mut paths, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mounts: Vec<At> = c.child("volumeMounts").items().collect();
    for d in c.child("volumeDevices").items() {
        let (name, path) = (d.child("name"), d.child("devicePath"));
        let volume = scope.volumes.get(name.str());
        name.need(e);
        if seen.contains(name.str()) {
            name.bad_text(e, "must be unique");
        }
        match volume {
            None => name.not_found(e),
            Some(v) if v.get("persistentVolumeClaim").is_none() && v.get("ephemeral").is_none() => {
                name.bad_text(e, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode");
            }
            Some(_) => {}
        }
        path.need(e);
        if paths.contains(path.str()) {
            path.bad_text(e, "must be unique");
        }
        if has_backsteps(path.str()) {
            path.bad_text(e, "can not contain backsteps ('..')");
        } else {
            paths.insert(path.str());
        }
        if mounts.iter().any(|m| m.text("name") == name.str()) {
            name.bad_text(e, "must not already exist in volumeMounts");
        }
        if mounts.iter().any(|m| m.text("mountPath") == path.str()) {
            path.bad_text(e, "must not already exist as a path in volumeMounts");
        }
        if !name.str().is_empty() {
            seen.insert(name.str());
        }
    }
}
