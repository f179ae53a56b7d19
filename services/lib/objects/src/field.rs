//! Field paths and field errors, worded as `k8s.io/apimachinery/pkg/util/validation/field`.

use std::fmt::{self, Write};

use crate::{Value, json, status::Cause};

/// Path of a field: `spec.containers[0].name`, `metadata.labels[a.b/c]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    pub fn new(root: &str) -> Self {
        Self(root.to_owned())
    }

    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        if self.0.is_empty() {
            return Self::new(name);
        }
        self.with([".", name])
    }

    /// Longer by some pieces. Paths are made for every field that is judged, so
    /// this does without the machinery of `format!`.
    fn with<const N: usize>(&self, pieces: [&str; N]) -> Self {
        let more: usize = pieces.iter().map(|p| p.len()).sum();
        let mut out = String::with_capacity(self.0.len() + more);
        out.push_str(&self.0);
        for piece in pieces {
            out.push_str(piece);
        }
        Self(out)
    }

    /// The path several members further down.
    #[must_use]
    pub fn children(&self, names: &[&str]) -> Self {
        names.iter().fold(self.clone(), |p, n| p.child(n))
    }

    #[must_use]
    pub fn index(&self, i: usize) -> Self {
        self.with(["[", &i.to_string(), "]"])
    }

    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.with(["[", key, "]"])
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is wrong with a field (`field.ErrorType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    NotFound,
    Required,
    Duplicate,
    Invalid,
    /// Invalid, and the message leaves the value out (`OmitValueType`).
    InvalidWithoutValue,
    NotSupported,
    Forbidden,
    TooLong,
    TooMany,
    InternalError,
    TypeInvalid,
}

impl Kind {
    /// Reason in a cause.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "FieldValueNotFound",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid | Self::InvalidWithoutValue => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::InternalError => "InternalError",
            Self::TypeInvalid => "FieldValueTypeInvalid",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid | Self::InvalidWithoutValue | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
            Self::InternalError => "Internal error",
        }
    }
}

/// One wrong field.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    pub kind: Kind,
    pub field: String,
    pub value: Value,
    pub detail: String,
}

impl Error {
    fn new(kind: Kind, path: &Path, value: Value, detail: impl Into<String>) -> Self {
        Self {
            kind,
            field: path.0.clone(),
            value,
            detail: detail.into(),
        }
    }

    pub fn required(path: &Path, detail: impl Into<String>) -> Self {
        Self::new(Kind::Required, path, Value::Null, detail)
    }

    pub fn invalid(path: &Path, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, path, value.into(), detail)
    }

    /// Invalid without showing the value.
    pub fn invalid_without_value(path: &Path, detail: impl Into<String>) -> Self {
        Self::new(Kind::InvalidWithoutValue, path, Value::Null, detail)
    }

    pub fn type_invalid(path: &Path, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        Self::new(Kind::TypeInvalid, path, value.into(), detail)
    }

    pub fn forbidden(path: &Path, detail: impl Into<String>) -> Self {
        Self::new(Kind::Forbidden, path, Value::Null, detail)
    }

    pub fn duplicate(path: &Path, value: impl Into<Value>) -> Self {
        Self::new(Kind::Duplicate, path, value.into(), "")
    }

    pub fn not_found(path: &Path, value: impl Into<Value>) -> Self {
        Self::new(Kind::NotFound, path, value.into(), "")
    }

    /// `supported` is printed in the order given: Go sorts it at the call.
    pub fn not_supported(path: &Path, value: impl Into<Value>, supported: &[&str]) -> Self {
        let list: Vec<String> = supported.iter().map(|s| format!("{s:?}")).collect();
        let detail = if list.is_empty() {
            String::new()
        } else {
            format!("supported values: {}", list.join(", "))
        };
        Self::new(Kind::NotSupported, path, value.into(), detail)
    }

    pub fn too_long(path: &Path, max_bytes: usize) -> Self {
        let detail = format!("may not be more than {max_bytes} bytes");
        Self::new(Kind::TooLong, path, Value::Null, detail)
    }

    pub fn too_many(path: &Path, actual: usize, max: usize) -> Self {
        let noun = if max == 1 { "item" } else { "items" };
        let detail = format!("must have at most {max} {noun}");
        Self::new(Kind::TooMany, path, Value::from(actual as i64), detail)
    }

    pub fn internal(path: &Path, detail: impl Into<String>) -> Self {
        Self::new(Kind::InternalError, path, Value::Null, detail)
    }

    /// The message without the field name.
    pub fn body(&self) -> String {
        let mut out = self.kind.text().to_owned();
        match self.kind {
            Kind::Required
            | Kind::Forbidden
            | Kind::TooLong
            | Kind::InternalError
            | Kind::InvalidWithoutValue => {}
            _ => {
                out.push_str(": ");
                bad_value(&mut out, &self.value);
            }
        }
        if !self.detail.is_empty() {
            let _ = write!(out, ": {}", self.detail);
        }
        out
    }
}

/// Strings as Go's `%q`, other values as JSON.
fn bad_value(out: &mut String, value: &Value) {
    match value {
        Value::String(s) => out.push_str(&json::go_quote(s)),
        other => out.push_str(&String::from_utf8_lossy(&json::to_vec(other))),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.body())
    }
}

/// All that is wrong with an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Errors(pub Vec<Error>);

impl Errors {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn push(&mut self, e: Error) {
        self.0.push(e);
    }

    pub fn extend(&mut self, other: Errors) {
        self.0.extend(other.0);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One error as it is, several in brackets; repeated messages once.
    pub fn aggregate(&self) -> String {
        let mut seen: Vec<String> = Vec::with_capacity(self.0.len());
        for e in &self.0 {
            let text = e.to_string();
            if !seen.contains(&text) {
                seen.push(text);
            }
        }
        match seen.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        }
    }

    /// `details.causes`, every error.
    pub fn causes(&self) -> Vec<Cause> {
        self.0
            .iter()
            .map(|e| Cause {
                reason: e.kind.reason().to_owned(),
                message: e.body(),
                field: e.field.clone(),
            })
            .collect()
    }
}
