//! What a token says.

use serde::{Deserialize, Serialize};

/// What a token is to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    pub namespace: String,
    pub account: String,
    pub account_uid: String,
    pub audiences: Vec<String>,
    /// Seconds until it ends.
    pub seconds: i64,
    /// Kind, name and uid of the object that the token dies with.
    pub bound: Option<(String, String, String)>,
    /// Name and uid ("" if not known) of the node on which the pod that the
    /// token is bound to runs.
    pub node: Option<(String, String)>,
}

/// An object by name and uid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Ref {
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) uid: String,
}

impl Ref {
    pub(super) fn new(name: &str, uid: &str) -> Self {
        Self {
            name: name.to_owned(),
            uid: uid.to_owned(),
        }
    }
}

/// `kubernetes.io`, members in the order in which Go writes them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Kubernetes {
    pub(super) namespace: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) node: Option<Ref>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pod: Option<Ref>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secret: Option<Ref>,
    pub(super) serviceaccount: Ref,
    /// The client should have had a new token by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) warnafter: Option<i64>,
}

/// The payload of a token to be signed, members in the order in which Go writes them.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Payload {
    pub(super) aud: Vec<String>,
    pub(super) exp: i64,
    pub(super) iat: i64,
    pub(super) iss: String,
    pub(super) jti: String,
    #[serde(rename = "kubernetes.io")]
    pub(super) kubernetes: Kubernetes,
    pub(super) nbf: i64,
    pub(super) sub: String,
}

/// One audience or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    Many(Vec<String>),
    One(String),
}

/// The payload of a token that came in. Times are seconds, perhaps with a fraction.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Received {
    pub(super) iss: String,
    pub(super) sub: String,
    pub(super) jti: String,
    aud: Option<Audience>,
    pub(super) exp: Option<f64>,
    pub(super) nbf: Option<f64>,
    pub(super) iat: Option<f64>,
    #[serde(rename = "kubernetes.io")]
    pub(super) kubernetes: Kubernetes,
    #[serde(rename = "kubernetes.io/serviceaccount/namespace")]
    pub(super) namespace: String,
    #[serde(rename = "kubernetes.io/serviceaccount/secret.name")]
    pub(super) secret: String,
    #[serde(rename = "kubernetes.io/serviceaccount/service-account.name")]
    pub(super) account: String,
    #[serde(rename = "kubernetes.io/serviceaccount/service-account.uid")]
    pub(super) account_uid: String,
}

impl Received {
    pub(super) fn audiences(&self) -> Vec<String> {
        match &self.aud {
            None => Vec::new(),
            Some(Audience::Many(list)) => list.clone(),
            Some(Audience::One(one)) => vec![one.clone()],
        }
    }
}
