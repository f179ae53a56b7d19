//! Documents by which others verify our tokens (OpenID Connect discovery).

use catena_objects::{Map, Value, json, obj};

use super::verify::public_keys;
use crate::Options;

/// `/.well-known/openid-configuration`.
pub(crate) fn openid_configuration(options: &Options) -> Option<Vec<u8>> {
    let issuer = options.service_account_issuer.first()?;
    let base = issuer.trim_end_matches('/');
    let keys = public_keys(options).ok()?;
    let mut algorithms: Vec<String> = keys.iter().map(|k| format!("{:?}", k.algorithm)).collect();
    algorithms.sort();
    algorithms.dedup();
    let algorithms: Vec<Value> = algorithms.into_iter().map(Value::from).collect();
    let v = obj!({
        "issuer": (issuer.as_str()),
        "jwks_uri": (format!("{base}/openid/v1/jwks")),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms
    });
    Some(json::to_vec(&v))
}

/// `/openid/v1/jwks`.
pub(crate) fn jwks(options: &Options) -> Option<Vec<u8>> {
    let keys: Vec<Value> = public_keys(options)
        .ok()?
        .iter()
        .map(|k| {
            let mut m = Map::new();
            m.insert("use", "sig");
            m.insert("kid", k.id.as_str());
            m.insert("alg", format!("{:?}", k.algorithm));
            for (name, value) in &k.parts {
                m.insert(*name, value.as_str());
            }
            Value::from(m)
        })
        .collect();
    (!keys.is_empty()).then(|| json::to_vec(&obj!({ "keys": keys })))
}
