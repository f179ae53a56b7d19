//! Nobody grants rights that they do not have (`policybased` storages of RBAC,
//! `rbac/validation`). Rights come from the roles and bindings in storage.

use std::sync::Arc;

use async_trait::async_trait;
use catena_objects::{
    Status, Value,
    json::go_quote,
    obj,
    user::{SYSTEM_MASTERS, User},
};
use catena_registry::{Admission, Attributes, Context, Operation};

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
        if user.in_group(SYSTEM_MASTERS) || for_the_collector(object, a.old) {
            return Ok(());
        }
        let held = self.rules_for(user, &a.ctx.namespace).await?;
        let plural = a.resource.plural.as_str();
        let refused = |why: &str| Err(Status::forbidden(GROUP, plural, a.name, why));
        let granted = if plural.ends_with("bindings") {
            match self.bound(object, plural, a.ctx, &held).await? {
                Some(rules) => rules,
                None => return Ok(()),
            }
        } else {
            if allows(&held, "escalate", GROUP, plural, a.name) {
                return Ok(());
            }
            object.items_at(&["rules"]).to_vec()
        };
        let missing = uncovered(&held, &granted);
        if !missing.is_empty() {
            return refused(&attempt(user, &missing));
        }
        // It can gather anything, and keep others from taking it away.
        let gathers = |v: &Value| {
            let selectors = ["aggregationRule", "clusterRoleSelectors"];
            !v.items_at(&selectors).is_empty()
        };
        if (gathers(object) || a.old.is_some_and(gathers)) && !uncovered(&held, &all()).is_empty() {
            return refused("must have cluster-admin privileges to use the aggregationRule");
        }
        Ok(())
    }
}

fn attempt(user: &User, missing: &[String]) -> String {
    let groups: Vec<String> = user.groups.iter().map(|g| go_quote(g)).collect();
    format!(
        "user {} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
        go_quote(&user.name),
        groups.join(" "),
        missing.join("\n")
    )
}

/// `IsOnlyMutatingGCFields`: an update of what garbage collection needs.
fn for_the_collector(object: &Value, old: Option<&Value>) -> bool {
    let Some(old) = old else { return false };
    let rest = |v: &Value| {
        let mut v = v.clone();
        for field in [
            "ownerReferences",
            "finalizers",
            "managedFields",
            "resourceVersion",
        ] {
            v.unset(&["metadata", field]);
        }
        v
    };
    same(Some(&rest(object)), Some(&rest(old)))
}

/// Rules that allow everything.
fn all() -> [Value; 2] {
    [
        obj!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}),
        obj!({"nonResourceURLs": ["*"], "verbs": ["*"]}),
    ]
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

    /// The rules that a binding of the resource `own` gives; `None` when the user
    /// may give any of this role. A role that is not there is told as if the
    /// binding were not, as by kube-apiserver.
    async fn bound(
        &self,
        binding: &Value,
        own: &str,
        ctx: &Context,
        held: &[Value],
    ) -> Result<Option<Vec<Value>>, Status> {
        let role = binding.get("roleRef").unwrap_or(&Value::Null);
        let plural = if role.str_at(&["kind"]) == "Role" {
            "roles"
        } else {
            "clusterroles"
        };
        let name = role.str_at(&["name"]);
        if allows(held, "bind", GROUP, plural, name) {
            return Ok(None);
        }
        let rules = self.rules_of(role, &ctx.namespace).await?;
        rules
            .map(Some)
            .ok_or_else(|| Status::not_found(GROUP, own, name))
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
        Some(url) => parts.push(format!("NonResourceURLs:[{}]", go_quote(url))),
        None => {
            parts.push(format!("APIGroups:[{}]", go_quote(group)));
            parts.push(format!("Resources:[{}]", go_quote(resource)));
        }
    }
    if let Some(name) = name {
        parts.push(format!("ResourceNames:[{}]", go_quote(name)));
    }
    let verbs: Vec<String> = verbs.iter().map(|v| go_quote(v)).collect();
    parts.push(format!("Verbs:[{}]", verbs.join(" ")));
    format!("{{{}}}", parts.join(", "))
}
