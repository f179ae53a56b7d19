//! One request on its way through the filters.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use catena_delegate::RequestInfo;
use catena_objects::user::User;
use catena_telemetry::trace::Span;
use http::{HeaderMap, Method};
use rustls_pki_types::CertificateDer;

use crate::request_info;

/// The other end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) addr: SocketAddr,
    /// What the client showed; authentication judges it.
    pub(crate) certificates: Option<Arc<[CertificateDer<'static>]>>,
    /// Came in by the insecure port: no authentication, no authorization.
    pub(crate) insecure: bool,
}

/// What is known of a request.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Decoded.
    pub(crate) path: String,
    /// As the client sent it.
    pub(crate) raw_path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) info: RequestInfo,
    pub(crate) long_running: bool,
    pub(crate) user: User,
    pub(crate) audit_id: String,
    pub(crate) received: Instant,
    pub(crate) deadline: Option<Instant>,
    /// For those that are asked in turn; "" for none.
    pub(crate) traceparent: String,
    /// Of the whole request; there is none until the user is known.
    pub(crate) span: Span,
    pub(crate) peer: Arc<Peer>,
}

impl Call {
    pub(crate) fn new(head: &http::request::Parts, peer: Arc<Peer>) -> Self {
        let raw_path = head.uri.path().to_owned();
        let path = request_info::decode(&raw_path);
        let query = head.uri.query().unwrap_or_default().to_owned();
        let info = request_info::parse(head.method.as_str(), &path, &query);
        let header = |name: &str| {
            head.headers
                .get(name)
                .and_then(|v| v.to_str().ok())
                .map(str::to_owned)
        };
        let mut headers = head.headers.clone();
        // HTTP/2 has it elsewhere.
        if let Some(host) = head.uri.authority().map(|a| a.as_str().parse()) {
            let host = host.unwrap_or(http::HeaderValue::from_static(""));
            headers.entry(http::header::HOST).or_insert(host);
        }
        Self {
            method: head.method.clone(),
            long_running: request_info::is_long_running(&info, &path),
            audit_id: header("audit-id")
                .filter(|id| !id.is_empty() && id.len() <= 64)
                .unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
            traceparent: header("traceparent").unwrap_or_default(),
            raw_path,
            path,
            query,
            info,
            headers,
            user: User::default(),
            received: Instant::now(),
            deadline: None,
            span: Span::NONE,
            peer,
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    }

    pub(crate) fn wants_upgrade(&self) -> bool {
        self.headers.contains_key(http::header::UPGRADE)
            && self
                .header("connection")
                .split(',')
                .any(|token| token.trim().eq_ignore_ascii_case("upgrade"))
    }
}
