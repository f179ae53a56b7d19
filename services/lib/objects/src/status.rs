//! `meta/v1 Status`: the one error of the API, with the HTTP and gRPC code of each.

use crate::{Map, Value, field};

/// Machine-readable reason of a failure (`metav1.StatusReason`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    Unknown,
    Unauthorized,
    Forbidden,
    NotFound,
    AlreadyExists,
    Conflict,
    Gone,
    Invalid,
    ServerTimeout,
    StoreReadError,
    Timeout,
    TooManyRequests,
    BadRequest,
    MethodNotAllowed,
    NotAcceptable,
    RequestEntityTooLarge,
    UnsupportedMediaType,
    InternalError,
    Expired,
    ServiceUnavailable,
}

impl Reason {
    /// The text on the wire.
    pub fn as_str(self) -> &'static str {
        use Reason::*;
        match self {
            Unknown => "",
            Unauthorized => "Unauthorized",
            Forbidden => "Forbidden",
            NotFound => "NotFound",
            AlreadyExists => "AlreadyExists",
            Conflict => "Conflict",
            Gone => "Gone",
            Invalid => "Invalid",
            ServerTimeout => "ServerTimeout",
            StoreReadError => "StorageReadError",
            Timeout => "Timeout",
            TooManyRequests => "TooManyRequests",
            BadRequest => "BadRequest",
            MethodNotAllowed => "MethodNotAllowed",
            NotAcceptable => "NotAcceptable",
            RequestEntityTooLarge => "RequestEntityTooLarge",
            UnsupportedMediaType => "UnsupportedMediaType",
            InternalError => "InternalError",
            Expired => "Expired",
            ServiceUnavailable => "ServiceUnavailable",
        }
    }

    /// The HTTP status code that goes with the reason.
    pub fn http(self) -> u16 {
        use Reason::*;
        match self {
            Unauthorized => 401,
            Forbidden => 403,
            NotFound => 404,
            MethodNotAllowed => 405,
            NotAcceptable => 406,
            AlreadyExists | Conflict => 409,
            Gone | Expired => 410,
            RequestEntityTooLarge => 413,
            UnsupportedMediaType => 415,
            Invalid => 422,
            TooManyRequests => 429,
            BadRequest => 400,
            ServiceUnavailable => 503,
            Timeout => 504,
            Unknown | ServerTimeout | StoreReadError | InternalError => 500,
        }
    }
}

/// One cause in `details.causes`.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    pub reason: String,
    pub message: String,
    pub field: String,
}

/// What the failure is about (`metav1.StatusDetails`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    pub name: String,
    pub group: String,
    /// Resource for most reasons, kind for `Invalid`: as Kubernetes does.
    pub kind: String,
    pub uid: String,
    pub causes: Vec<Cause>,
    pub retry_after_seconds: u32,
    /// `metadata.continue`: how a list that broke off may go on.
    pub continue_token: String,
}

/// A failure as a client sees it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Status {
    pub code: u16,
    pub reason: Reason,
    pub message: String,
    pub details: Option<Box<Details>>,
}

fn qualified(resource: &str, group: &str) -> String {
    if group.is_empty() {
        resource.to_owned()
    } else {
        format!("{resource}.{group}")
    }
}

