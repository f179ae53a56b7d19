//! Roles and bindings, kept by watches. A check takes no lock and asks nobody.

use std::sync::Arc;

use arc_swap::ArcSwap;
use catena_objects::user::User;
use catena_storage::Storage;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    Rules,
    binding::{Binding, Role},
    index::{Grant, Index},
};
use crate::{
    authz::{Attributes, Decision},
    mirror::{self, Mirror},
};

/// The four resources as they stand in storage.
pub(super) struct Mirrors {
    pub(super) roles: Mirror<Role>,
    pub(super) cluster_roles: Mirror<Role>,
    pub(super) bindings: Mirror<Binding>,
    pub(super) cluster_bindings: Mirror<Binding>,
}

impl Mirrors {
    fn follow(storage: &Arc<dyn Storage>, stop: &CancellationToken) -> Self {
        let roles = |prefix| Mirror::follow(storage.clone(), prefix, Role::parse, stop.clone());
        let bindings =
            |prefix| Mirror::follow(storage.clone(), prefix, Binding::parse, stop.clone());
        Self {
            roles: roles("/registry/roles/"),
            cluster_roles: roles("/registry/clusterroles/"),
            bindings: bindings("/registry/rolebindings/"),
            cluster_bindings: bindings("/registry/clusterrolebindings/"),
        }
    }

    fn changes(&self) -> [watch::Receiver<u64>; 4] {
        [
            self.roles.changes(),
            self.cluster_roles.changes(),
            self.bindings.changes(),
            self.cluster_bindings.changes(),
        ]
    }
}

/// The authorizer (`plugin/pkg/auth/authorizer/rbac`).
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
        let mirrors = Mirrors::follow(&storage, &stop);
        let mut changes = mirrors.changes();
        mirror::synced(&mut changes).await?;
        changes.iter_mut().for_each(watch::Receiver::mark_unchanged);
        let index = Arc::new(ArcSwap::from_pointee(Index::build(&mirrors)));
        let target = index.clone();
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            while changed(&mut changes).await {
                target.store(Arc::new(Index::build(&mirrors)));
            }
        }));
        Ok(Self { index })
    }

    /// Whether some rule of the user allows it; the reason names the binding.
    pub(crate) fn authorize(&self, a: &Attributes) -> (Decision, String) {
        let index = self.index.load();
        let mut errors: Vec<&str> = Vec::new();
        for namespace in scopes(&a.namespace) {
            for (grant, subject) in index.grants(&a.user, namespace) {
                match &grant.rules {
                    Ok(rules) if rules.iter().any(|r| r.allows(a)) => {
                        let why = format!("RBAC: allowed by {}", grant.binding.describe(subject));
                        return (Decision::Allow, why);
                    }
                    Ok(_) => {}
                    Err(why) if errors.contains(&why.as_str()) => {}
                    Err(why) => errors.push(why),
                }
            }
        }
        let reason = match errors.as_slice() {
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
        for namespace in scopes(namespace) {
            for (grant, _) in index.grants(user, namespace) {
                out.add(grant);
            }
        }
        out
    }
}

impl Rules {
    fn add(&mut self, grant: &Grant) {
        let rules = match &grant.rules {
            Ok(rules) => rules,
            Err(why) => {
                self.errors.push(why.clone());
                return;
            }
        };
        for rule in rules.iter() {
            let mut resource = rule.clone();
            let urls = std::mem::take(&mut resource.non_resource_urls);
            if !urls.is_empty() {
                self.non_resource.push(super::Rule {
                    verbs: rule.verbs.clone(),
                    non_resource_urls: urls,
                    ..super::Rule::default()
                });
            }
            if !resource.resources.is_empty() {
                self.resource.push(resource);
            }
        }
    }
}

/// Bindings of the cluster come first, then those of the namespace.
fn scopes(namespace: &str) -> impl Iterator<Item = &str> {
    let own = Some(namespace).filter(|n| !n.is_empty());
    std::iter::once("").chain(own)
}

/// Waits for a change; false when nothing will change any more.
async fn changed(all: &mut [watch::Receiver<u64>; 4]) -> bool {
    let waits = all.iter_mut().map(|c| Box::pin(c.changed()));
    let (result, _, _) = futures_util::future::select_all(waits).await;
    all.iter_mut().for_each(watch::Receiver::mark_unchanged);
    result.is_ok()
}
