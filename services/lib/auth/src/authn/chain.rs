//! All ways to prove who one is, in kube-apiserver's order
//! (`pkg/kubeapiserver/authenticator`).

use std::{sync::Arc, time::Duration};

use aws_lc_rs::{digest, hmac, rand};
use catena_objects::user::{ALL_AUTHENTICATED, ALL_UNAUTHENTICATED, ANONYMOUS, User};
use catena_storage::Storage;
use http::HeaderMap;
use moka::sync::Cache;

use super::{
    Accepted, Credentials, Refused, bootstrap,
    front_proxy::{FrontProxy, Names},
    headers,
    static_tokens::StaticTokens,
    x509::{self, Authorities},
};
use crate::{Options, objects::Objects, tokens::Verifier};

/// How long a good token is believed without another look.
const BELIEVED: Duration = Duration::from_secs(10);
/// How long it is while storage does not answer.
const REMEMBERED: Duration = Duration::from_mins(10);
const BELIEVED_AT_MOST: u64 = 16_384;
/// Longest token that is looked at.
const LONGEST: usize = 64 << 10;

type Believed = Cache<[u8; digest::SHA256_OUTPUT_LEN], Arc<Accepted>>;

pub(crate) struct Chain {
    front_proxy: Option<FrontProxy>,
    proxy_headers: Names,
    clients: Option<Authorities>,
    static_tokens: Option<StaticTokens>,
    accounts: Option<Verifier>,
    bootstrap: bool,
    anonymous: bool,
    audiences: Vec<String>,
    objects: Objects,
    /// Hashes with it cannot be made in advance.
    secret: hmac::Key,
    believed: Believed,
    remembered: Believed,
}

impl Chain {
    pub(crate) fn open(options: &Options, storage: &Arc<dyn Storage>) -> anyhow::Result<Self> {
        let objects = Objects::new(storage.clone());
        let cache = |live| {
            Cache::builder()
                .max_capacity(BELIEVED_AT_MOST)
                .time_to_live(live)
                .build()
        };
        let clients = options.trust.client_ca_file.as_deref();
        let tokens = options.token_auth_file.as_deref();
        Ok(Self {
            front_proxy: FrontProxy::open(options)?,
            proxy_headers: Names::new(options),
            clients: clients.map(Authorities::open).transpose()?,
            static_tokens: tokens.map(StaticTokens::open).transpose()?,
            accounts: Verifier::open(options, objects.clone())?,
            bootstrap: options.enable_bootstrap_token_auth,
            anonymous: anonymous(options),
            audiences: options.audiences(),
            objects,
            secret: hmac::Key::generate(hmac::HMAC_SHA256, &rand::SystemRandom::new())?,
            believed: cache(BELIEVED),
            remembered: cache(REMEMBERED),
        })
    }

    pub(crate) fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// Removes what proved a user, and what claims to name one.
    pub(crate) fn strip(&self, headers: &mut HeaderMap) {
        headers::strip(headers);
        self.proxy_headers.strip(headers);
    }

    /// The user of a request.
    pub(crate) async fn user(&self, c: &Credentials<'_>) -> Result<User, Refused> {
        let mut why = Vec::new();
        let proofs = [Self::by_proxy, Self::by_certificate];
        for proof in proofs {
            match proof(self, c) {
                Ok(Some(user)) => return Ok(authenticated(user)),
                Ok(None) => {}
                Err(e) => why.push(e),
            }
        }
        if self.takes_tokens() {
            for found in [
                Ok(headers::bearer(c.headers)),
                headers::websocket(c.headers),
            ] {
                let found = match found {
                    Ok(Some(token)) => self.bearer(&token, &self.audiences).await,
                    Ok(None) => continue,
                    Err(e) => Err(e),
                };
                match found {
                    Ok(accepted) => return Ok(accepted.user.clone()),
                    Err(e) => why.push(e),
                }
            }
        }
        if !why.is_empty() {
            return Err(Refused::join(why));
        }
        if self.anonymous {
            return Ok(User {
                name: ANONYMOUS.to_owned(),
                groups: vec![ALL_UNAUTHENTICATED.to_owned()],
                ..User::default()
            });
        }
        Err("no credentials provided".into())
    }

