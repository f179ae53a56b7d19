//! Who makes a request, and whether they may.
//!
//! `authn` finds the user, `authz` decides, `tokens` are those of service
//! accounts, `reviews` answer questions about both.

pub mod authn;
pub mod authz;
mod mirror;
mod objects;
mod options;
mod reviews;
pub mod tokens;

use std::sync::Arc;

use catena_delegate::Response;
use catena_objects::{
    Status, Value,
    user::{SYSTEM_MASTERS, User},
};
use catena_storage::Storage;
use tokio_util::sync::CancellationToken;

use authn::Credentials;
use authz::{
    Attributes, Decision, NodeAuthorizer,
    rbac::{Rbac, Rule, Rules},
};
pub use options::Options;

/// One authorizer of the list.
enum Mode {
    AlwaysAllow,
    AlwaysDeny,
    Rbac(Rbac),
    Node(NodeAuthorizer),
}

/// Authentication and authorization of a server.
pub struct Auth {
    options: Options,
    pub(crate) chain: authn::Chain,
    modes: Vec<Mode>,
}

impl Auth {
    /// Reads the files of the flags and the roles in storage, and follows both
    /// until `stop`.
    ///
    /// # Errors
    /// When a file is not usable, or storage does not answer for a long time.
    pub async fn build(
        options: &Options,
        storage: Arc<dyn Storage>,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let mut modes = Vec::new();
        for mode in &options.authorization_mode {
            modes.push(match mode.as_str() {
                "AlwaysAllow" => Mode::AlwaysAllow,
                "AlwaysDeny" => Mode::AlwaysDeny,
                "Node" => Mode::Node(NodeAuthorizer::new(storage.clone())),
                _ => Mode::Rbac(Rbac::follow(storage.clone(), stop.clone()).await?),
            });
        }
        Ok(Self {
            chain: authn::Chain::open(options, &storage)?,
            options: options.clone(),
            modes,
        })
    }

    /// The user of a request.
    ///
    /// # Errors
    /// 401 for wrong credentials, and for none where some are needed.
    pub async fn authenticate(&self, credentials: &Credentials<'_>) -> Result<User, Status> {
        self.chain.user(credentials).await.map_err(|why| {
            tracing::debug!(client = credentials.remote_addr, why, "not authenticated");
            Status::unauthorized()
        })
    }

    /// What the first authorizer with an opinion says.
    pub async fn authorize(&self, a: &Attributes) -> (Decision, String) {
        if a.user.in_group(SYSTEM_MASTERS) {
            return (Decision::Allow, String::new());
        }
        let mut reasons = Vec::new();
        for mode in &self.modes {
            let (decision, reason) = match mode {
                Mode::AlwaysAllow => (Decision::Allow, String::new()),
                Mode::AlwaysDeny => {
                    let why = "Everything is forbidden.".to_owned();
                    (Decision::NoOpinion, why)
                }
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
        let all = |non_resource: bool| Rule {
            verbs: vec!["*".to_owned()],
            api_groups: vec!["*".to_owned()],
            resources: vec!["*".to_owned()],
            non_resource_urls: if non_resource {
                vec!["*".to_owned()]
            } else {
                Vec::new()
            },
            ..Rule::default()
        };
        if user.in_group(SYSTEM_MASTERS) {
            out.resource.push(all(false));
            out.non_resource.push(all(true));
        }
        for mode in &self.modes {
            match mode {
                Mode::AlwaysAllow => {
                    out.resource.push(all(false));
                    out.non_resource.push(all(true));
                }
                Mode::AlwaysDeny => {}
                Mode::Rbac(rbac) => {
                    let rules = rbac.rules_for(user, namespace);
                    out.resource.extend(rules.resource);
                    out.non_resource.extend(rules.non_resource);
                    out.errors.extend(rules.errors);
                }
                Mode::Node(_) => {
                    if user.in_group("system:nodes") {
                        let why = "node authorizer does not support user rule resolution";
                        out.errors.push(why.to_owned());
                    }
                }
            }
        }
        out
    }

    /// Answers a review of one of the six kinds.
    ///
    /// # Errors
    /// What is wrong with the question.
    pub async fn review(
        &self,
        kind: &str,
        user: &User,
        namespace: &str,
        body: Value,
    ) -> Result<Value, Status> {
        reviews::answer(self, kind, user, namespace, body).await
    }

    /// `/.well-known/openid-configuration`.
    pub fn openid_configuration(&self) -> Result<Response, Status> {
        document(
            tokens::openid_configuration(&self.options),
            "application/json",
        )
    }

    /// `/openid/v1/jwks`.
    pub fn jwks(&self) -> Result<Response, Status> {
        document(tokens::jwks(&self.options), "application/jwk-set+json")
    }
}

fn document(bytes: Option<Vec<u8>>, media: &'static str) -> Result<Response, Status> {
    let bytes = bytes.ok_or_else(Status::no_such_path)?;
    let mut answer = Response::new(200, media, bytes);
    answer.headers.insert(
        http::header::CACHE_CONTROL,
        http::HeaderValue::from_static("public, max-age=3600"),
    );
    Ok(answer)
}
