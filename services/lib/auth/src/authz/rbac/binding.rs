//! Roles and bindings as checks need them.

use std::sync::Arc;

use catena_objects::{Value, json::go_quote, meta};

use super::Rule;

/// A Role or ClusterRole.
#[derive(Debug)]
pub(crate) struct Role {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) rules: Arc<Vec<Rule>>,
}

impl Role {
    pub(super) fn parse(v: &Value) -> Self {
        let rules = v.items_at(&["rules"]).iter().map(Rule::parse);
        Self {
            namespace: meta::namespace(v).to_owned(),
            name: meta::name(v).to_owned(),
            rules: Arc::new(rules.collect()),
        }
    }
}

/// Whom a binding means.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) kind: String,
    /// Of a service account; that of the binding where none is given.
    pub(super) namespace: String,
    pub(super) name: String,
}

/// A RoleBinding or ClusterRoleBinding.
#[derive(Debug)]
pub(crate) struct Binding {
    /// "" for a cluster role binding.
    pub(super) namespace: String,
    name: String,
    pub(super) role_kind: String,
    pub(super) role: String,
    pub(super) subjects: Vec<Subject>,
}

impl Binding {
    pub(super) fn parse(v: &Value) -> Self {
        let own = meta::namespace(v);
        let subject = |s: &Value| Subject {
            kind: s.str_at(&["kind"]).to_owned(),
            namespace: match s.str_at(&["namespace"]) {
                "" => own.to_owned(),
                given => given.to_owned(),
            },
            name: s.str_at(&["name"]).to_owned(),
        };
        Self {
            namespace: own.to_owned(),
            name: meta::name(v).to_owned(),
            role_kind: v.str_at(&["roleRef", "kind"]).to_owned(),
            role: v.str_at(&["roleRef", "name"]).to_owned(),
            subjects: v.items_at(&["subjects"]).iter().map(subject).collect(),
        }
    }

    /// The binding with its role and one of its subjects, in words.
    pub(super) fn describe(&self, subject: usize) -> String {
        let (kind, name) = if self.namespace.is_empty() {
            ("ClusterRoleBinding", go_quote(&self.name))
        } else {
            let name = format!("{}/{}", self.name, self.namespace);
            ("RoleBinding", go_quote(&name))
        };
        let to = self.subjects.get(subject).map(Subject::describe);
        format!(
            "{kind} {name} of {} {} to {}",
            self.role_kind,
            go_quote(&self.role),
            to.unwrap_or_default()
        )
    }
}

impl Subject {
    fn describe(&self) -> String {
        if self.kind == "ServiceAccount" {
            let name = format!("{}/{}", self.name, self.namespace);
            return format!("{} {}", self.kind, go_quote(&name));
        }
        format!("{} {}", self.kind, go_quote(&self.name))
    }
}
