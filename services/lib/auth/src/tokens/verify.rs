//! Verifies tokens, and that what they speak of still exists.

use catena_objects::{Value, user::User};
use jsonwebtoken::Validation;

use super::{
    PublicKey,
    claims::{Payload, Private, Ref},
    keys,
};
use crate::{Options, authn::Refused, objects::Objects};

const GROUP: &str = "system:serviceaccounts";
/// Clocks of two machines may differ by this much (seconds).
const LEEWAY: i64 = 60;

/// Verifies tokens of service accounts.
pub(crate) struct Verifier {
    keys: Vec<PublicKey>,
    issuers: Vec<String>,
    objects: Objects,
}

impl Verifier {
    /// `None` where no key is given.
    pub(crate) fn open(options: &Options, objects: Objects) -> anyhow::Result<Option<Self>> {
        let keys = public_keys(options)?;
        if keys.is_empty() || options.service_account_issuer.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            keys,
            issuers: options.service_account_issuer.clone(),
            objects,
        }))
    }

    /// The user and the audiences that it shares with `audiences`; `None` for
    /// what is no token of ours.
    pub(crate) async fn user(
        &self,
        token: &str,
        audiences: &[String],
    ) -> Result<Option<(User, Vec<String>)>, Refused> {
        let Ok(header) = jsonwebtoken::decode_header(token) else {
            return Ok(None);
        };
        let payload = self.payload(token, header.kid.as_deref())?;
        if !self.issuers.contains(&payload.iss) {
            return Ok(None);
        }
        let now = jiff::Timestamp::now().as_second();
        if now > payload.exp.saturating_add(LEEWAY) {
            return Err("service account token has expired".to_owned());
        }
        if now < payload.nbf.saturating_sub(LEEWAY) {
            return Err("service account token is not valid yet".to_owned());
        }
        let mut common = payload.aud.into_list();
        common.retain(|a| audiences.contains(a));
        if common.is_empty() {
            return Err("service account token is for other audiences".to_owned());
        }
        let user = self
            .living(&payload.kubernetes, &payload.sub, &payload.jti)
            .await?;
        Ok(Some((user, common)))
    }

    fn payload(&self, token: &str, kid: Option<&str>) -> Result<Payload, Refused> {
        let known = self.keys.iter().any(|k| Some(k.id.as_str()) == kid);
        for key in &self.keys {
            if known && Some(key.id.as_str()) != kid {
                continue;
            }
            // The algorithm is that of the key, whatever the token says.
            let mut validation = Validation::new(key.algorithm);
            validation.required_spec_claims.clear();
            validation.validate_exp = false;
            validation.validate_aud = false;
            if let Ok(data) = jsonwebtoken::decode::<Payload>(token, &key.decoding, &validation) {
                return Ok(data.claims);
            }
        }
        Err("no key of service accounts verifies the token".to_owned())
    }

    /// The user, if the account and what the token is bound to are there.
    async fn living(&self, p: &Private, subject: &str, jti: &str) -> Result<User, Refused> {
        let (namespace, account) = (&p.namespace, &p.serviceaccount);
        let wanted = format!("system:serviceaccount:{namespace}:{}", account.name);
        if subject != wanted {
            return Err("subject and account of the token differ".to_owned());
        }
        self.check("serviceaccounts", namespace, account).await?;
        let mut user = User {
            name: wanted,
            uid: account.uid.clone(),
            groups: vec![GROUP.to_owned(), format!("{GROUP}:{namespace}")],
            ..User::default()
        };
        let mut extra = |key: &str, value: String| {
            let key = format!("authentication.kubernetes.io/{key}");
            user.extra.insert(key, vec![value]);
        };
        if !jti.is_empty() {
            extra("credential-id", format!("JTI={jti}"));
        }
        if let Some(secret) = &p.secret {
            self.check("secrets", namespace, secret).await?;
        }
        if let Some(node) = &p.node {
            if p.pod.is_none() {
                self.check("minions", "", node).await?;
            }
            extra("node-name", node.name.clone());
            extra("node-uid", node.uid.clone());
        }
        if let Some(pod) = &p.pod {
            let object = self.check("pods", namespace, pod).await?;
            extra("pod-name", pod.name.clone());
            extra("pod-uid", pod.uid.clone());
            let node = object.str_at(&["spec", "nodeName"]);
            if p.node.is_none() && !node.is_empty() {
                extra("node-name", node.to_owned());
            }
        }
        Ok(user)
    }

    async fn check(&self, resource: &str, namespace: &str, r: &Ref) -> Result<Value, Refused> {
        let found = self.objects.get(resource, namespace, &r.name).await;
        let object =
            found.ok_or_else(|| format!("{resource} {:?} of the token is gone", r.name))?;
        if object.str_at(&["metadata", "uid"]) != r.uid {
            return Err(format!(
                "{resource} {:?} of the token is another one",
                r.name
            ));
        }
        let deleted = object.str_at(&["metadata", "deletionTimestamp"]);
        if let Ok(at) = deleted.parse::<jiff::Timestamp>()
            && jiff::Timestamp::now().as_second() > at.as_second().saturating_add(LEEWAY)
        {
            return Err(format!("{resource} {:?} of the token was deleted", r.name));
        }
        Ok(object)
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
