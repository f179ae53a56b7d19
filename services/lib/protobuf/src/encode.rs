//! Trees to messages.

use base64::{Engine, engine::general_purpose::STANDARD};
use catena_facts::{Field, Message, Scalar, Ty, types};
use catena_objects::{Map, Value};

use crate::{Error, MAX_DEPTH, special::Special, wire};

pub(crate) fn wrong(field: &'static str, expected: &str, got: &Value) -> Error {
    Error::Value {
        field,
        why: format!("expected {expected}, got {}", got.type_name()),
    }
}

fn message_type(name: &str) -> Result<&'static Message, Error> {
    types()
        .get(name)
        .ok_or(Error::Malformed("message without a type"))
}

/// The body of a message; null stands for the zero value.
pub(crate) fn message(
    out: &mut Vec<u8>,
    m: &'static Message,
    value: &Value,
    depth: usize,
) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(Error::TooDeep);
    }
    if let Some(special) = Special::of(m) {
        return special.encode(out, m, value, depth);
    }
    match value {
        Value::Object(map) => fields(out, m, Some(map), depth),
        Value::Null => fields(out, m, None, depth),
        other => Err(wrong(m.name, "object", other)),
    }
}

fn fields(
    out: &mut Vec<u8>,
    m: &'static Message,
    map: Option<&Map>,
    depth: usize,
) -> Result<(), Error> {
    for &at in &m.wire_order {
        let f = &m.fields[usize::from(at)];
        if f.inline {
            let Ty::Message(name) = f.ty else { continue };
            let inner = message_type(name)?;
            wire::nested(out, f.tag, |out| fields(out, inner, map, depth + 1))?;
            continue;
        }
        let value = f.json.and_then(|j| map?.get(j)).unwrap_or(&Value::Null);
        field(out, f, value, depth)?;
    }
    Ok(())
}

fn field(out: &mut Vec<u8>, f: &'static Field, value: &Value, depth: usize) -> Result<(), Error> {
    if f.repeated {
        let items = match value {
            Value::Array(items) => items.as_slice(),
            Value::Null => &[],
            other => return Err(wrong(f.name, "array", other)),
        };
        return items.iter().try_for_each(|v| single(out, f, v, depth));
    }
    match f.ty {
        Ty::ScalarMap(_) | Ty::MessageMap(_) => map_entries(out, f, value, depth),
        _ if value.is_null() && (f.pointer || f.ty == Ty::Scalar(Scalar::Bytes)) => Ok(()),
        _ => single(out, f, value, depth),
    }
}

fn single(out: &mut Vec<u8>, f: &'static Field, value: &Value, depth: usize) -> Result<(), Error> {
    match f.ty {
        Ty::Scalar(s) => scalar(out, f.name, f.tag, s, value),
        Ty::Message(name) => {
            let m = message_type(name)?;
            wire::nested(out, f.tag, |out| message(out, m, value, depth + 1))
        }
        Ty::ScalarMap(_) | Ty::MessageMap(_) => Ok(()),
    }
}

fn map_entries(
    out: &mut Vec<u8>,
    f: &'static Field,
    value: &Value,
    depth: usize,
) -> Result<(), Error> {
    let map = match value {
        Value::Object(map) => map,
        Value::Null => return Ok(()),
        other => return Err(wrong(f.name, "object", other)),
    };
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_unstable_by(|a, b| a.0.cmp(b.0));
    for (key, v) in entries {
        wire::nested(out, f.tag, |out| {
            wire::bytes(out, 1, key.as_bytes());
            match f.ty {
                Ty::ScalarMap(s) => scalar(out, f.name, 2, s, v),
                Ty::MessageMap(name) => {
                    let m = message_type(name)?;
                    wire::nested(out, 2, |out| message(out, m, v, depth + 1))
                }
                _ => Ok(()),
            }
        })?;
    }
    Ok(())
}

pub(crate) fn scalar(
    out: &mut Vec<u8>,
    name: &'static str,
    tag: u32,
    scalar: Scalar,
    value: &Value,
) -> Result<(), Error> {
    match (scalar, value) {
        (Scalar::String, Value::String(s)) => wire::bytes(out, tag, s.as_bytes()),
        (Scalar::String | Scalar::Bytes, Value::Null) => wire::bytes(out, tag, b""),
        (Scalar::Bytes, Value::String(s)) => {
            let data = STANDARD.decode(s.as_str()).map_err(|e| Error::Value {
                field: name,
                why: e.to_string(),
            })?;
            wire::bytes(out, tag, &data);
        }
        (Scalar::Bool, Value::Bool(b)) => wire::int(out, tag, i64::from(*b)),
        (Scalar::Int32 | Scalar::Int64, Value::Int(i)) => wire::int(out, tag, *i),
        (Scalar::Bool | Scalar::Int32 | Scalar::Int64, Value::Null) => wire::int(out, tag, 0),
        (Scalar::Double, Value::Null) => wire::double(out, tag, 0.0),
        (Scalar::Double, Value::Int(_) | Value::Float(_)) => {
            wire::double(out, tag, value.as_f64().unwrap_or_default());
        }
        (Scalar::String | Scalar::Bytes, other) => return Err(wrong(name, "string", other)),
        (Scalar::Bool, other) => return Err(wrong(name, "boolean", other)),
        (_, other) => return Err(wrong(name, "number", other)),
    }
    Ok(())
}
