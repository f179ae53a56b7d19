//! Certificates that the operator makes: what the chart declares for
//! cert-manager, made without it.
//!
//! Authorities are kept as long as their Secrets are there; leaves are made anew
//! before they expire, when their names or their authority change, when they are
//! unusable, and when the user asks for it. Processes read changed files, so
//! nothing is restarted.

mod declared;
mod judge;

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use catena_runtime::pki::{self, Leaf, Pem};
use serde_json::{Value, json};

pub(crate) use declared::{Identity, Signer, identities, is_declaration};
pub(crate) use judge::{Why, expiry, judge};

use crate::{
    apply::Applier,
    error::Error,
    objects::{Key, hash},
};

/// What a certificate names and who signed it, as a hash.
const IDENTITY: &str = "catena.dev/identity";
/// The word of [`crate::api::annotations::ROTATE`] it was made for.
const ROTATION: &str = "catena.dev/rotation";

/// A Secret's content, decoded.
pub(crate) type Data = BTreeMap<String, Vec<u8>>;

/// How certificates are made.
pub(crate) struct Policy {
    pub(crate) life: Duration,
    pub(crate) authority_life: Duration,
    pub(crate) renew_before: Duration,
    /// The last word of the user who asked for new ones, or "".
    pub(crate) rotation: String,
}

/// What there is after all are as they should be.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Secrets that were written, and why.
    pub(crate) made: Vec<(String, Why)>,
    /// The next time that one has to be made anew; of those of others, when the
    /// first one ends.
    pub(crate) renewal: Option<SystemTime>,
    /// Somebody else makes them.
    pub(crate) of_others: bool,
    /// What is wrong with those that are not ours to make.
    pub(crate) problems: Vec<String>,
    /// Content of the Secrets by name.
    pub(crate) secrets: BTreeMap<String, Data>,
}

/// Makes what is missing or has to be renewed.
///
/// # Errors
/// When a Secret cannot be read or written.
pub(crate) async fn ensure(
    applier: &Applier,
    identities: &[Identity],
    policy: &Policy,
) -> Result<Outcome, Error> {
    let mut out = Outcome::default();
    // Authorities come first: the leaves are signed with them.
    let (first, then): (Vec<_>, Vec<_>) = identities.iter().partition(|i| i.is_authority);
    for identity in first.into_iter().chain(then) {
        one(applier, identity, policy, &mut out).await?;
    }
    Ok(out)
}

async fn one(
    applier: &Applier,
    identity: &Identity,
    policy: &Policy,
    out: &mut Outcome,
) -> Result<(), Error> {
    let key = secret_key(applier, &identity.secret);
    let live = applier.get(&key).await?;
    let ours = live.as_ref().is_none_or(|l| applier.owns(l));
    let live = live.as_ref().map(crate::objects::value).transpose()?;
    let stored = live.unwrap_or(Value::Null);
    let authority = match &identity.signer {
        Signer::Authority(secret) => Some(pem(out.secrets.get(secret), secret)?),
        Signer::Itself => None,
    };
    let print = print(identity, authority.as_ref());
    let mut data = decoded(&stored);
    let signer = authority.as_ref().map(|a| a.cert.as_str());
    let annotations = &stored["metadata"]["annotations"];
    let same = annotations[IDENTITY] == json!(print);
    let asked = annotations[ROTATION].as_str().unwrap_or_default() != policy.rotation;
    let judged = judge(identity, &data, signer, policy, SystemTime::now());
    let why = judged
        .or((identity.is_leaf() && !same).then_some(Why::Names))
        .or((identity.is_leaf() && asked).then_some(Why::Asked));
    if let Some(why) = why {
        if !ours {
            return Err(Error::Conflict {
                kind: "Secret".to_owned(),
                name: identity.secret.clone(),
                owner: "somebody else".to_owned(),
            });
        }
        data = make(identity, authority.as_ref(), policy)?;
        out.made.push((identity.secret.clone(), why));
    }
    applier
        .apply(&secret(applier, identity, &data, &print, policy))
        .await?;
    if let Some(expires) = expiry(&data).filter(|_| identity.is_leaf()) {
        let due = expires - policy.renew_before;
        out.renewal = Some(out.renewal.map_or(due, |r| r.min(due)));
    }
    out.secrets.insert(identity.secret.clone(), data);
    Ok(())
}

