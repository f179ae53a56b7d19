//! PersistentVolumeClaim: `ValidatePersistentVolumeClaim*`.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    labels, names,
    quantity::Quantity,
};
use catena_registry::{Context, Strategy};

use super::persistent_volume::{access_modes, class_names};
use crate::steps::{complaints, immutable, is_set, keep, kube_finalizers, same};

const REQUEST: [&str; 4] = ["spec", "resources", "requests", "storage"];

#[derive(Debug)]
pub struct PersistentVolumeClaim;

impl Strategy for PersistentVolumeClaim {
    fn default(&self, object: &mut Value) {
        if object.str_at(&["status", "phase"]).is_empty() {
            object.set(&["status", "phase"], "Pending");
        }
        object.set_default(&["spec", "volumeMode"], "Filesystem");
        object.set_default(&["spec", "resources"], Value::object());
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        object.set(&["status"], Value::object());
        object.set(&["status", "phase"], "Pending");
        same_source(object);
    }

    fn prepare_update(&self, ctx: &Context, object: &mut Value, old: &Value) {
        if ctx.subresource == "status" {
            keep(object, old, &["spec"]);
        } else {
            keep(object, old, &["status"]);
            same_source(object);
        }
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = kube_finalizers(object);
        let spec = Path::new("spec");
        let text = "at least 1 access mode is required";
        if object.items_at(&["spec", "accessModes"]).is_empty() {
            errors.push(Error::required(&spec.child("accessModes"), text));
        }
        if is_set(object, &["spec", "selector"]) {
            errors.extend(labels::validate_label_selector(
                object.at(&["spec", "selector"]),
                labels::Tolerance::default(),
                &spec.child("selector"),
            ));
        }
        if !object.items_at(&["spec", "accessModes"]).is_empty() {
            access_modes(&mut errors, &spec, object, text);
        }
        storage_request(&mut errors, &spec, object);
        class_names(&mut errors, &spec, object);
        for source in ["dataSource", "dataSourceRef"] {
            data_source(&mut errors, &spec.child(source), object, source);
        }
        errors
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        if ctx.subresource == "status" {
            return Errors::new();
        }
        let mut errors = self.validate(ctx, object);
        fixed(&mut errors, object, old);
        let size = |v: &Value| Quantity::parse(v.str_at(&REQUEST)).unwrap_or_default();
        let status =
            Quantity::parse(old.str_at(&["status", "capacity", "storage"])).unwrap_or_default();
        if size(object) < size(old) && size(object) <= status {
            let path = Path::new("spec").children(&["resources", "requests", "storage"]);
            let text = "field can not be less than status.capacity";
            errors.push(Error::forbidden(&path, text));
        }
        let mode = ["spec", "volumeMode"];
        immutable(
            &mut errors,
            &Path::new("volumeMode"),
            object.at(&mode),
            old.at(&mode),
        );
        errors
    }
}

/// `NormalizeDataSources`: the two fields follow each other.
fn same_source(object: &mut Value) {
    let (source, reference) = (["spec", "dataSource"], ["spec", "dataSourceRef"]);
    if is_set(object, &source) && !is_set(object, &reference) {
        let copy = object.at(&source).cloned().unwrap_or_default();
        object.set(&reference, copy);
    } else if is_set(object, &reference)
        && !is_set(object, &source)
        && object
            .str_at(&["spec", "dataSourceRef", "namespace"])
            .is_empty()
    {
        let mut copy = object.at(&reference).cloned().unwrap_or_default();
        copy.unset(&["namespace"]);
        object.set(&source, copy);
    }
}

fn storage_request(errors: &mut Errors, spec: &Path, object: &Value) {
    let path = spec.child("resources").key("storage");
    if object.at(&REQUEST).is_none() {
        errors.push(Error::required(&path, ""));
        return;
    }
    let text = object.str_at(&REQUEST);
    if Quantity::parse(text).is_ok_and(|q| q <= Quantity::default()) {
        errors.push(Error::invalid(&path, text, "must be greater than zero"));
    }
}

fn data_source(errors: &mut Errors, path: &Path, object: &Value, member: &str) {
    let Some(source) = object.at(&["spec", member]).filter(|v| !v.is_null()) else {
        return;
    };
    for field in ["name", "kind"] {
        if source.str_at(&[field]).is_empty() {
            errors.push(Error::required(&path.child(field), ""));
        }
    }
    let (group, kind) = (source.str_at(&["apiGroup"]), source.str_at(&["kind"]));
    if group.is_empty() && kind != "PersistentVolumeClaim" {
        let text = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
        errors.push(Error::invalid(path, kind, text));
    }
    if !group.is_empty() {
        complaints(
            errors,
            &path.child("apiGroup"),
            group,
            names::dns1123_subdomain(group, false),
        );
    }
}

/// The spec stays but for what binding and expansion change.
fn fixed(errors: &mut Errors, object: &Value, old: &Value) {
    let (mut new, mut before) = (object.clone(), old.clone());
    if old.str_at(&["spec", "volumeName"]).is_empty() {
        keep(&mut before, object, &["spec", "volumeName"]);
    }
    if is_set(object, &["spec", "storageClassName"]) && !is_set(old, &["spec", "storageClassName"])
    {
        new.unset(&["spec", "storageClassName"]);
    }
    if object.str_at(&["status", "phase"]) == "Bound" {
        if is_set(object, &["spec", "resources", "requests"]) {
            keep(&mut new, old, &REQUEST);
        }
        keep(&mut new, old, &["spec", "volumeAttributesClassName"]);
    }
    if !same(new.get("spec"), before.get("spec")) {
        let null = Value::Null;
        let spec = |o: &Value| o.get("spec").unwrap_or(&null).clone();
        let diff =
            crate::rules::internal::diff("PersistentVolumeClaimSpec", &spec(&before), &spec(&new));
        let text = format!(
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n{diff}"
        );
        errors.push(Error::forbidden(&Path::new("spec"), text));
    }
}
