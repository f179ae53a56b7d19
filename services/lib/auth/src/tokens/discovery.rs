//! Documents by which others verify our tokens (`openidmetadata.go`).

use catena_objects::{Map, Value, json, obj};

use super::{keys::PublicKey, verify::public_keys};
use crate::Options;

/// The documents of OpenID Connect discovery.
pub(crate) struct Documents {
    issuer: String,
    /// `--service-account-jwks-uri`.
    jwks_uri: Option<String>,
    keys: Vec<PublicKey>,
}

impl Documents {
    /// `None` where the issuer is no address that others could ask.
    ///
    /// # Errors
    /// When a key is not usable.
    pub(crate) fn open(options: &Options) -> anyhow::Result<Option<Self>> {
        let Some(issuer) = options.service_account_issuer.first() else {
            return Ok(None);
        };
        let keys = public_keys(options)?;
        if !issuer.starts_with("https://") || issuer.contains(['?', '#']) || keys.is_empty() {
            tracing::debug!(issuer, "the issuer of tokens is not published");
            return Ok(None);
        }
        Ok(Some(Self {
            issuer: issuer.clone(),
            jwks_uri: options.service_account_jwks_uri.clone(),
            keys,
        }))
    }

    /// `/.well-known/openid-configuration`; `external` is `host:port` of this server.
    pub(crate) fn configuration(&self, external: &str) -> Vec<u8> {
        let mut algorithms: Vec<&str> = self.keys.iter().map(|k| k.algorithm).collect();
        algorithms.sort_unstable();
        algorithms.dedup();
        let algorithms: Vec<Value> = algorithms.into_iter().map(Value::from).collect();
        let uri = self.jwks_uri.clone();
        let uri = uri.unwrap_or_else(|| format!("https://{external}/openid/v1/jwks"));
        json::to_vec(&obj!({
            "issuer": (self.issuer.as_str()),
            "jwks_uri": uri,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": algorithms
        }))
    }

    /// `/openid/v1/jwks`.
    pub(crate) fn jwks(&self) -> Vec<u8> {
        let keys: Vec<Value> = self.keys.iter().map(jwk).collect();
        json::to_vec(&obj!({ "keys": keys }))
    }
}

fn jwk(key: &PublicKey) -> Value {
    let (kind, curve) = key.kind();
    let mut m = Map::new();
    m.insert("use", "sig");
    m.insert("kty", kind);
    m.insert("kid", key.id.as_str());
    if let Some(curve) = curve {
        m.insert("crv", curve);
    }
    m.insert("alg", key.algorithm);
    for (name, value) in &key.parts {
        m.insert(*name, value.as_str());
    }
    m.into()
}
