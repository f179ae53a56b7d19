//! Answers of a delegate.

use bytes::Bytes;
use catena_objects::Status;
use futures_util::{StreamExt as _, stream};
use http::HeaderMap;

use crate::{ByteStream, EventStream, event};

/// "Not mine" is an outcome of its own, decided without reading the body.
pub enum Outcome {
    Served(Response),
    NotMine,
}

pub enum Body {
    Full(Bytes),
    Stream(ByteStream),
    /// Of a watch.
    Events(EventStream),
}

impl Body {
    /// The bytes of a body, in pieces.
    pub fn into_bytes(self) -> ByteStream {
        match self {
            Self::Full(bytes) => stream::iter([Ok(bytes)]).boxed(),
            Self::Stream(bytes) => bytes,
            Self::Events(events) => event::bytes_of(events),
        }
    }
}

pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    /// Texts for `Warning: 299 - "text"` headers.
    pub warnings: Vec<String>,
    /// What the audit log adds: annotations of admission and the decoded objects.
    pub audit: Vec<(String, String)>,
    pub body: Body,
}

impl Response {
    pub fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(
            http::header::CONTENT_TYPE,
            http::HeaderValue::from_static(content_type),
        );
        Self {
            status,
            headers,
            warnings: Vec::new(),
            audit: Vec::new(),
            body: Body::Full(body.into()),
        }
    }

    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status, "application/json", body)
    }

    /// A failure as `Status` in JSON, with Retry-After where it names one.
    pub fn status(s: &Status) -> Self {
        let mut r = Self::json(s.code, s.to_json());
        let seconds = s.retry_after_seconds();
        if seconds > 0 {
            r.headers
                .insert(http::header::RETRY_AFTER, http::HeaderValue::from(seconds));
        }
        r
    }
}

/// What a server claims and has (chain-end details: docs/architecture.md).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    /// Name of the server: "core", "extensions".
    pub name: String,
    /// Path prefixes claimed for good (`/api`, `/apis/apps`, `/apis/example.com/v1`).
    pub prefixes: Vec<String>,
    /// Paths for the index at `/`.
    pub paths: Vec<String>,
    /// Group versions with their discovery documents.
    pub groups: Vec<GroupVersion>,
    /// Health checks and whether each passes now: name, error text ("" = passes).
    pub checks: Vec<(String, String)>,
    pub ready: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupVersion {
    pub group: String,
    pub version: String,
    /// JSON of the `APIResourceList`.
    pub resources: Bytes,
    /// JSON of the `APIVersionDiscovery` (aggregated discovery v2).
    pub aggregated: Bytes,
    /// Changes whenever the OpenAPI of the group version does.
    pub openapi_etag: String,
    pub group_priority: i32,
    pub version_priority: i32,
}
