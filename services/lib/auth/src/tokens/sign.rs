//! Signs tokens.

use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use catena_objects::{Status, time};
use jsonwebtoken::{Algorithm, EncodingKey, Header};

use super::{
    Claims,
    claims::{Audience, Payload, Private, Ref},
    keys,
};
use crate::Options;

/// Makes tokens of service accounts.
#[derive(Clone)]
pub struct Issuer {
    name: String,
    audiences: Vec<String>,
    key: Arc<EncodingKey>,
    key_id: String,
    algorithm: Algorithm,
}

impl Issuer {
    /// The issuer of the flags; `None` without a signing key.
    ///
    /// # Errors
    /// When the key is not usable.
    pub fn from_options(options: &Options) -> anyhow::Result<Option<Self>> {
        let name = options.service_account_issuer.first();
        match (&options.service_account_signing_key_file, name) {
            (Some(key), Some(name)) => Self::open(name, key, options.audiences()).map(Some),
            _ => Ok(None),
        }
    }

    /// # Errors
    /// When the key is not usable.
    pub fn open(name: &str, key_file: &Path, audiences: Vec<String>) -> anyhow::Result<Self> {
        let public = keys::read(key_file)?;
        let public = public.first().context("no key in the file")?;
        let pem = std::fs::read(key_file)?;
        let key = match public.algorithm {
            Algorithm::RS256 => EncodingKey::from_rsa_pem(&pem),
            _ => EncodingKey::from_ec_pem(&pem),
        }
        .with_context(|| format!("{}: no private key", key_file.display()))?;
        Ok(Self {
            name: name.to_owned(),
            audiences,
            key: Arc::new(key),
            key_id: public.id.clone(),
            algorithm: public.algorithm,
        })
    }

    pub fn default_audiences(&self) -> Vec<String> {
        self.audiences.clone()
    }

    /// A signed token, and when it ends in RFC 3339.
    ///
    /// # Errors
    /// When signing fails.
    pub fn issue(&self, claims: &Claims) -> Result<(String, String), Status> {
        let now = jiff::Timestamp::now().as_second();
        let mut private = Private {
            namespace: claims.namespace.clone(),
            serviceaccount: Ref {
                name: claims.account.clone(),
                uid: claims.account_uid.clone(),
            },
            ..Private::default()
        };
        if let Some((kind, name, uid)) = &claims.bound {
            let reference = Some(Ref {
                name: name.clone(),
                uid: uid.clone(),
            });
            match kind.as_str() {
                "Pod" => private.pod = reference,
                "Secret" => private.secret = reference,
                _ => private.node = reference,
            }
        }
        let payload = Payload {
            aud: Audience::Many(claims.audiences.clone()),
            exp: now.saturating_add(claims.seconds),
            iat: now,
            iss: self.name.clone(),
            jti: uuid::Uuid::new_v4().to_string(),
            nbf: now,
            sub: format!(
                "system:serviceaccount:{}:{}",
                claims.namespace, claims.account
            ),
            kubernetes: private,
        };
        let mut header = Header::new(self.algorithm);
        header.typ = None;
        header.kid = Some(self.key_id.clone());
        let token = jsonwebtoken::encode(&header, &payload, &self.key)
            .map_err(|e| Status::internal(format!("the token was not signed: {e}")))?;
        let end = jiff::Timestamp::from_second(payload.exp)
            .map_err(|e| Status::internal(e.to_string()))?;
        Ok((token, time::format_seconds(end)))
    }
}
