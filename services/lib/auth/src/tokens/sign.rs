//! Signs tokens.

use std::{path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use catena_objects::{Status, time};
use jiff::Timestamp;

use super::{
    Claims, USER,
    claims::{Kubernetes, Payload, Ref},
    keys::SigningKey,
};
use crate::Options;

/// Lifetime of tokens that a kubelet asks for because nobody said for how long.
const UNSAID_SECONDS: i64 = 60 * 60 + 7;
/// What such a token gets instead: old clients never read it again.
const EXTENDED_SECONDS: i64 = 365 * 24 * 60 * 60;

/// Makes tokens of service accounts.
#[derive(Clone)]
pub struct Issuer {
    name: String,
    audiences: Vec<String>,
    key: Arc<SigningKey>,
    extends: bool,
}

impl Issuer {
    /// The issuer of the flags; `None` without a signing key.
    ///
    /// # Errors
    /// When the key is not usable.
    pub fn from_options(options: &Options) -> anyhow::Result<Option<Self>> {
        let name = options.service_account_issuer.first();
        let (Some(key), Some(name)) = (&options.service_account_signing_key_file, name) else {
            return Ok(None);
        };
        let issuer = Self::open(name, key, options.audiences())?;
        Ok(Some(issuer.extending(
            options.service_account_extend_token_expiration,
        )))
    }

    /// # Errors
    /// When the key is not usable.
    pub fn open(name: &str, key_file: &Path, audiences: Vec<String>) -> anyhow::Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            audiences,
            key: Arc::new(SigningKey::read(key_file)?),
            extends: true,
        })
    }

    /// Whether tokens that kubelets mount live on for a year after the time when
    /// they should have been renewed (`--service-account-extend-token-expiration`).
    #[must_use]
    pub fn extending(mut self, extends: bool) -> Self {
        self.extends = extends;
        self
    }

    pub fn default_audiences(&self) -> Vec<String> {
        self.audiences.clone()
    }

    /// A signed token, and when its holder should have a new one in RFC 3339.
    ///
    /// # Errors
    /// When signing fails.
    pub fn issue(&self, claims: &Claims) -> Result<(String, String), Status> {
        let now = Timestamp::now().as_second();
        let end = now.saturating_add(claims.seconds);
        let token = self
            .sign(&self.payload(claims, now))
            .map_err(|e| Status::internal(format!("failed to generate token: {e}")))?;
        let end = Timestamp::from_second(end).map_err(Status::internal)?;
        Ok((token, time::format_seconds(end)))
    }

    fn payload(&self, claims: &Claims, now: i64) -> Payload {
        let mut kubernetes = Kubernetes {
            namespace: claims.namespace.clone(),
            serviceaccount: Ref::new(&claims.account, &claims.account_uid),
            ..Kubernetes::default()
        };
        let mut seconds = claims.seconds;
        if let Some((kind, name, uid)) = &claims.bound {
            let reference = Some(Ref::new(name, uid));
            match kind.as_str() {
                "Pod" => kubernetes.pod = reference,
                "Secret" => kubernetes.secret = reference,
                _ => kubernetes.node = reference,
            }
        }
        if kubernetes.pod.is_some() {
            let node = claims.node.as_ref();
            kubernetes.node = node.map(|(name, uid)| Ref::new(name, uid));
            let ours = |a: &String| self.audiences.contains(a);
            if self.extends && seconds == UNSAID_SECONDS && claims.audiences.iter().all(ours) {
                kubernetes.warnafter = Some(now.saturating_add(seconds));
                seconds = EXTENDED_SECONDS;
            }
        }
        Payload {
            aud: claims.audiences.clone(),
            exp: now.saturating_add(seconds),
            iat: now,
            iss: self.name.clone(),
            jti: uuid::Uuid::new_v4().to_string(),
            nbf: now,
            sub: format!("{USER}{}:{}", claims.namespace, claims.account),
            kubernetes,
        }
    }

    fn sign(&self, payload: &Payload) -> anyhow::Result<String> {
        let public = &self.key.public;
        let header = format!(r#"{{"alg":"{}","kid":"{}"}}"#, public.algorithm, public.id);
        let mut token = URL_SAFE_NO_PAD.encode(header);
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(serde_json::to_vec(payload)?));
        let signature = self.key.sign(token.as_bytes())?;
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(token)
    }
}
