//! IngressClass: `ValidateIngressClass*`.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    names,
};
use catena_registry::{Context, Strategy};

use crate::steps::{complaints, immutable, is_set, kube_finalizers, one_of};

const MAX_CONTROLLER: usize = 250;

#[derive(Debug)]
pub struct IngressClass;

impl Strategy for IngressClass {
    fn default(&self, object: &mut Value) {
        if is_set(object, &["spec", "parameters"]) {
            object.set_default(&["spec", "parameters", "scope"], "Cluster");
        }
    }

    fn prepare_update(&self, _ctx: &Context, _object: &mut Value, _old: &Value) {}

    fn has_generation(&self) -> bool {
        true
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = kube_finalizers(object);
        let path = Path::new("spec").child("controller");
        let controller = object.str_at(&["spec", "controller"]);
        if controller.len() > MAX_CONTROLLER {
            errors.push(Error::too_long(&path, MAX_CONTROLLER));
        }
        errors.extend(names::domain_prefixed_path(&path, controller));
        if is_set(object, &["spec", "parameters"]) {
            parameters(&mut errors, object);
        }
        errors
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut errors = Errors::new();
        let at = ["spec", "controller"];
        let value = Value::from(object.str_at(&at));
        immutable(
            &mut errors,
            &Path::new("spec").child("controller"),
            Some(&value),
            old.at(&at),
        );
        errors.extend(self.validate(ctx, object));
        errors
    }
}

fn parameters(errors: &mut Errors, object: &Value) {
    let path = Path::new("spec").child("parameters");
    let get = |field: &str| object.str_at(&["spec", "parameters", field]);
    reference(
        errors,
        &path,
        object.at(&["spec", "parameters"]).unwrap_or(&Value::Null),
    );
    let scope = get("scope");
    let before = errors.0.len();
    one_of(
        errors,
        &path.child("scope"),
        scope,
        &["Cluster", "Namespace"],
    );
    if errors.0.len() > before {
        return;
    }
    let named = is_set(object, &["spec", "parameters", "namespace"]);
    let at = path.child("namespace");
    if scope == "Namespace" && !named {
        errors.push(Error::required(
            &at,
            "`parameters.scope` is set to 'Namespace'",
        ));
    } else if scope == "Namespace" {
        complaints(
            errors,
            &at,
            get("namespace"),
            names::dns1123_label(get("namespace"), false),
        );
    } else if named {
        errors.push(Error::forbidden(
            &at,
            "`parameters.scope` is set to 'Cluster'",
        ));
    }
}

/// `validateIngressTypedLocalObjectReference`.
pub(super) fn reference(errors: &mut Errors, path: &Path, value: &Value) {
    if is_set(value, &["apiGroup"]) {
        let group = value.str_at(&["apiGroup"]);
        complaints(
            errors,
            &path.child("apiGroup"),
            group,
            names::dns1123_subdomain(group, false),
        );
    }
    for field in ["kind", "name"] {
        let text = value.str_at(&[field]);
        if text.is_empty() {
            errors.push(Error::required(&path.child(field), ""));
        } else {
            complaints(
                errors,
                &path.child(field),
                text,
                names::path_segment(text, false),
            );
        }
    }
}
