//! Verifies tokens: form, issuer, signature, audiences. What they speak of is
//! for `bound` and `legacy`.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use catena_objects::json::go_quote;
use serde::Deserialize;

use super::{
    LEGACY_ISSUER, bound,
    claims::Received,
    keys::{self, PublicKey},
    legacy,
};
use crate::{
    Options,
    authn::{Accepted, Refused},
    objects::Objects,
};

/// Verifies tokens of service accounts.
pub(crate) struct Verifier {
    keys: Vec<PublicKey>,
    issuers: Vec<String>,
    /// Those of this server.
    audiences: Vec<String>,
    objects: Objects,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
    /// What the verifier must understand: nothing of it is.
    crit: Option<serde_json::Value>,
}

/// The parts of a signed token.
struct Jwt<'a> {
    header: Header,
    claims: Received,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    /// `None` for what is no token of this form.
    fn parse(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        Some(Self {
            header: serde_json::from_slice(&decode(header)?).ok()?,
            claims: serde_json::from_slice(&decode(claims)?).ok()?,
            signed,
            signature: decode(signature)?,
        })
    }
}

impl Verifier {
    /// `None` where no key is given.
    pub(crate) fn open(options: &Options, objects: Objects) -> anyhow::Result<Option<Self>> {
        let keys = public_keys(options)?;
        if keys.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            keys,
            issuers: options.service_account_issuer.clone(),
            audiences: options.audiences(),
            objects,
        }))
    }

    /// The user of a token, and the audiences that it shares with those wanted
    /// (those of this server, if none are); `None` for what is no token of ours.
    pub(crate) async fn user(
        &self,
        token: &str,
        wanted: &[String],
    ) -> Result<Option<Accepted>, Refused> {
        let Some(jwt) = Jwt::parse(token) else {
            return Ok(None);
        };
        let claims = &jwt.claims;
        let is_legacy = claims.iss == LEGACY_ISSUER;
        if !is_legacy && !self.issuers.contains(&claims.iss) {
            return Ok(None);
        }
        self.check_signature(&jwt)?;
        let audiences = self.shared_audiences(claims.audiences(), wanted)?;
        let user = if is_legacy {
            legacy::user(claims, token, &self.objects).await?
        } else {
            bound::user(claims, &self.objects).await?
        };
        Ok(Some(Accepted { user, audiences }))
    }

    /// A key that the token names must be the one that signed.
    fn check_signature(&self, jwt: &Jwt<'_>) -> Result<(), Refused> {
        let named = |k: &&PublicKey| jwt.header.kid.is_empty() || k.id == jwt.header.kid;
        let mut keys = self.keys.iter().filter(named).peekable();
        if keys.peek().is_none() {
            return Err("invalid signature, no keys found".into());
        }
        let message = jwt.signed.as_bytes();
        let fits = |k: &PublicKey| k.verifies(&jwt.header.alg, message, &jwt.signature);
        if jwt.header.crit.is_none() && keys.any(fits) {
            return Ok(());
        }
        Err("go-jose/go-jose: error in cryptographic primitive".into())
    }

    /// Only tokens of old servers name no audience: they are for this one.
    fn shared_audiences(
        &self,
        mut named: Vec<String>,
        wanted: &[String],
    ) -> Result<Vec<String>, Refused> {
        if named.is_empty() {
            named.clone_from(&self.audiences);
        }
        let wanted = if wanted.is_empty() {
            &self.audiences
        } else {
            wanted
        };
        let shared: Vec<String> = named
            .iter()
            .filter(|a| wanted.contains(a))
            .cloned()
            .collect();
        if shared.is_empty() && !self.audiences.is_empty() {
            let quoted = |list: &[String]| {
                let list: Vec<String> = list.iter().map(|a| go_quote(a)).collect();
                format!("[{}]", list.join(" "))
            };
            let (named, wanted) = (quoted(&named), quoted(wanted));
            let why =
                format!("token audiences {named} is invalid for the target audiences {wanted}");
            return Err(why.into());
        }
        Ok(shared)
    }
}

/// The keys of the flags: those for verifying, or that for signing.
pub(super) fn public_keys(options: &Options) -> anyhow::Result<Vec<PublicKey>> {
    let mut out = Vec::new();
    for path in &options.service_account_key_file {
        out.extend(keys::read(path)?);
    }
    if out.is_empty()
        && let Some(path) = &options.service_account_signing_key_file
    {
        out.extend(keys::read(path)?);
    }
    Ok(out)
}
