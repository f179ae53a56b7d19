//! A delegated request.

use std::time::Instant;

use bytes::Bytes;
use catena_objects::user::User;
use http::HeaderMap;

/// What the path means (`request.RequestInfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestInfo {
    pub is_resource: bool,
    /// get, list, watch, create, update, patch, delete, deletecollection; or the lower-case method.
    pub verb: String,
    /// "api" or "apis".
    pub api_prefix: String,
    pub api_group: String,
    pub api_version: String,
    pub namespace: String,
    pub resource: String,
    pub subresource: String,
    pub name: String,
    /// Path parts after the API version and namespace.
    pub parts: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Without the question mark.
    pub query: String,
    /// Without hop-by-hop, Authorization and Impersonate-* headers.
    pub headers: HeaderMap,
    pub info: RequestInfo,
    pub user: User,
    pub audit_id: String,
    /// Audit level of the policy: 0 none, 1 metadata, 2 request, 3 request and response.
    pub audit_level: u8,
    /// Set for short requests only.
    pub deadline: Option<Instant>,
    /// W3C `traceparent`, empty for none.
    pub traceparent: String,
    /// `host:port` of the client.
    pub remote_addr: String,
    pub body: Bytes,
}

impl Request {
    /// A request header as text, "" when absent or not text.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    }
}
