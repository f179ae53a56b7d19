//! Checks that the rules of several resources share.

pub mod at;
pub mod claim;
pub mod equality;
pub mod int_or_percent;
pub mod internal;
pub mod labels;
pub mod meta;
pub mod quantity;
pub mod resource_names;

use catena_objects::{Map, Value};

pub use at::At;

pub const NOT_NEGATIVE: &str = "must be greater than or equal to 0";
pub const IMMUTABLE: &str = "field is immutable";

/// A struct as Go prints it in errors, where its internal form has no JSON names:
/// `name` becomes `Name`, null when absent; `name=` is "" when absent;
/// `GoName:name` renames. Objects below are shown the same way.
pub fn go_struct(v: &Value, fields: &[&str]) -> Value {
    let mut out = Map::with_capacity(fields.len());
    for field in fields {
        let (shown, name) = field.split_once(':').unwrap_or((field, field));
        let (shown, zero) = match shown.strip_suffix('=') {
            Some(s) => (s, Value::from("")),
            None => (shown, Value::Null),
        };
        let name = name.trim_end_matches('=');
        let mut chars = shown.chars();
        let first = chars
            .next()
            .map(|c| c.to_ascii_uppercase())
            .unwrap_or_default();
        let key = format!("{first}{}", chars.as_str());
        out.insert(key, v.get(name).map_or(zero, go_value));
    }
    out.into()
}

/// An invalid field whose value errors leave out (`field.OmitValueType`).
pub fn invalid_without_value(
    path: &catena_objects::field::Path,
    why: &str,
) -> catena_objects::field::Error {
    catena_objects::field::Error::invalid_without_value(path, why)
}

/// A value below such a struct: member names start with a capital.
fn go_value(v: &Value) -> Value {
    match v {
        Value::Object(m) => m
            .iter()
            .map(|(k, v)| {
                let mut chars = k.chars();
                let first = chars
                    .next()
                    .map(|c| c.to_ascii_uppercase())
                    .unwrap_or_default();
                (format!("{first}{}", chars.as_str()).into(), go_value(v))
            })
            .collect::<Map>()
            .into(),
        Value::Array(a) => a.iter().map(go_value).collect::<Vec<_>>().into(),
        other => other.clone(),
    }
}