    fn by_proxy(&self, c: &Credentials<'_>) -> Result<Option<User>, Refused> {
        self.front_proxy.as_ref().map_or(Ok(None), |p| p.user(c))
    }

    fn by_certificate(&self, c: &Credentials<'_>) -> Result<Option<User>, Refused> {
        match (&self.clients, c.certificates) {
            (Some(clients), Some(certs)) if !certs.is_empty() => {
                clients.verify(certs)?;
                x509::user(&certs[0])
            }
            _ => Ok(None),
        }
    }

    fn takes_tokens(&self) -> bool {
        self.static_tokens.is_some() || self.accounts.is_some() || self.bootstrap
    }

    /// The user of a token that is good for some of the audiences.
    pub(crate) async fn bearer(
        &self,
        token: &str,
        audiences: &[String],
    ) -> Result<Arc<Accepted>, Refused> {
        if token.len() > LONGEST {
            return Err("invalid bearer token".into());
        }
        let key = self.key(token, audiences);
        if let Some(known) = self.believed.get(&key) {
            return Ok(known);
        }
        match self.look_up(token, audiences).await {
            Ok(Some(mut accepted)) => {
                accepted.user = authenticated(accepted.user);
                let accepted = Arc::new(accepted);
                self.believed.insert(key, accepted.clone());
                self.remembered.insert(key, accepted.clone());
                Ok(accepted)
            }
            Ok(None) => {
                self.remembered.invalidate(&key);
                Err("invalid bearer token".into())
            }
            Err(Refused::Unavailable(why)) => {
                let known = self.remembered.get(&key);
                known.ok_or(Refused::Unavailable(why))
            }
            Err(wrong) => {
                self.remembered.invalidate(&key);
                Err(wrong)
            }
        }
    }

    async fn look_up(
        &self,
        token: &str,
        audiences: &[String],
    ) -> Result<Option<Accepted>, Refused> {
        // Tokens that name no audience are for this server.
        let own = || -> Option<Vec<String>> {
            let mut common = self.audiences.clone();
            common.retain(|a| audiences.contains(a));
            (!common.is_empty() || audiences.is_empty()).then_some(common)
        };
        let mut why = Vec::new();
        if let Some(tokens) = &self.static_tokens
            && let Some(audiences) = own()
            && let Some(user) = tokens.user(token)
        {
            return Ok(Some(Accepted { user, audiences }));
        }
        if let Some(accounts) = &self.accounts {
            match accounts.user(token, audiences).await {
                Ok(Some(accepted)) => return Ok(Some(accepted)),
                Ok(None) => {}
                Err(e) => why.push(e),
            }
        }
        if self.bootstrap
            && let Some(audiences) = own()
            && let Some(user) = bootstrap::user(&self.objects, token).await?
        {
            return Ok(Some(Accepted { user, audiences }));
        }
        if why.is_empty() {
            return Ok(None);
        }
        Err(Refused::join(why))
    }

    fn key(&self, token: &str, audiences: &[String]) -> [u8; digest::SHA256_OUTPUT_LEN] {
        let mut context = hmac::Context::with_key(&self.secret);
        let mut add = |text: &str| {
            context.update(&text.len().to_be_bytes());
            context.update(text.as_bytes());
        };
        add(token);
        audiences.iter().for_each(|a| add(a));
        let mut out = [0; digest::SHA256_OUTPUT_LEN];
        out.copy_from_slice(context.sign().as_ref());
        out
    }
}

/// Where everything is allowed, nobody may come unnamed.
fn anonymous(options: &Options) -> bool {
    let all = options
        .authorization_mode
        .iter()
        .any(|m| m == "AlwaysAllow");
    if all && options.anonymous_auth {
        tracing::warn!(
            "AnonymousAuth is not allowed with the AlwaysAllow authorizer. Resetting AnonymousAuth to false. You should use a different authorizer"
        );
    }
    options.anonymous_auth && !all
}

/// Who proved anything is a member of `system:authenticated`.
fn authenticated(mut user: User) -> User {
    let known = user.in_group(ALL_AUTHENTICATED) || user.in_group(ALL_UNAUTHENTICATED);
    if user.name != ANONYMOUS && !known {
        user.groups.push(ALL_AUTHENTICATED.to_owned());
    }
    user
}
