//! Who makes a request.

mod bootstrap;
mod chain;
mod front_proxy;
mod headers;
mod static_tokens;
mod x509;

pub(crate) use chain::Chain;

use std::fmt;

use catena_objects::user::User;
use http::HeaderMap;
use rustls_pki_types::CertificateDer;

/// Extra of a user that tells which credential was used.
pub(crate) const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

/// What a request brings to prove who it is from.
pub struct Credentials<'a> {
    /// Certificates that the client showed, its own first; nobody verified them yet.
    pub certificates: Option<&'a [CertificateDer<'static>]>,
    pub headers: &'a HeaderMap,
    /// `host:port` of the client.
    pub remote_addr: &'a str,
}

/// A user, and the audiences that the proof was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) user: User,
    pub(crate) audiences: Vec<String>,
}

/// Why a proof was not accepted. Words are for the log and for TokenReview; a
/// client hears `Unauthorized` only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Wrong(String),
    /// It could not be judged now.
    Unavailable(String),
}

impl Refused {
    /// Several reasons as Go joins them; one of them not judged makes the whole so.
    fn join(mut all: Vec<Self>) -> Self {
        if all.len() == 1
            && let Some(one) = all.pop()
        {
            return one;
        }
        let texts: Vec<String> = all.iter().map(ToString::to_string).collect();
        let text = format!("[{}]", texts.join(", "));
        if all.iter().any(|r| matches!(r, Self::Unavailable(_))) {
            Self::Unavailable(text)
        } else {
            Self::Wrong(text)
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong(why) | Self::Unavailable(why) => f.write_str(why),
        }
    }
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self::Wrong(why)
    }
}

impl From<&str> for Refused {
    fn from(why: &str) -> Self {
        Self::Wrong(why.to_owned())
    }
}

impl From<catena_storage::Error> for Refused {
    fn from(e: catena_storage::Error) -> Self {
        Self::Unavailable(e.to_string())
    }
}
