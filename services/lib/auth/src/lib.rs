//! Who makes a request, and whether they may.
//!
//! `authn` finds the user, `authz` decides, `tokens` are those of service
//! accounts, `reviews` answer questions about both.

pub mod authn;
pub mod authz;
mod follow;
pub mod impersonate;
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

use authn::{Credentials, Refused};
use authz::{Attributes, Authorizer, Decision, rbac::Rules};
pub use options::{Options, Trust};

/// Authentication and authorization of a server.
pub struct Auth {
    pub(crate) chain: authn::Chain,
    documents: Option<tokens::Documents>,
    impersonation: impersonate::Impersonation,
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
            documents: tokens::Documents::open(options)?,
            impersonation: impersonate::Impersonation::new(),
            authorizer: Authorizer::follow(&options.authorization_mode, storage, stop).await?,
        })
    }

    /// The user of a request.
    ///
    /// # Errors
    /// 401 for wrong credentials, and for none where some are needed; 503 when
    /// storage does not answer and the token is not known from before.
    pub async fn authenticate(&self, credentials: &Credentials<'_>) -> Result<User, Status> {
        let client = credentials.remote_addr;
        self.chain.user(credentials).await.map_err(|e| match e {
            Refused::Wrong(why) => {
                tracing::debug!(client, why, "Unable to authenticate the request");
                Status::unauthorized()
            }
            Refused::Unavailable(why) => {
                tracing::warn!(client, why, "a token cannot be judged now");
                Status::unavailable("storage is unavailable").retry_after(1)
            }
        })
    }

    /// What the first authorizer with an opinion says.
    pub async fn authorize(&self, a: &Attributes) -> (Decision, String) {
        self.authorizer.authorize(a).await
    }

    /// The user that does what `request` asks for instead of the user in it;
    /// `wanted` is what [`impersonate::wanted`] found.
    ///
    /// # Errors
    /// 403 when the user may not act as that one.
    pub async fn impersonate(&self, wanted: &User, request: &Attributes) -> Result<User, Status> {
        self.impersonation
            .judge(&self.authorizer, wanted, request)
            .await
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

    /// Removes from headers what proved the user, and what claims to name one:
    /// nobody behind authentication may see or forward it.
    pub fn strip(&self, headers: &mut http::HeaderMap) {
        self.chain.strip(headers);
    }

    /// `/.well-known/openid-configuration` of a server at `host:port`.
    ///
    /// # Errors
    /// 404 where the issuer is no address.
    pub fn openid_configuration(&self, external: &str) -> Result<Response, Status> {
        let bytes = self.documents.as_ref().map(|d| d.configuration(external));
        document(bytes, "application/json")
    }

    /// `/openid/v1/jwks`.
    ///
    /// # Errors
    /// 404 where the issuer is no address.
    pub fn jwks(&self) -> Result<Response, Status> {
        let bytes = self.documents.as_ref().map(tokens::Documents::jwks);
        document(bytes, "application/jwk-set+json")
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
