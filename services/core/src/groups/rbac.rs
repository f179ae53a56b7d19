//! rbac.authorization.k8s.io: roles and bindings.

use std::sync::Arc;

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    labels, names, obj,
};
use catena_registry::{Context, Strategy};

use crate::steps::{complaints, each, is_set, kube_finalizers};

pub(crate) const GROUP: &str = "rbac.authorization.k8s.io";

/// Rules of a resource of the group.
pub fn strategy(plural: &str, _version: &str) -> Option<Arc<dyn Strategy>> {
    Some(match plural {
        "roles" => Arc::new(Role { namespaced: true }),
        "clusterroles" => Arc::new(Role { namespaced: false }),
        "rolebindings" => Arc::new(Binding { namespaced: true }),
        "clusterrolebindings" => Arc::new(Binding { namespaced: false }),
        _ => return None,
    })
}

/// Role and ClusterRole.
#[derive(Debug)]
pub struct Role {
    namespaced: bool,
}

impl Strategy for Role {
    fn prepare_update(&self, _ctx: &Context, _object: &mut Value, _old: &Value) {}

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = kube_finalizers(object);
        for (i, rule) in object.items_at(&["rules"]).iter().enumerate() {
            policy_rule(
                &mut errors,
                &Path::new("rules").index(i),
                rule,
                self.namespaced,
            );
        }
        if !self.namespaced && is_set(object, &["aggregationRule"]) {
            aggregation(&mut errors, object);
        }
        errors
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn validate_name(&self, name: &str, is_prefix: bool) -> Vec<String> {
        names::path_segment(name, is_prefix)
    }
}

fn policy_rule(errors: &mut Errors, path: &Path, rule: &Value, namespaced: bool) {
    let empty = |list: &str| rule.items_at(&[list]).is_empty();
    if empty("verbs") {
        errors.push(Error::required(
            &path.child("verbs"),
            "verbs must contain at least one value",
        ));
    }
    if !empty("nonResourceURLs") {
        let urls = rule.get("nonResourceURLs").cloned().unwrap_or_default();
        let at = path.child("nonResourceURLs");
        if namespaced {
            let text = "namespaced rules cannot apply to non-resource URLs";
            errors.push(Error::invalid(&at, urls.clone(), text));
        }
        if !empty("apiGroups") || !empty("resources") || !empty("resourceNames") {
            let text = "rules cannot apply to both regular resources and non-resource URLs";
            errors.push(Error::invalid(&at, urls, text));
        }
        return;
    }
    if empty("apiGroups") {
        let text = "resource rules must supply at least one api group";
        errors.push(Error::required(&path.child("apiGroups"), text));
    }
    if empty("resources") {
        let text = "resource rules must supply at least one resource";
        errors.push(Error::required(&path.child("resources"), text));
    }
}

fn aggregation(errors: &mut Errors, object: &Value) {
    let path = Path::new("aggregationRule").child("clusterRoleSelectors");
    let selectors = object.items_at(&["aggregationRule", "clusterRoleSelectors"]);
    if selectors.is_empty() {
        let text = "at least one clusterRoleSelector required if aggregationRule is non-nil";
        errors.push(Error::required(&path, text));
    }
    for (i, selector) in selectors.iter().enumerate() {
        errors.extend(labels::validate_label_selector(
            Some(selector),
            labels::Tolerance::default(),
            &path.index(i),
        ));
    }
}

/// RoleBinding and ClusterRoleBinding.
#[derive(Debug)]
pub struct Binding {
    namespaced: bool,
}

impl Strategy for Binding {
    fn default(&self, object: &mut Value) {
        if object.str_at(&["roleRef", "apiGroup"]).is_empty() {
            object.set(&["roleRef", "apiGroup"], GROUP);
        }
        each(object, &["subjects"], |subject| {
            let person = matches!(subject.str_at(&["kind"]), "User" | "Group");
            if person && subject.str_at(&["apiGroup"]).is_empty() {
                subject.set(&["apiGroup"], GROUP);
            }
        });
    }

    fn prepare_update(&self, _ctx: &Context, _object: &mut Value, _old: &Value) {}

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = kube_finalizers(object);
        self.role_ref(&mut errors, object);
        for (i, s) in object.items_at(&["subjects"]).iter().enumerate() {
            subject(
                &mut errors,
                &Path::new("subjects").index(i),
                s,
                self.namespaced,
            );
        }
        errors
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut errors = self.validate(ctx, object);
        let part = |v: &Value, name: &str| v.str_at(&["roleRef", name]).to_owned();
        if ["apiGroup", "kind", "name"]
            .iter()
            .any(|n| part(object, n) != part(old, n))
        {
            let shown = obj!({
                "APIGroup": (part(object, "apiGroup")),
                "Kind": (part(object, "kind")),
                "Name": (part(object, "name"))
            });
            errors.push(Error::invalid(
                &Path::new("roleRef"),
                shown,
                "cannot change roleRef",
            ));
        }
        errors
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn validate_name(&self, name: &str, is_prefix: bool) -> Vec<String> {
        names::path_segment(name, is_prefix)
    }
}

impl Binding {
    fn role_ref(&self, errors: &mut Errors, object: &Value) {
        let path = Path::new("roleRef");
        let group = object.str_at(&["roleRef", "apiGroup"]);
        if group != GROUP {
            errors.push(Error::not_supported(
                &path.child("apiGroup"),
                group,
                &[GROUP],
            ));
        }
        let kinds: &[&str] = if self.namespaced {
            &["Role", "ClusterRole"]
        } else {
            &["ClusterRole"]
        };
        let kind = object.str_at(&["roleRef", "kind"]);
        if !kinds.contains(&kind) {
            errors.push(Error::not_supported(&path.child("kind"), kind, kinds));
        }
        let name = object.str_at(&["roleRef", "name"]);
        if name.is_empty() {
            errors.push(Error::required(&path.child("name"), ""));
        } else {
            complaints(
                errors,
                &path.child("name"),
                name,
                names::path_segment(name, false),
            );
        }
    }
}

fn subject(errors: &mut Errors, path: &Path, s: &Value, namespaced: bool) {
    let (name, group) = (s.str_at(&["name"]), s.str_at(&["apiGroup"]));
    if name.is_empty() {
        errors.push(Error::required(&path.child("name"), ""));
    }
    match s.str_at(&["kind"]) {
        "ServiceAccount" => {
            if !name.is_empty() {
                complaints(
                    errors,
                    &path.child("name"),
                    name,
                    names::dns1123_subdomain(name, false),
                );
            }
            if !group.is_empty() {
                errors.push(Error::not_supported(&path.child("apiGroup"), group, &[""]));
            }
            if !namespaced && s.str_at(&["namespace"]).is_empty() {
                errors.push(Error::required(&path.child("namespace"), ""));
            }
        }
        "User" | "Group" => {
            if group != GROUP {
                errors.push(Error::not_supported(
                    &path.child("apiGroup"),
                    group,
                    &[GROUP],
                ));
            }
        }
        other => {
            let known = ["ServiceAccount", "User", "Group"];
            errors.push(Error::not_supported(&path.child("kind"), other, &known));
        }
    }
}
