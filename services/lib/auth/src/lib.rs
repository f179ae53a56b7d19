//! Who makes a request, and whether they may.
//!
//! `authn` finds the user, `authz` decides, `tokens` are those of service
//! accounts, `reviews` answer questions about both.

pub mod authn;
pub mod authz;
mod follow;
mod mirror;
mod objects;
mod options;
mod query;
mod reviews;
pub mod tokens;

use std::sync::Arc;

use catena_delegate::Response;
use catena_objects::{Status, Value, user::User};
use catena_storage::Storage;
use tokio_util::sync::CancellationToken;

use authn::Credentials;
use authz::{Attributes, Authorizer, Decision, rbac::Rules};
pub use options::Options;

/// Authentication and authorization of a server.
pub struct Auth {
    options: Options,
    pub(crate) chain: authn::Chain,
    authorizer: Authorizer,
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
        Ok(Self {
            chain: authn::Chain::open(options, &storage)?,
            authorizer: Authorizer::follow(&options.authorization_mode, storage, stop).await?,
            options: options.clone(),
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
        self.authorizer.authorize(a).await
    }

    /// What a user may do in a namespace, as far as it can be listed.
    pub fn rules_for(&self, user: &User, namespace: &str) -> Rules {
        self.authorizer.rules_for(user, namespace)
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
