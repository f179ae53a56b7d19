//! What a token says.

use serde::{Deserialize, Serialize};

/// What a token is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    pub namespace: String,
    pub account: String,
    pub account_uid: String,
    pub audiences: Vec<String>,
    pub seconds: i64,
    /// Kind, name and uid of the object that the token dies with.
    pub bound: Option<(String, String, String)>,
}

/// An object by name and uid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ref {
    pub(super) name: String,
    #[serde(default)]
    pub(super) uid: String,
}

/// `kubernetes.io`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Private {
    pub(super) namespace: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) node: Option<Ref>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pod: Option<Ref>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) secret: Option<Ref>,
    pub(super) serviceaccount: Ref,
}

/// One audience or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    Many(Vec<String>),
    One(String),
}

impl Audience {
    pub(super) fn into_list(self) -> Vec<String> {
        match self {
            Self::Many(list) => list,
            Self::One(one) => vec![one],
        }
    }
}

/// The payload, members in Go's order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Payload {
    pub(super) aud: Audience,
    pub(super) exp: i64,
    pub(super) iat: i64,
    pub(super) iss: String,
    #[serde(default)]
    pub(super) jti: String,
    #[serde(rename = "kubernetes.io")]
    pub(super) kubernetes: Private,
    pub(super) nbf: i64,
    pub(super) sub: String,
}
