//! API failures as gRPC failures: `meta/v1 Status` in the details, so that the
//! error of a hop is the error of the API and no encoding of our own.

use bytes::Bytes;
use catena_objects::{
    Reason, Status, Value, json,
    status::{Cause, Details},
};
use tonic::Code;

/// The message beside the details is for people who read gRPC logs.
const MESSAGE_BYTES: usize = 256;

/// Details above this would break the limit on header lists.
const DETAILS_BYTES: usize = 512 << 10;

pub(crate) fn status_to(s: &Status) -> tonic::Status {
    let mut end = s.message.len().min(MESSAGE_BYTES);
    while !s.message.is_char_boundary(end) {
        end -= 1;
    }
    let mut details = s.to_json();
    if details.len() > DETAILS_BYTES {
        let mut short = s.clone();
        if let Some(d) = &mut short.details {
            d.causes.clear();
        }
        short.message.truncate(end);
        details = short.to_json();
    }
    tonic::Status::with_details(code(s.reason), &s.message[..end], Bytes::from(details))
}

fn code(reason: Reason) -> Code {
    match reason {
        Reason::Unauthorized => Code::Unauthenticated,
        Reason::Forbidden => Code::PermissionDenied,
        Reason::NotFound => Code::NotFound,
        Reason::AlreadyExists => Code::AlreadyExists,
        Reason::Conflict => Code::Aborted,
        Reason::Gone | Reason::Expired => Code::OutOfRange,
        Reason::Invalid
        | Reason::BadRequest
        | Reason::NotAcceptable
        | Reason::UnsupportedMediaType => Code::InvalidArgument,
        Reason::Timeout => Code::DeadlineExceeded,
        Reason::TooManyRequests | Reason::RequestEntityTooLarge => Code::ResourceExhausted,
        Reason::MethodNotAllowed => Code::Unimplemented,
        Reason::ServiceUnavailable => Code::Unavailable,
        Reason::ServerTimeout
        | Reason::StoreReadError
        | Reason::InternalError
        | Reason::Unknown => Code::Internal,
    }
}

/// The failure behind a gRPC failure. `peer` names the delegate in the texts of
/// failures that are not the API's own.
pub(crate) fn status_from(s: &tonic::Status, peer: &str) -> Status {
    if let Some(status) = parse(s.details()) {
        return status;
    }
    match s.code() {
        Code::DeadlineExceeded => crate::local::timed_out(),
        Code::Unavailable | Code::Cancelled | Code::Unknown => {
            tracing::debug!(peer, code = ?s.code(), message = s.message(), "delegate was lost");
            unreachable(peer)
        }
        Code::OutOfRange | Code::ResourceExhausted => Status::new(
            Reason::RequestEntityTooLarge,
            format!("message between servers is too large: {}", s.message()),
        ),
        Code::PermissionDenied | Code::Unauthenticated => {
            tracing::error!(peer, message = s.message(), "delegate refuses this process");
            Status::internal(format_args!("{peer} refuses this front: {}", s.message()))
        }
        code => {
            tracing::error!(
                peer,
                ?code,
                message = s.message(),
                "delegate failed in a way that it should not"
            );
            Status::internal(format_args!("{peer}: {}", s.message()))
        }
    }
}

/// Nobody answers: never a 404, which garbage collectors would believe.
pub(crate) fn unreachable(peer: &str) -> Status {
    Status::unavailable(format!("{peer} is not reachable")).retry_after(1)
}

fn parse(details: &[u8]) -> Option<Status> {
    if details.is_empty() {
        return None;
    }
    let v = json::parse(details).ok()?;
    if v.str_at(&["kind"]) != "Status" {
        return None;
    }
    let reason = reason(v.str_at(&["reason"]));
    let code = int_at(&v, "code")
        .and_then(|n| u16::try_from(n).ok())
        .unwrap_or(reason.http());
    Some(Status {
        code,
        reason,
        message: v.str_at(&["message"]).to_owned(),
        details: v.get("details").map(|d| Box::new(details_from(d))),
    })
}

fn int_at(v: &Value, key: &str) -> Option<i64> {
    v.get(key).and_then(Value::as_i64)
}

fn details_from(v: &Value) -> Details {
    let text = |key: &str| v.str_at(&[key]).to_owned();
    let causes = v.items_at(&["causes"]).iter().map(|c| Cause {
        reason: c.str_at(&["reason"]).to_owned(),
        message: c.str_at(&["message"]).to_owned(),
        field: c.str_at(&["field"]).to_owned(),
    });
    Details {
        name: text("name"),
        group: text("group"),
        kind: text("kind"),
        uid: text("uid"),
        causes: causes.collect(),
        retry_after_seconds: int_at(v, "retryAfterSeconds")
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(0),
        ..Details::default()
    }
}

fn reason(text: &str) -> Reason {
    const ALL: [Reason; 19] = [
        Reason::Unauthorized,
        Reason::Forbidden,
        Reason::NotFound,
        Reason::AlreadyExists,
        Reason::Conflict,
        Reason::Gone,
        Reason::Invalid,
        Reason::ServerTimeout,
        Reason::StoreReadError,
        Reason::Timeout,
        Reason::TooManyRequests,
        Reason::BadRequest,
        Reason::MethodNotAllowed,
        Reason::NotAcceptable,
        Reason::RequestEntityTooLarge,
        Reason::UnsupportedMediaType,
        Reason::InternalError,
        Reason::Expired,
        Reason::ServiceUnavailable,
    ];
    ALL.into_iter()
        .find(|r| r.as_str() == text)
        .unwrap_or(Reason::Unknown)
}
