//! Roles and bindings, kept by watches, indexed by subject. A check takes no
//! lock and asks nobody.

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;
use catena_objects::{Value, user::User};
use catena_storage::Storage;
use tokio_util::sync::CancellationToken;

use super::{Rule, Rules};
use crate::{
    authz::{Attributes, Decision},
    mirror::{self, Mirror},
};

/// Where roles and bindings are stored.
const PREFIXES: [&str; 4] = [
    "/registry/roles/",
    "/registry/rolebindings/",
    "/registry/clusterroles/",
    "/registry/clusterrolebindings/",
];

/// A binding as checks need it.
#[derive(Debug)]
struct Binding {
    name: String,
    /// "" for a cluster role binding.
    namespace: String,
    /// "Role" or "ClusterRole".
    role_kind: String,
    role: String,
    /// Kind, namespace and name of each.
    subjects: Vec<(String, String, String)>,
}

#[derive(Debug, Default)]
struct Index {
    /// By namespace ("" for cluster roles) and name.
    roles: HashMap<(String, String), Arc<Vec<Rule>>>,
    users: HashMap<String, Vec<Arc<Binding>>>,
    groups: HashMap<String, Vec<Arc<Binding>>>,
}

/// The authorizer.
#[derive(Clone)]
pub(crate) struct Rbac {
    index: Arc<ArcSwap<Index>>,
}

impl Rbac {
    /// Starts to follow storage; returns when it was read once.
    pub(crate) async fn follow(
        storage: Arc<dyn Storage>,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let mirrors: Vec<Mirror> = PREFIXES
            .iter()
            .map(|p| Mirror::follow(storage.clone(), p, stop.clone()))
            .collect();
        mirror::synced(&mirrors).await?;
        let index = Arc::new(ArcSwap::from_pointee(build(&mirrors)));
        let target = index.clone();
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            let mut changes: Vec<_> = mirrors.iter().map(Mirror::changes).collect();
            loop {
                let changed = changes.iter_mut().map(|c| Box::pin(c.changed()));
                let _ = futures_util::future::select_all(changed).await;
                for c in &mut changes {
                    c.mark_unchanged();
                }
                target.store(Arc::new(build(&mirrors)));
            }
        }));
        Ok(Self { index })
    }

    /// Whether some rule of the user allows it; the reason names the binding.
    pub(crate) fn authorize(&self, a: &Attributes) -> (Decision, String) {
        let index = self.index.load();
        let mut missing = Vec::new();
        for (binding, subject) in index.bindings(&a.user, &a.namespace) {
            let Some(rules) = index.rules(binding) else {
                missing.push(not_found(binding));
                continue;
            };
            if rules.iter().any(|r| r.allows(a)) {
                return (Decision::Allow, allowed_by(binding, &subject));
            }
        }
        missing.dedup();
        let reason = match missing.as_slice() {
            [] => String::new(),
            [one] => format!("RBAC: {one}"),
            many => format!("RBAC: [{}]", many.join(", ")),
        };
        (Decision::NoOpinion, reason)
    }

    /// All rules of the user in a namespace.
    pub(crate) fn rules_for(&self, user: &User, namespace: &str) -> Rules {
        let index = self.index.load();
        let mut out = Rules::default();
        for (binding, _) in index.bindings(user, namespace) {
            let Some(rules) = index.rules(binding) else {
                out.errors.push(not_found(binding));
                continue;
            };
            for rule in rules.iter() {
                if !rule.resources.is_empty() {
                    out.resource.push(Rule {
                        non_resource_urls: Vec::new(),
                        ..rule.clone()
                    });
                }
                // Paths are of the cluster; a role of a namespace gives none.
                if !rule.non_resource_urls.is_empty() && binding.namespace.is_empty() {
                    out.non_resource.push(Rule {
                        verbs: rule.verbs.clone(),
                        non_resource_urls: rule.non_resource_urls.clone(),
                        ..Rule::default()
                    });
                }
            }
        }
        out
    }
}

