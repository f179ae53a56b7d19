//! Who makes a request.

mod bootstrap;
mod chain;
mod front_proxy;
mod static_tokens;
mod x509;

pub(crate) use chain::Chain;

use http::HeaderMap;
use rustls_pki_types::CertificateDer;

/// What a request brings to prove who it is from.
pub struct Credentials<'a> {
    /// Certificates that the client showed, its own first; nobody verified them yet.
    pub certificates: Option<&'a [CertificateDer<'static>]>,
    pub headers: &'a HeaderMap,
    /// `host:port` of the client.
    pub remote_addr: &'a str,
}

/// Words for the log; the client hears `Unauthorized` only.
pub(crate) type Refused = String;
