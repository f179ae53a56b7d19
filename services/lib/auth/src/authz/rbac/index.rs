//! Bindings by their subjects, joined with the rules of their roles.

use std::{collections::HashMap, sync::Arc};

use catena_objects::{json::go_quote, user::User};

use super::{Rule, binding::Binding, snapshot::Mirrors};

/// A binding with what it gives.
pub(super) struct Grant {
    pub(super) binding: Arc<Binding>,
    /// Or why there are none.
    pub(super) rules: Result<Arc<Vec<Rule>>, String>,
}

/// Grants by name; with each the place of the subject in its binding.
type BySubject = HashMap<String, Vec<(usize, usize)>>;

#[derive(Default)]
struct Scope {
    users: BySubject,
    groups: BySubject,
}

/// Immutable: a change makes a new one.
#[derive(Default)]
pub(super) struct Index {
    grants: Vec<Grant>,
    /// By namespace; "" holds those of the cluster.
    scopes: HashMap<String, Scope>,
}

impl Index {
    pub(super) fn build(mirrors: &Mirrors) -> Self {
        let (roles, cluster_roles) = (mirrors.roles.get(), mirrors.cluster_roles.get());
        let mut rules: HashMap<(&str, &str), &Arc<Vec<Rule>>> = HashMap::new();
        for role in roles.values().chain(cluster_roles.values()) {
            rules.insert((&role.namespace, &role.name), &role.rules);
        }
        let of = |b: &Binding| {
            let namespace = match b.role_kind.as_str() {
                "ClusterRole" => "",
                // A cluster role binding has no role of a namespace.
                "Role" => b.namespace.as_str(),
                other => {
                    let kind = go_quote(other);
                    return Err(format!("unsupported role reference kind: {kind}"));
                }
            };
            let found = rules.get(&(namespace, b.role.as_str()));
            found.map(|r| Arc::clone(r)).ok_or_else(|| {
                let resource = b.role_kind.to_ascii_lowercase();
                let name = go_quote(&b.role);
                format!("{resource}.rbac.authorization.k8s.io {name} not found")
            })
        };
        let mut index = Self::default();
        let (local, cluster) = (mirrors.bindings.get(), mirrors.cluster_bindings.get());
        for binding in cluster.values().chain(local.values()) {
            index.add(Grant {
                rules: of(binding),
                binding: binding.clone(),
            });
        }
        index
    }

    fn add(&mut self, grant: Grant) {
        let place = self.grants.len();
        let scope = self
            .scopes
            .entry(grant.binding.namespace.clone())
            .or_default();
        for (i, s) in grant.binding.subjects.iter().enumerate() {
            let (map, name) = match s.kind.as_str() {
                "User" => (&mut scope.users, s.name.clone()),
                "Group" => (&mut scope.groups, s.name.clone()),
                "ServiceAccount" if !s.namespace.is_empty() => {
                    let user = format!("system:serviceaccount:{}:{}", s.namespace, s.name);
                    (&mut scope.users, user)
                }
                _ => continue,
            };
            map.entry(name).or_default().push((place, i));
        }
        self.grants.push(grant);
    }

    /// The grants of a user in exactly this namespace ("": of the cluster), each
    /// with the first subject that means the user.
    pub(super) fn grants(&self, user: &User, namespace: &str) -> Vec<(&Grant, usize)> {
        let Some(scope) = self.scopes.get(namespace) else {
            return Vec::new();
        };
        let own = scope.users.get(&user.name).into_iter().flatten();
        let shared = user.groups.iter().filter_map(|g| scope.groups.get(g));
        let mut found: Vec<(usize, usize)> = own.chain(shared.flatten()).copied().collect();
        found.sort_unstable();
        found.dedup_by_key(|(place, _)| *place);
        found
            .into_iter()
            .filter_map(|(place, subject)| Some((self.grants.get(place)?, subject)))
            .collect()
    }
}