impl Index {
    /// Bindings of the user with the words for the subject: cluster first.
    fn bindings<'a>(&'a self, user: &'a User, namespace: &str) -> Vec<(&'a Arc<Binding>, String)> {
        let by_user = self.users.get(&user.name).into_iter().flatten();
        let mut all: Vec<_> = by_user.map(|b| (b, user_subject(&user.name))).collect();
        for group in &user.groups {
            let found = self.groups.get(group).into_iter().flatten();
            all.extend(found.map(|b| (b, format!("Group {group:?}"))));
        }
        all.retain(|(b, _)| b.namespace.is_empty() || b.namespace == namespace);
        all.sort_by_key(|(b, _)| !b.namespace.is_empty());
        all
    }

    fn rules(&self, binding: &Binding) -> Option<&Arc<Vec<Rule>>> {
        let namespace = match binding.role_kind.as_str() {
            "Role" => binding.namespace.clone(),
            _ => String::new(),
        };
        self.roles.get(&(namespace, binding.role.clone()))
    }
}

fn user_subject(name: &str) -> String {
    let account = name.strip_prefix("system:serviceaccount:");
    match account.and_then(|a| a.split_once(':')) {
        Some((namespace, name)) => format!("ServiceAccount \"{name}/{namespace}\""),
        None => format!("User {name:?}"),
    }
}

fn allowed_by(b: &Binding, subject: &str) -> String {
    let kind = if b.namespace.is_empty() {
        format!("ClusterRoleBinding {:?}", b.name)
    } else {
        format!("RoleBinding \"{}/{}\"", b.name, b.namespace)
    };
    let (role_kind, role) = (&b.role_kind, &b.role);
    format!("RBAC: allowed by {kind} of {role_kind} {role:?} to {subject}")
}

fn not_found(b: &Binding) -> String {
    let resource = b.role_kind.to_ascii_lowercase();
    format!(
        "{resource}.rbac.authorization.k8s.io {:?} not found",
        b.role
    )
}

fn build(mirrors: &[Mirror]) -> Index {
    let mut index = Index::default();
    let [roles, role_bindings, cluster_roles, cluster_role_bindings] = mirrors else {
        return index;
    };
    for object in roles.get().values().chain(cluster_roles.get().values()) {
        let key = (text(object, "namespace"), text(object, "name"));
        let rules = object
            .items_at(&["rules"])
            .iter()
            .map(Rule::parse)
            .collect();
        index.roles.insert(key, Arc::new(rules));
    }
    let (local, cluster) = (role_bindings.get(), cluster_role_bindings.get());
    for object in cluster.values().chain(local.values()) {
        let binding = Arc::new(binding(object));
        for (kind, namespace, name) in &binding.subjects {
            let (map, key) = match kind.as_str() {
                "Group" => (&mut index.groups, name.clone()),
                "ServiceAccount" => {
                    let user = format!("system:serviceaccount:{namespace}:{name}");
                    (&mut index.users, user)
                }
                _ => (&mut index.users, name.clone()),
            };
            map.entry(key).or_default().push(binding.clone());
        }
    }
    index
}

fn text(v: &Value, field: &str) -> String {
    v.str_at(&["metadata", field]).to_owned()
}

fn binding(v: &Value) -> Binding {
    let own = text(v, "namespace");
    let subject = |s: &Value| {
        let text = |f: &str| s.str_at(&[f]).to_owned();
        let mut namespace = text("namespace");
        if namespace.is_empty() {
            namespace.clone_from(&own);
        }
        (text("kind"), namespace, text("name"))
    };
    Binding {
        name: text(v, "name"),
        role_kind: v.str_at(&["roleRef", "kind"]).to_owned(),
        role: v.str_at(&["roleRef", "name"]).to_owned(),
        subjects: v.items_at(&["subjects"]).iter().map(subject).collect(),
        namespace: own,
    }
}
