//! Between domain types and messages. Bytes are passed on, not copied.

mod description;
mod event;
mod status;
#[cfg(test)]
mod tests;

pub(crate) use description::{description_from, description_to};
pub(crate) use event::{events_from, events_to};
pub(crate) use status::{status_from, status_to};

use std::time::{Duration, Instant};

use bytes::Bytes;
use catena_objects::user::User;
use catena_proto::delegate::v1 as pb;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{Body, Request, RequestInfo, Response};

/// A peer may not send more headers than this.
const MAX_HEADERS: usize = 512;
/// Longest deadline that is believed: one day.
const MAX_DEADLINE: Duration = Duration::from_secs(24 * 3600);

/// A message that breaks the contract.
#[derive(Debug, thiserror::Error)]
#[error("malformed message: {0}")]
pub(crate) struct Malformed(&'static str);

impl From<Malformed> for tonic::Status {
    fn from(e: Malformed) -> Self {
        Self::invalid_argument(e.to_string())
    }
}

pub(crate) fn request_to(r: Request) -> pb::ServeRequest {
    pb::ServeRequest {
        remaining_micros: r.deadline.map_or(0, remaining_micros),
        method: r.method,
        path: r.path,
        query: r.query,
        headers: headers_to(&r.headers),
        info: Some(info_to(r.info)),
        user: Some(user_to(r.user)),
        audit_id: r.audit_id,
        audit_level: u32::from(r.audit_level),
        traceparent: r.traceparent,
        remote_addr: r.remote_addr,
        body: r.body,
    }
}

/// What is left, at least 1: 0 would mean that there is no deadline.
fn remaining_micros(deadline: Instant) -> u64 {
    let left = deadline.saturating_duration_since(Instant::now());
    u64::try_from(left.as_micros()).unwrap_or(u64::MAX).max(1)
}

pub(crate) fn request_from(r: pb::ServeRequest) -> Result<Request, Malformed> {
    let deadline = match r.remaining_micros {
        0 => None,
        n => Some(Instant::now() + Duration::from_micros(n).min(MAX_DEADLINE)),
    };
    Ok(Request {
        method: r.method,
        path: r.path,
        query: r.query,
        headers: headers_from(r.headers)?,
        info: info_from(r.info.unwrap_or_default()),
        user: user_from(r.user.ok_or(Malformed("a request without a user"))?),
        audit_id: r.audit_id,
        audit_level: u8::try_from(r.audit_level).map_err(|_| Malformed("an audit level"))?,
        deadline,
        traceparent: r.traceparent,
        remote_addr: r.remote_addr,
        body: r.body,
    })
}

fn headers_to(headers: &HeaderMap) -> Vec<pb::Header> {
    headers
        .iter()
        .map(|(name, value)| pb::Header {
            name: name.as_str().to_owned(),
            value: Bytes::copy_from_slice(value.as_bytes()),
        })
        .collect()
}

fn headers_from(headers: Vec<pb::Header>) -> Result<HeaderMap, Malformed> {
    if headers.len() > MAX_HEADERS {
        return Err(Malformed("too many headers"));
    }
    let mut out = HeaderMap::with_capacity(headers.len());
    for h in headers {
        let name =
            HeaderName::from_bytes(h.name.as_bytes()).map_err(|_| Malformed("a header name"))?;
        let value =
            HeaderValue::from_maybe_shared(h.value).map_err(|_| Malformed("a header value"))?;
        out.append(name, value);
    }
    Ok(out)
}

fn info_to(i: RequestInfo) -> pb::RequestInfo {
    pb::RequestInfo {
        is_resource: i.is_resource,
        verb: i.verb,
        api_prefix: i.api_prefix,
        api_group: i.api_group,
        api_version: i.api_version,
        namespace: i.namespace,
        resource: i.resource,
        subresource: i.subresource,
        name: i.name,
        parts: i.parts,
    }
}

fn info_from(i: pb::RequestInfo) -> RequestInfo {
    RequestInfo {
        is_resource: i.is_resource,
        verb: i.verb,
        api_prefix: i.api_prefix,
        api_group: i.api_group,
        api_version: i.api_version,
        namespace: i.namespace,
        resource: i.resource,
        subresource: i.subresource,
        name: i.name,
        parts: i.parts,
    }
}

fn user_to(u: User) -> pb::User {
    let extra = u
        .extra
        .into_iter()
        .map(|(key, values)| pb::Extra { key, values });
    pb::User {
        name: u.name,
        uid: u.uid,
        groups: u.groups,
        extra: extra.collect(),
    }
}

fn user_from(u: pb::User) -> User {
    let extra = u.extra.into_iter().map(|e| (e.key, e.values));
    User {
        name: u.name,
        uid: u.uid,
        groups: u.groups,
        extra: extra.collect(),
    }
}

/// Splits an answer into its head and its body.
pub(crate) fn head_to(r: Response) -> (pb::Head, Body) {
    let audit = r
        .audit
        .into_iter()
        .map(|(key, value)| pb::Annotation { key, value });
    let head = pb::Head {
        status: u32::from(r.status),
        headers: headers_to(&r.headers),
        warnings: r.warnings,
        audit: audit.collect(),
    };
    (head, r.body)
}

pub(crate) fn head_from(head: Option<pb::Head>, body: Body) -> Result<Response, Malformed> {
    let head = head.ok_or(Malformed("an answer without a head"))?;
    let status = u16::try_from(head.status)
        .ok()
        .filter(|s| (100..1000).contains(s));
    Ok(Response {
        status: status.ok_or(Malformed("a status code"))?,
        headers: headers_from(head.headers)?,
        warnings: head.warnings,
        audit: head.audit.into_iter().map(|a| (a.key, a.value)).collect(),
        body,
    })
}
