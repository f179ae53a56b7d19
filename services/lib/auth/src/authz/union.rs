//! The authorizers of `--authorization-mode`, asked in order
//! (`pkg/kubeapiserver/authorizer`).

use std::sync::Arc;

use catena_objects::user::{SYSTEM_MASTERS, User};
use catena_storage::Storage;
use tokio_util::sync::CancellationToken;

use super::{
    Attributes, Decision, NodeAuthorizer, node,
    rbac::{Rbac, Rule, Rules},
};

enum Mode {
    AlwaysAllow,
    AlwaysDeny,
    Rbac(Rbac),
    Node(NodeAuthorizer),
}

/// Decides who may do what.
pub struct Authorizer {
    modes: Vec<Mode>,
}

impl Authorizer {
    /// Authorizers by the names of their modes; follows storage until `stop`.
    ///
    /// # Errors
    /// A mode that does not exist; storage that does not answer for a long time.
    pub async fn follow(
        modes: &[String],
        storage: Arc<dyn Storage>,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let mut out = Vec::new();
        for mode in modes {
            out.push(match mode.as_str() {
                "AlwaysAllow" => Mode::AlwaysAllow,
                "AlwaysDeny" => Mode::AlwaysDeny,
                "Node" => Mode::Node(NodeAuthorizer::new(storage.clone(), stop.clone())),
                "RBAC" => Mode::Rbac(Rbac::follow(storage.clone(), stop.clone()).await?),
                other => anyhow::bail!("unknown authorization mode {other} specified"),
            });
        }
        Ok(Self { modes: out })
    }

    /// What the first authorizer with an opinion says, and why.
    pub async fn authorize(&self, a: &Attributes) -> (Decision, String) {
        if a.user.in_group(SYSTEM_MASTERS) {
            return (Decision::Allow, String::new());
        }
        let mut reasons = Vec::new();
        for mode in &self.modes {
            let (decision, reason) = match mode {
                Mode::AlwaysAllow => (Decision::Allow, String::new()),
                Mode::AlwaysDeny => (Decision::NoOpinion, "Everything is forbidden.".to_owned()),
                Mode::Rbac(rbac) => rbac.authorize(a),
                Mode::Node(node) => node.authorize(a).await,
            };
            if decision != Decision::NoOpinion {
                return (decision, reason);
            }
            if !reason.is_empty() {
                reasons.push(reason);
            }
        }
        (Decision::NoOpinion, reasons.join("\n"))
    }

    /// What a user may do in a namespace, as far as it can be listed.
    pub fn rules_for(&self, user: &User, namespace: &str) -> Rules {
        let mut out = Rules::default();
        for mode in &self.modes {
            match mode {
                Mode::AlwaysDeny => {}
                Mode::AlwaysAllow => {
                    out.resource.push(Rule::all_resources());
                    out.non_resource.push(Rule::all_paths());
                }
                Mode::Rbac(rbac) => {
                    let rules = rbac.rules_for(user, namespace);
                    out.resource.extend(rules.resource);
                    out.non_resource.extend(rules.non_resource);
                    out.errors.extend(rules.errors);
                }
                Mode::Node(_) if node::identity(user).is_some() => {
                    out.incomplete = true;
                    let why = "node authorizer does not support user rule resolution";
                    out.errors.push(why.to_owned());
                }
                Mode::Node(_) => {}
            }
        }
        out
    }
}
