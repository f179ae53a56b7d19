//! Nobody grants rights that they do not have (`policybased` storages of RBAC,
//! `rbac/validation`). Rights come from the roles and bindings in storage.

use std::sync::Arc;

use async_trait::async_trait;
use catena_objects::{
    Status, Value,
    user::{SYSTEM_MASTERS, User},
};
use catena_registry::{Admission, Attributes, Operation};

use crate::{
    groups::rbac::GROUP,
    reader::ObjectReader,
    steps::{same, strings},
};

pub(super) struct Escalation {
    pub(super) reader: Arc<dyn ObjectReader>,
}

#[async_trait]
impl Admission for Escalation {
    fn handles(&self, operation: Operation, group: &str, resource: &str, sub: &str) -> bool {
        matches!(operation, Operation::Create | Operation::Update)
            && group == GROUP
            && sub.is_empty()
            && matches!(
                resource,
                "roles" | "clusterroles" | "rolebindings" | "clusterrolebindings"
            )
    }

    async fn admit(&self, a: &mut Attributes<'_>) -> Result<(), Status> {
        let user = &a.ctx.user;
        let Some(object) = a.object.as_deref() else {
            return Ok(());
        };
        if user.in_group(SYSTEM_MASTERS) || unchanged(object, a.old) {
            return Ok(());
        }
        let ns = a.ctx.namespace.as_str();
        let held = self.rules_for(user, ns).await?;
        let granted = if a.resource.plural.ends_with("bindings") {
            let role = object.get("roleRef").unwrap_or(&Value::Null);
            let plural = if role.str_at(&["kind"]) == "Role" {
                "roles"
            } else {
                "clusterroles"
            };
            if allows(&held, "bind", GROUP, plural, role.str_at(&["name"])) {
                return Ok(());
            }
            self.rules_of(role, ns)
                .await?
                .ok_or_else(|| Status::not_found(GROUP, plural, role.str_at(&["name"])))?
        } else {
            if allows(&held, "escalate", GROUP, &a.resource.plural, a.name) {
                return Ok(());
            }
            object.items_at(&["rules"]).to_vec()
        };
        let missing = uncovered(&held, &granted);
        if missing.is_empty() {
            return Ok(());
        }
        let groups: Vec<String> = user.groups.iter().map(|g| format!("{g:?}")).collect();
        let why = format!(
            "user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
            user.name,
            groups.join(" "),
            missing.join("\n")
        );
        Err(Status::forbidden(GROUP, &a.resource.plural, a.name, &why))
    }
}

/// An update that grants nothing else than before.
fn unchanged(object: &Value, old: Option<&Value>) -> bool {
    let Some(old) = old else { return false };
    ["rules", "aggregationRule", "roleRef", "subjects"]
        .iter()
        .all(|m| same(object.get(m), old.get(m)))
}

impl Escalation {
    /// The rules that apply to a user in a namespace ("": cluster-wide ones only).
    pub(super) async fn rules_for(
        &self,
        user: &User,
        namespace: &str,
    ) -> Result<Vec<Value>, Status> {
        let mut rules = Vec::new();
        let mut bindings = self.reader.list(GROUP, "clusterrolebindings", "").await?;
        if !namespace.is_empty() {
            bindings.extend(self.reader.list(GROUP, "rolebindings", namespace).await?);
        }
        for binding in bindings {
            let ns = binding.str_at(&["metadata", "namespace"]);
            if binding
                .items_at(&["subjects"])
                .iter()
                .any(|s| applies(s, user, ns))
            {
                let role = binding.get("roleRef").unwrap_or(&Value::Null);
                rules.extend(self.rules_of(role, ns).await?.unwrap_or_default());
            }
        }
        Ok(rules)
    }

    async fn rules_of(&self, role: &Value, namespace: &str) -> Result<Option<Vec<Value>>, Status> {
        let name = role.str_at(&["name"]);
        let found = if role.str_at(&["kind"]) == "Role" {
            self.reader.get(GROUP, "roles", namespace, name).await?
        } else {
            self.reader.get(GROUP, "clusterroles", "", name).await?
        };
        Ok(found.map(|r| r.items_at(&["rules"]).to_vec()))
    }
}

