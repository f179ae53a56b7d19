//! ResourceQuota: `ValidateResourceQuota*`.

use std::collections::BTreeSet;

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    quantity::Quantity,
};
use catena_registry::{Context, Strategy};

use crate::{
    rules::{At, resource_names},
    steps::{kube_finalizers, members, strings},
};

const SCOPES: [&str; 7] = [
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "CrossNamespacePodAffinity",
    "VolumeAttributesClass",
];
const INTEGERS: [&str; 9] = [
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];

#[derive(Debug)]
pub struct ResourceQuota;

impl Strategy for ResourceQuota {
    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        object.set(&["status"], Value::object());
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = kube_finalizers(object);
        amounts(&mut errors, object, "spec", "hard");
        scopes(&mut errors, object);
        scope_selector(&mut errors, object);
        errors
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut errors = Errors::new();
        if ctx.subresource == "status" {
            amounts(&mut errors, object, "status", "hard");
            amounts(&mut errors, object, "status", "used");
            return errors;
        }
        errors.extend(self.validate(ctx, object));
        let set = |v: &Value| -> BTreeSet<String> {
            strings(v, &["spec", "scopes"])
                .into_iter()
                .map(str::to_owned)
                .collect()
        };
        if set(object) != set(old) {
            let value = object.at(&["spec", "scopes"]).cloned().unwrap_or_default();
            let path = Path::new("spec").child("scopes");
            errors.push(Error::invalid(&path, value, "field is immutable"));
        }
        errors
    }
}

fn amounts(errors: &mut Errors, object: &Value, part: &str, list: &str) {
    for (name, value) in members(object, &[part, list]) {
        let path = Path::new(part).child(list).key(name);
        resource_names::quota(&At::new(value, path.clone()), name, errors);
        let text = value.as_str().unwrap_or_default();
        let Ok(quantity) = Quantity::parse(text) else {
            continue;
        };
        if quantity < Quantity::default() {
            let why = "must be greater than or equal to 0";
            errors.push(Error::invalid(&path, text, why));
        }
        if INTEGERS.contains(&name) && quantity.approximate().fract() != 0.0 {
            errors.push(Error::invalid(&path, text, "must be an integer"));
        }
    }
}

fn scopes(errors: &mut Errors, object: &Value) {
    let path = Path::new("spec").child("scopes");
    let all = strings(object, &["spec", "scopes"]);
    let value = || object.at(&["spec", "scopes"]).cloned().unwrap_or_default();
    for scope in &all {
        if !SCOPES.contains(scope) {
            errors.push(Error::invalid(&path, value(), "unsupported scope"));
        }
        for (resource, _) in members(object, &["spec", "hard"]) {
            if resource_names::is_standard_quota(resource)
                && SCOPES.contains(scope)
                && !applies(scope, resource)
            {
                let text = "unsupported scope applied to resource";
                errors.push(Error::invalid(&path, value(), text));
            }
        }
    }
    conflicts(errors, &path, &all, value());
}

fn conflicts(errors: &mut Errors, path: &Path, all: &[&str], value: Value) {
    for (a, b) in [
        ("BestEffort", "NotBestEffort"),
        ("NotTerminating", "Terminating"),
    ] {
        if all.contains(&a) && all.contains(&b) {
            errors.push(Error::invalid(path, value.clone(), "conflicting scopes"));
        }
    }
}

/// `IsResourceQuotaScopeValidForResource`.
fn applies(scope: &str, resource: &str) -> bool {
    match scope {
        "BestEffort" => resource == "pods",
        "VolumeAttributesClass" => {
            matches!(resource, "persistentvolumeclaims" | "requests.storage")
        }
        _ => {
            resource == "pods"
                || matches!(
                    resource,
                    "cpu"
                        | "memory"
                        | "ephemeral-storage"
                        | "requests.cpu"
                        | "requests.memory"
                        | "requests.ephemeral-storage"
                        | "limits.cpu"
                        | "limits.memory"
                        | "limits.ephemeral-storage"
                )
        }
    }
}

fn scope_selector(errors: &mut Errors, object: &Value) {
    let path = Path::new("spec")
        .child("scopeSelector")
        .child("matchExpressions");
    let mut seen = Vec::new();
    for term in object.items_at(&["spec", "scopeSelector", "matchExpressions"]) {
        let scope = term.str_at(&["scopeName"]);
        let operator = term.str_at(&["operator"]);
        if !SCOPES.contains(&scope) {
            errors.push(Error::invalid(
                &path.child("scopeName"),
                scope,
                "unsupported scope",
            ));
        }
        let exists_only = !matches!(scope, "PriorityClass" | "VolumeAttributesClass");
        if SCOPES.contains(&scope) && exists_only && operator != "Exists" {
            let text = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
            errors.push(Error::invalid(&path.child("operator"), operator, text));
        }
        let values = term.items_at(&["values"]);
        match operator {
            "In" | "NotIn" if values.is_empty() => {
                let text = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
                errors.push(Error::required(&path.child("values"), text));
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let text = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
                errors.push(Error::invalid(&path.child("values"), values.to_vec(), text));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => {
                let text = "not a valid selector operator";
                errors.push(Error::invalid(&path.child("operator"), other, text));
            }
        }
        seen.push(scope);
    }
    let value = object.at(&["spec", "scopes"]).cloned().unwrap_or_default();
    conflicts(errors, &path, &seen, value);
}
