//! All ways to prove who one is, in kube-apiserver's order.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use catena_objects::user::{ALL_AUTHENTICATED, ALL_UNAUTHENTICATED, ANONYMOUS, User};
use catena_storage::Storage;
use http::{HeaderMap, header};
use moka::sync::Cache;

use super::{
    Credentials, Refused, bootstrap,
    front_proxy::FrontProxy,
    static_tokens::StaticTokens,
    x509::{self, Authorities},
};
use crate::{Options, objects::Objects, tokens::Verifier};

/// How long a good token is believed without another look.
const BELIEVED: Duration = Duration::from_secs(10);
const BELIEVED_AT_MOST: u64 = 16_384;
/// Longest token that is looked at.
const LONGEST: usize = 16 << 10;
const WEBSOCKET: &str = "base64url.bearer.authorization.k8s.io.";

/// A token that was accepted, with the audiences it was accepted for.
#[derive(Clone)]
pub(crate) struct Accepted {
    pub(crate) user: User,
    pub(crate) audiences: Vec<String>,
}

pub(crate) struct Chain {
    front_proxy: Option<FrontProxy>,
    clients: Option<Authorities>,
    static_tokens: Option<StaticTokens>,
    accounts: Option<Verifier>,
    bootstrap: bool,
    anonymous: bool,
    audiences: Vec<String>,
    objects: Objects,
    believed: Cache<[u8; 32], Arc<Accepted>>,
}

impl Chain {
    pub(crate) fn open(options: &Options, storage: &Arc<dyn Storage>) -> anyhow::Result<Self> {
        let objects = Objects::new(storage.clone());
        Ok(Self {
            front_proxy: FrontProxy::open(options)?,
            clients: options
                .client_ca_file
                .as_deref()
                .map(Authorities::open)
                .transpose()?,
            static_tokens: options
                .token_auth_file
                .as_deref()
                .map(StaticTokens::open)
                .transpose()?,
            accounts: Verifier::open(options, objects.clone())?,
            bootstrap: options.enable_bootstrap_token_auth,
            // An authorizer that lets everybody in would let everybody in.
            anonymous: options.anonymous_auth
                && !options
                    .authorization_mode
                    .iter()
                    .any(|m| m == "AlwaysAllow"),
            audiences: options.audiences(),
            objects,
            believed: Cache::builder()
                .max_capacity(BELIEVED_AT_MOST)
                .time_to_live(BELIEVED)
                .build(),
        })
    }

    /// The user of a request.
    pub(crate) async fn user(&self, c: &Credentials<'_>) -> Result<User, Refused> {
        let mut why = Vec::new();
        if let Some(proxy) = &self.front_proxy {
            match proxy.user(c) {
                Ok(Some(user)) => return Ok(authenticated(user)),
                Ok(None) => {}
                Err(e) => why.push(e),
            }
        }
        if let (Some(clients), Some(certs)) = (&self.clients, c.certificates)
            && !certs.is_empty()
        {
            match clients.verify(certs).and_then(|()| x509::user(&certs[0])) {
                Ok(user) => return Ok(authenticated(user)),
                Err(e) => why.push(e),
            }
        }
        if let Some(token) = bearer(c.headers) {
            match self.token(&token, &self.audiences).await {
                Ok(Some(accepted)) => return Ok(accepted.user.clone()),
                Ok(None) => why.push("the token is nobody's".to_owned()),
                Err(e) => why.push(e),
            }
        }
        if !why.is_empty() {
            return Err(why.join("; "));
        }
        if self.anonymous {
            return Ok(User {
                name: ANONYMOUS.to_owned(),
                groups: vec![ALL_UNAUTHENTICATED.to_owned()],
                ..User::default()
            });
        }
        Err("no credentials".to_owned())
    }

    /// The user of a token for some of the audiences.
    pub(crate) async fn token(
        &self,
        token: &str,
        audiences: &[String],
    ) -> Result<Option<Arc<Accepted>>, Refused> {
        if token.is_empty() || token.len() > LONGEST {
            return Ok(None);
        }
        let key = key(token, audiences);
        if let Some(known) = self.believed.get(&key) {
            return Ok(Some(known));
        }
        let found = self.look_up(token, audiences).await?.map(Arc::new);
        if let Some(accepted) = &found {
            self.believed.insert(key, accepted.clone());
        }
        Ok(found)
    }

    async fn look_up(
        &self,
        token: &str,
        audiences: &[String],
    ) -> Result<Option<Accepted>, Refused> {
        // Tokens without audiences are for this server.
        let own = |user: User| {
            let common: Vec<String> = audiences
                .iter()
                .filter(|a| self.audiences.contains(a))
                .cloned()
                .collect();
            (!common.is_empty() || audiences.is_empty()).then(|| Accepted {
                user: authenticated(user),
                audiences: common,
            })
        };
        if let Some(user) = self.static_tokens.as_ref().and_then(|t| t.user(token)) {
            return Ok(own(user));
        }
        if let Some(accounts) = &self.accounts
            && let Some((user, audiences)) = accounts.user(token, audiences).await?
        {
            return Ok(Some(Accepted {
                user: authenticated(user),
                audiences,
            }));
        }
        if self.bootstrap
            && let Some(user) = bootstrap::user(&self.objects, token).await?
        {
            return Ok(own(user));
        }
        Ok(None)
    }

    pub(crate) fn audiences(&self) -> &[String] {
        &self.audiences
    }
}

fn key(token: &str, audiences: &[String]) -> [u8; 32] {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    context.update(token.as_bytes());
    for audience in audiences {
        context.update(b"\0");
        context.update(audience.as_bytes());
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// Who proved anything is a member of `system:authenticated`.
fn authenticated(mut user: User) -> User {
    if !user.in_group(ALL_AUTHENTICATED) && !user.in_group(ALL_UNAUTHENTICATED) {
        user.groups.push(ALL_AUTHENTICATED.to_owned());
    }
    user
}

/// The token of `Authorization`, or of a WebSocket's subprotocol.
fn bearer(headers: &HeaderMap) -> Option<String> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.trim().split_once(' ')?;
        let token = token.trim_start();
        return (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
            .then(|| token.to_owned());
    }
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .find_map(|p| {
            let encoded = p.trim().strip_prefix(WEBSOCKET)?;
            String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()
        })
}