impl Status {
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            code: reason.http(),
            reason,
            message: message.into(),
            details: None,
        }
    }

    fn about(mut self, group: &str, kind: &str, name: &str) -> Self {
        self.details = Some(Box::new(Details {
            name: name.into(),
            group: group.into(),
            kind: kind.into(),
            ..Details::default()
        }));
        self
    }

    pub fn not_found(group: &str, resource: &str, name: &str) -> Self {
        let message = format!("{} {name:?} not found", qualified(resource, group));
        Self::new(Reason::NotFound, message).about(group, resource, name)
    }

    /// The answer for a path that no server knows (`NewGenericServerResponse` for 404).
    pub fn no_such_path() -> Self {
        let mut s = Self::new(
            Reason::NotFound,
            "the server could not find the requested resource",
        );
        s.details = Some(Box::default());
        s
    }

    pub fn already_exists(group: &str, resource: &str, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", qualified(resource, group));
        Self::new(Reason::AlreadyExists, message).about(group, resource, name)
    }

    pub fn conflict(group: &str, resource: &str, name: &str, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} {name:?}: {why}",
            qualified(resource, group)
        );
        Self::new(Reason::Conflict, message).about(group, resource, name)
    }

    pub fn forbidden(group: &str, resource: &str, name: &str, why: &str) -> Self {
        let message = if resource.is_empty() && name.is_empty() {
            format!("forbidden: {why}")
        } else if name.is_empty() {
            format!("{} is forbidden: {why}", qualified(resource, group))
        } else {
            format!(
                "{} {name:?} is forbidden: {why}",
                qualified(resource, group)
            )
        };
        Self::new(Reason::Forbidden, message).about(group, resource, name)
    }

    pub fn invalid(group: &str, kind: &str, name: &str, errors: &field::Errors) -> Self {
        let message = format!(
            "{} {name:?} is invalid: {}",
            qualified(kind, group),
            errors.aggregate()
        );
        let mut s = Self::new(Reason::Invalid, message).about(group, kind, name);
        if let Some(d) = &mut s.details {
            d.causes = errors.causes();
        }
        s
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Reason::BadRequest, message)
    }

    pub fn unauthorized() -> Self {
        Self::new(Reason::Unauthorized, "Unauthorized")
    }

    pub fn method_not_supported(group: &str, resource: &str, action: &str) -> Self {
        let message = format!(
            "{action} is not supported on resources of kind {:?}",
            qualified(resource, group)
        );
        Self::new(Reason::MethodNotAllowed, message).about(group, resource, "")
    }

    /// 405 for a method that no handler of the path has.
    pub fn method_not_allowed() -> Self {
        let mut s = Self::new(
            Reason::MethodNotAllowed,
            "the server does not allow this method on the requested resource",
        );
        s.details = Some(Box::default());
        s
    }

    pub fn internal(why: impl std::fmt::Display) -> Self {
        let message = format!("Internal error occurred: {why}");
        let mut s = Self::new(Reason::InternalError, message);
        s.details = Some(Box::new(Details {
            causes: vec![Cause {
                reason: String::new(),
                message: why.to_string(),
                field: String::new(),
            }],
            ..Details::default()
        }));
        s
    }

    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(Reason::Expired, message)
    }

    /// With a token to go on with in `metadata.continue`.
    #[must_use]
    pub fn with_continue(mut self, token: String) -> Self {
        self.details.get_or_insert_default().continue_token = token;
        self
    }

    pub fn timeout(message: impl Into<String>, retry_after: u32) -> Self {
        Self::new(Reason::Timeout, format!("Timeout: {}", message.into())).retry_after(retry_after)
    }

    pub fn too_many_requests(message: impl Into<String>, retry_after: u32) -> Self {
        Self::new(Reason::TooManyRequests, message).retry_after(retry_after)
    }

    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Reason::ServiceUnavailable, message)
    }

    /// Sets `details.retryAfterSeconds`, sent as Retry-After too.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.details.get_or_insert_default().retry_after_seconds = seconds;
        self
    }

    /// Seconds for the Retry-After header, 0 for none.
    pub fn retry_after_seconds(&self) -> u32 {
        self.details.as_ref().map_or(0, |d| d.retry_after_seconds)
    }

    /// The object on the wire, members in Go's order.
    pub fn to_value(&self) -> Value {
        let mut m = Map::new();
        m.insert("kind", "Status");
        m.insert("apiVersion", "v1");
        let mut metadata = Map::new();
        if let Some(d) = self
            .details
            .as_ref()
            .filter(|d| !d.continue_token.is_empty())
        {
            metadata.insert("continue", d.continue_token.as_str());
        }
        m.insert("metadata", metadata);
        m.insert("status", "Failure");
        if !self.message.is_empty() {
            m.insert("message", self.message.as_str());
        }
        if self.reason != Reason::Unknown {
            m.insert("reason", self.reason.as_str());
        }
        if let Some(d) = &self.details {
            let details = details_value(d);
            let bare = details.as_object().is_some_and(Map::is_empty);
            if !bare || d.continue_token.is_empty() {
                m.insert("details", details);
            }
        }
        m.insert("code", i64::from(self.code));
        m.into()
    }

    /// The object as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        crate::json::to_vec(&self.to_value())
    }
}

fn details_value(d: &Details) -> Value {
    let mut m = Map::new();
    for (key, text) in [
        ("name", &d.name),
        ("group", &d.group),
        ("kind", &d.kind),
        ("uid", &d.uid),
    ] {
        if !text.is_empty() {
            m.insert(key, text.as_str());
        }
    }
    if !d.causes.is_empty() {
        let causes: Vec<Value> = d.causes.iter().map(cause_value).collect();
        m.insert("causes", causes);
    }
    if d.retry_after_seconds > 0 {
        m.insert("retryAfterSeconds", i64::from(d.retry_after_seconds));
    }
    m.into()
}

fn cause_value(c: &Cause) -> Value {
    let mut m = Map::new();
    for (key, text) in [
        ("reason", &c.reason),
        ("message", &c.message),
        ("field", &c.field),
    ] {
        if !text.is_empty() {
            m.insert(key, text.as_str());
        }
    }
    m.into()
}
