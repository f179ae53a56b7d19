//! Namespace: `pkg/registry/core/namespace`, `ValidateNamespace*`.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    names,
};
use catena_registry::{Context, Strategy};

use crate::steps::{keep, kube_finalizers};

const KUBERNETES: &str = "kubernetes";
const NAME_LABEL: &str = "kubernetes.io/metadata.name";
const STANDARD_FINALIZERS: [&str; 3] = [KUBERNETES, "orphan", "foregroundDeletion"];

#[derive(Debug)]
pub struct Namespace;

impl Strategy for Namespace {
    fn default(&self, object: &mut Value) {
        let name = object.str_at(&["metadata", "name"]).to_owned();
        if !name.is_empty() && object.str_at(&["metadata", "labels", NAME_LABEL]) != name {
            object.set(&["metadata", "labels", NAME_LABEL], name);
        }
        if object.str_at(&["status", "phase"]).is_empty() {
            object.set(&["status", "phase"], "Active");
        }
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        object.set(&["status"], Value::object());
        object.set(&["status", "phase"], "Active");
        let mut finalizers = object.items_at(&["spec", "finalizers"]).to_vec();
        if !finalizers.iter().any(|f| f.as_str() == Some(KUBERNETES)) {
            finalizers.push(KUBERNETES.into());
            object.set(&["spec", "finalizers"], finalizers);
        }
        let name = object.str_at(&["metadata", "name"]).to_owned();
        object.set(&["metadata", "labels", NAME_LABEL], name);
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = kube_finalizers(object);
        for f in object.items_at(&["spec", "finalizers"]) {
            let path = Path::new("spec").child("finalizers");
            finalizer_name(&mut errors, &path, f.as_str().unwrap_or_default());
        }
        errors
    }

    fn prepare_update(&self, ctx: &Context, object: &mut Value, old: &Value) {
        match ctx.subresource.as_str() {
            "status" => keep(object, old, &["spec"]),
            "finalize" => keep(object, old, &["status"]),
            _ => {
                keep(object, old, &["spec", "finalizers"]);
                keep(object, old, &["status"]);
            }
        }
    }

    fn validate_update(&self, ctx: &Context, object: &Value, _old: &Value) -> Errors {
        let mut errors = Errors::new();
        match ctx.subresource.as_str() {
            "status" => phase_fits(&mut errors, object),
            "finalize" => {
                let path = Path::new("spec").child("finalizers");
                for (i, f) in object.items_at(&["spec", "finalizers"]).iter().enumerate() {
                    finalizer_name(&mut errors, &path.index(i), f.as_str().unwrap_or_default());
                }
            }
            _ => errors = self.validate(ctx, object),
        }
        errors
    }

    fn mark_terminating(&self, _ctx: &Context, object: &mut Value) -> bool {
        object.set(&["status", "phase"], "Terminating");
        true
    }

    fn held(&self, object: &Value) -> bool {
        !object.items_at(&["spec", "finalizers"]).is_empty()
    }

    fn selectable(&self, object: &Value) -> Vec<String> {
        vec![object.str_at(&["status", "phase"]).to_owned()]
    }

    fn validate_name(&self, name: &str, is_prefix: bool) -> Vec<String> {
        names::dns1123_label(name, is_prefix)
    }
}

fn finalizer_name(errors: &mut Errors, path: &Path, name: &str) {
    for text in names::qualified_name(name) {
        errors.push(Error::invalid(path, name, text));
    }
    if !name.contains('/') && !STANDARD_FINALIZERS.contains(&name) {
        let text = "name is neither a standard finalizer name nor is it fully qualified";
        errors.push(Error::invalid(path, name, text));
    }
}

fn phase_fits(errors: &mut Errors, object: &Value) {
    let path = Path::new("status").child("Phase");
    let phase = object.str_at(&["status", "phase"]);
    let deleted = object.at(&["metadata", "deletionTimestamp"]).is_some();
    if !deleted && phase != "Active" {
        let text = "may only be 'Active' if `deletionTimestamp` is empty";
        errors.push(Error::invalid(&path, phase, text));
    } else if deleted && phase != "Terminating" {
        let text = "may only be 'Terminating' if `deletionTimestamp` is not empty";
        errors.push(Error::invalid(&path, phase, text));
    }
}
