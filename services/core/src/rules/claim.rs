//! Spec of a persistent volume claim, where it stands in templates.

use catena_objects::{
    field::{Error, Errors},
    names,
};

use super::{At, NOT_NEGATIVE, labels, meta, quantity};

const MODES: [&str; 4] = [
    "ReadOnlyMany",
    "ReadWriteMany",
    "ReadWriteOnce",
    "ReadWriteOncePod",
];

/// `ValidatePersistentVolumeClaimTemplate`.
pub fn template(at: &At, e: &mut Errors) {
    let m = at.child("metadata");
    meta::annotations(&m.child("annotations"), e);
    labels::labels(&m.child("labels"), e);
    for (name, v) in m.v.as_object().into_iter().flat_map(|o| o.iter()) {
        if !matches!(name.as_str(), "annotations" | "labels") && !v.is_null() {
            m.child(name).forbidden(e, "cannot be set");
        }
    }
    spec(&at.child("spec"), e);
}

/// `ValidatePersistentVolumeClaimSpec` for a new claim.
pub fn spec(at: &At, e: &mut Errors) {
    let modes = at.child("accessModes");
    if modes.is_empty() {
        modes.required(e, "at least 1 access mode is required");
    }
    labels::selector(&at.child("selector"), false, e);
    let (mut once_pod, mut other) = (false, false);
    for m in modes.items() {
        let known = MODES.contains(&m.str());
        if !known {
            e.push(Error::not_supported(&modes.path, m.str(), &MODES));
        }
        once_pod |= m.str() == "ReadWriteOncePod";
        other |= known && m.str() != "ReadWriteOncePod";
    }
    if once_pod && other {
        modes.forbidden(e, "may not use ReadWriteOncePod with other access modes");
    }
    let storage = at.down(&["resources", "requests", "storage"]);
    let storage = At::new(storage.v, at.path.child("resources").key("storage"));
    if !storage.has() {
        storage.required(e, "");
    } else if quantity::sign(storage.v) <= 0 {
        storage.bad_value(e, quantity::text(storage.v), "must be greater than zero");
    } else if quantity::sign(storage.v) < 0 {
        storage.bad_value(e, quantity::text(storage.v), NOT_NEGATIVE);
    }
    class(&at.child("storageClassName"), e);
    if let Some(m) = at.some("volumeMode") {
        m.one_of(e, &["Block", "Filesystem"]);
    }
    sources(at, e);
    class(&at.child("volumeAttributesClassName"), e);
}

fn class(at: &At, e: &mut Errors) {
    if !at.str().is_empty() {
        at.complain(e, names::dns1123_subdomain(at.str(), false));
    }
}

fn sources(at: &At, e: &mut Errors) {
    for name in ["dataSource", "dataSourceRef"] {
        let Some(s) = at.some(name) else {
            continue;
        };
        s.child("name").need(e);
        s.child("kind").need(e);
        let group = s.child("apiGroup");
        if group.str().is_empty() && s.text("kind") != "PersistentVolumeClaim" {
            s.bad_value(
                e,
                s.text("kind"),
                "must be 'PersistentVolumeClaim' when referencing the default apiGroup",
            );
        }
        class(&group, e);
        let ns = s.child("namespace");
        if name == "dataSourceRef" && !ns.str().is_empty() {
            ns.complain(e, names::dns1123_label(ns.str(), false));
        }
    }
    let (a, b) = (at.child("dataSource"), at.child("dataSourceRef"));
    if a.has() && b.has() {
        let shown = a.path.as_str();
        if !b.text("namespace").is_empty() {
            at.bad_value(
                e,
                shown,
                "may not be specified when dataSourceRef.namespace is specified",
            );
        } else if ["apiGroup", "kind", "name"]
            .iter()
            .any(|f| a.v.get(f) != b.v.get(f))
        {
            at.bad_value(e, shown, "must match dataSourceRef");
        }
    }
}
