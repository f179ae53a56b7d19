//! Whether a tree fits a Go type, as `runtime.DefaultUnstructuredConverter` finds
//! out: strategic merge patches are decoded by it and not from JSON.

use catena_objects::Value;

use crate::{Node, Type, decode::base64};

/// The first reason why `value` does not fit, in the converter's words; `None`
/// also for types with a JSON form of their own, which the decoder judges.
pub fn misfit(node: &Node, value: &Value) -> Option<String> {
    if value.is_null() {
        return None;
    }
    match node.ty {
        Type::Object if node.go.is_some() => fields(node, value),
        Type::Object => members(node, value),
        Type::Array => items(node, value),
        Type::String => match value {
            Value::String(_) => None,
            Value::Int(_) => Some(format!("cannot convert int64 to {}", go_string(node))),
            _ => Some("unrecognized type: string".to_owned()),
        },
        Type::Boolean => match value {
            Value::Bool(_) => None,
            _ => Some("unrecognized type: bool".to_owned()),
        },
        Type::Int32 => integer(value, "int32"),
        Type::Int64 | Type::Integer => integer(value, "int64"),
        Type::Number => match value {
            Value::Int(_) | Value::Float(_) => None,
            _ => Some("unrecognized type: float64".to_owned()),
        },
        Type::Time | Type::MicroTime => {
            let why = || {
                format!(
                    "json: cannot unmarshal {} into Go value of type string",
                    json_kind(value)
                )
            };
            value.as_str().is_none().then(why)
        }
        Type::Bytes => match value {
            Value::String(s) => base64(s).err().map(|at| {
                format!("error decoding from json: illegal base64 data at input byte {at}")
            }),
            _ => None,
        },
        _ => None,
    }
}

/// What JSON calls a value.
fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Float(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Strings may have a named type of their own.
fn go_string(node: &Node) -> &str {
    if node.go_type.is_empty() {
        "string"
    } else {
        &node.go_type
    }
}

fn integer(value: &Value, go: &str) -> Option<String> {
    match value {
        Value::Int(_) => None,
        Value::Float(f) if f.trunc() == *f => None,
        Value::Float(_) => Some(format!("cannot convert float64 to {go}")),
        _ => Some(format!("unrecognized type: {go}")),
    }
}

fn fields(node: &Node, value: &Value) -> Option<String> {
    let Value::Object(map) = value else {
        return Some(format!("cannot restore struct from: {}", go_kind(value)));
    };
    node.fields
        .iter()
        .filter_map(|f| Some((f.node.get(), map.get(&f.name)?)))
        .find_map(|(below, v)| misfit(below, v))
}

fn members(node: &Node, value: &Value) -> Option<String> {
    let Value::Object(map) = value else {
        return Some(format!("cannot restore map from {}", go_kind(value)));
    };
    let below = node.additional.as_ref()?.get();
    map.values().find_map(|v| misfit(below, v))
}

fn items(node: &Node, value: &Value) -> Option<String> {
    let Value::Array(list) = value else {
        return Some(format!("cannot restore slice from {}", go_kind(value)));
    };
    let below = node.items.as_ref()?.get();
    list.iter().find_map(|v| misfit(below, v))
}

/// `reflect.Kind` of a decoded value.
fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "invalid",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    }
}