/// Looks at certificates that somebody else makes.
///
/// # Errors
/// When a Secret cannot be read.
pub(crate) async fn inspect(applier: &Applier, identities: &[Identity]) -> Result<Outcome, Error> {
    let mut out = Outcome {
        of_others: true,
        ..Outcome::default()
    };
    for identity in identities {
        let key = secret_key(applier, &identity.secret);
        let live = applier.get(&key).await?;
        let live = live.as_ref().map(crate::objects::value).transpose()?;
        let data = decoded(&live.unwrap_or(Value::Null));
        let now = SystemTime::now();
        let judged = match expiry(&data) {
            None if identity.is_key_only() && data.contains_key("tls.key") => None,
            None => Some("is missing or has no certificate"),
            Some(end) if end <= now => Some("has a certificate that has expired"),
            Some(end) => {
                out.renewal = Some(out.renewal.map_or(end, |r| r.min(end)));
                None
            }
        };
        out.problems
            .extend(judged.map(|why| format!("Secret {} {why}", identity.secret)));
        out.secrets.insert(identity.secret.clone(), data);
    }
    Ok(out)
}

fn make(identity: &Identity, authority: Option<&Pem>, policy: &Policy) -> Result<Data, Error> {
    let mut data = Data::new();
    if identity.is_key_only() {
        data.insert("tls.key".to_owned(), pki::new_key()?.into_bytes());
        return Ok(data);
    }
    let (made, ca) = match authority {
        None => {
            let made = pki::new_authority(&identity.short, policy.authority_life)?;
            let ca = made.cert.clone();
            (made, ca)
        }
        Some(authority) => {
            let leaf = leaf(identity);
            (leaf.issue(authority, policy.life)?, authority.cert.clone())
        }
    };
    data.insert("ca.crt".to_owned(), ca.into_bytes());
    data.insert("tls.crt".to_owned(), made.cert.into_bytes());
    data.insert("tls.key".to_owned(), made.key.into_bytes());
    Ok(data)
}

fn leaf(identity: &Identity) -> Leaf {
    let mut leaf = Leaf::new(&identity.cn, identity.group.as_deref());
    if identity.usages.iter().any(|u| u == "server auth") {
        leaf = leaf.server();
    }
    if identity.usages.iter().any(|u| u == "client auth") {
        leaf = leaf.client();
    }
    leaf.add_sans(&identity.names);
    leaf
}

/// A new authority means new leaves, and so do other names.
fn print(identity: &Identity, authority: Option<&Pem>) -> String {
    hash(&json!([
        identity.cn,
        identity.group,
        identity.names,
        identity.usages,
        authority.map(|a| &a.cert)
    ]))
}

fn secret_key(applier: &Applier, name: &str) -> Key {
    Key {
        api_version: "v1".to_owned(),
        kind: "Secret".to_owned(),
        namespace: Some(applier.namespace.clone()),
        name: name.to_owned(),
    }
}

fn secret(
    applier: &Applier,
    identity: &Identity,
    data: &Data,
    print: &str,
    policy: &Policy,
) -> Value {
    let encoded: BTreeMap<&String, String> =
        data.iter().map(|(k, v)| (k, STANDARD.encode(v))).collect();
    let kind = if identity.is_key_only() {
        "Opaque"
    } else {
        "kubernetes.io/tls"
    };
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": identity.secret,
            "namespace": applier.namespace,
            "labels": identity.labels,
            "annotations": {IDENTITY: print, ROTATION: policy.rotation},
        },
        "type": kind,
        "data": encoded,
    })
}

/// `data` of a Secret; what does not decode is as if it were not there.
pub(crate) fn decoded(secret: &Value) -> Data {
    let data = secret["data"].as_object();
    data.into_iter()
        .flatten()
        .filter_map(|(k, v)| Some((k.clone(), STANDARD.decode(v.as_str()?).ok()?)))
        .collect()
}

fn pem(data: Option<&Data>, secret: &str) -> Result<Pem, Error> {
    let text = |key: &str| {
        let bytes = data.and_then(|d| d.get(key))?;
        String::from_utf8(bytes.clone()).ok()
    };
    match (text("tls.crt"), text("tls.key")) {
        (Some(cert), Some(key)) => Ok(Pem { cert, key }),
        _ => Err(Error::Internal(format!(
            "Secret {secret} is not the one of an authority"
        ))),
    }
}