fn applies(subject: &Value, user: &User, binding_namespace: &str) -> bool {
    let name = subject.str_at(&["name"]);
    match subject.str_at(&["kind"]) {
        "User" => user.name == name,
        "Group" => user.in_group(name),
        "ServiceAccount" => {
            let ns = match subject.str_at(&["namespace"]) {
                "" => binding_namespace,
                ns => ns,
            };
            user.name == format!("system:serviceaccount:{ns}:{name}")
        }
        _ => false,
    }
}

/// Whether one of the rules lets its holder do this; "" for no name.
pub(super) fn allows(held: &[Value], verb: &str, group: &str, resource: &str, name: &str) -> bool {
    let wanted = Single {
        verb,
        group,
        resource,
        name: Some(name).filter(|n| !n.is_empty()),
        url: None,
    };
    held.iter().any(|rule| covers(rule, &wanted))
}

/// A rule for one verb on one thing.
struct Single<'a> {
    verb: &'a str,
    group: &'a str,
    resource: &'a str,
    name: Option<&'a str>,
    url: Option<&'a str>,
}

/// `BreakdownRule`.
fn singles(rule: &Value) -> Vec<Single<'_>> {
    let mut out = Vec::new();
    let names = strings(rule, &["resourceNames"]);
    for group in strings(rule, &["apiGroups"]) {
        for resource in strings(rule, &["resources"]) {
            for verb in strings(rule, &["verbs"]) {
                let single = |name| Single {
                    verb,
                    group,
                    resource,
                    name,
                    url: None,
                };
                if names.is_empty() {
                    out.push(single(None));
                } else {
                    out.extend(names.iter().map(|n| single(Some(*n))));
                }
            }
        }
    }
    for url in strings(rule, &["nonResourceURLs"]) {
        for verb in strings(rule, &["verbs"]) {
            out.push(Single {
                verb,
                group: "",
                resource: "",
                name: None,
                url: Some(url),
            });
        }
    }
    out
}

/// `ruleCovers`.
fn covers(rule: &Value, wanted: &Single<'_>) -> bool {
    let has = |list: &str, text: &str| {
        let all = strings(rule, &[list]);
        all.contains(&"*") || all.contains(&text)
    };
    if !has("verbs", wanted.verb) {
        return false;
    }
    if let Some(url) = wanted.url {
        return strings(rule, &["nonResourceURLs"]).iter().any(|u| {
            *u == url
                || u.strip_suffix('*')
                    .is_some_and(|head| url.starts_with(head))
        });
    }
    let names = strings(rule, &["resourceNames"]);
    let by_subresource = wanted.resource.split_once('/').is_some_and(|(_, sub)| {
        strings(rule, &["resources"]).contains(&format!("*/{sub}").as_str())
    });
    has("apiGroups", wanted.group)
        && (has("resources", wanted.resource) || by_subresource)
        && (names.is_empty() || wanted.name.is_some_and(|n| names.contains(&n)))
}

/// What of `granted` is not held: rules for the same thing joined, as text, sorted.
fn uncovered(held: &[Value], granted: &[Value]) -> Vec<String> {
    type Key<'a> = (&'a str, &'a str, Option<&'a str>, Option<&'a str>);
    let mut missing: Vec<(Key<'_>, Vec<&str>)> = Vec::new();
    for single in granted.iter().flat_map(singles) {
        if held.iter().any(|rule| covers(rule, &single)) {
            continue;
        }
        let key = (single.group, single.resource, single.name, single.url);
        match missing.iter_mut().find(|(k, _)| *k == key) {
            Some((_, verbs)) => verbs.push(single.verb),
            None => missing.push((key, vec![single.verb])),
        }
    }
    let mut out: Vec<String> = missing
        .into_iter()
        .map(|(key, verbs)| text(key, &verbs))
        .collect();
    out.sort();
    out
}

/// `CompactString`.
fn text(
    (group, resource, name, url): (&str, &str, Option<&str>, Option<&str>),
    verbs: &[&str],
) -> String {
    let mut parts = Vec::new();
    match url {
        Some(url) => parts.push(format!("NonResourceURLs:[{url:?}]")),
        None => {
            parts.push(format!("APIGroups:[{group:?}]"));
            parts.push(format!("Resources:[{resource:?}]"));
        }
    }
    if let Some(name) = name {
        parts.push(format!("ResourceNames:[{name:?}]"));
    }
    let verbs: Vec<String> = verbs.iter().map(|v| format!("{v:?}")).collect();
    parts.push(format!("Verbs:[{}]", verbs.join(" ")));
    format!("{{{}}}", parts.join(", "))
}
