//! Whether an applied configuration fits the schema; complaints are those of
//! structured-merge-diff.

use std::collections::BTreeSet;

use catena_objects::{Value, go};
use catena_schema::Type;

use super::{Atom, Shape};
use crate::element::Element;

/// # Errors
/// All complaints as one text.
pub(crate) fn validate(value: &Value, shape: Shape<'_>) -> Result<(), String> {
    let mut out = Vec::new();
    walk(value, shape, &mut Vec::new(), &mut out);
    match out.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        many => Err(format!("errors:\n  {}", many.join("\n  "))),
    }
}

fn complain(path: &[Element], why: &str, out: &mut Vec<String>) {
    let path: String = path.iter().map(ToString::to_string).collect();
    out.push(if path.is_empty() {
        why.to_owned()
    } else {
        format!("{path}: {why}")
    });
}

/// `%v` of a pointer to what holds the value.
fn shown(v: &Value) -> String {
    format!("&{{{}}}", go::print(v))
}

fn walk(value: &Value, shape: Shape<'_>, path: &mut Vec<Element>, out: &mut Vec<String>) {
    if value.is_null() {
        return;
    }
    // `x-kubernetes-int-or-string` names no type, and what has none is deduced.
    if let Shape::Node(node) = shape
        && node.ty == Type::IntOrString
        && node.go_type.is_empty()
        && node.message.is_empty()
    {
        return walk(value, Shape::Deduced, path, out);
    }
    match shape.atom(Some(value)) {
        Atom::Scalar => {
            if let Some(why) = scalar(value, shape) {
                complain(path, &why, out);
            }
        }
        Atom::Map { .. } => {
            let Some(map) = value.as_object() else {
                return complain(path, &format!("expected map, got {}", shown(value)), out);
            };
            for (name, member) in map {
                path.push(Element::Field(name.clone()));
                match shape.member(name) {
                    Some(below) => walk(member, below, path, out),
                    None => complain(path, "field not declared in schema", out),
                }
                path.pop();
                // What is not declared ends the look at its neighbours.
                if shape.member(name).is_none() {
                    break;
                }
            }
        }
        Atom::List { associative } => {
            let Some(items) = value.as_array() else {
                return complain(path, &format!("expected list, got {}", shown(value)), out);
            };
            let mut seen = BTreeSet::new();
            for (i, item) in items.iter().enumerate() {
                let element = if associative {
                    match shape.element_of(item) {
                        Ok(e) => e,
                        Err(why) => return complain(path, &format!("element {i}: {why}"), out),
                    }
                } else {
                    Element::Index(i64::try_from(i).unwrap_or(i64::MAX))
                };
                if !seen.insert(element.clone()) {
                    complain(path, &format!("duplicate entries for key {element}"), out);
                }
                path.push(element);
                walk(item, shape.items(), path, out);
                path.pop();
            }
        }
    }
}

fn scalar(value: &Value, shape: Shape<'_>) -> Option<String> {
    let Shape::Node(node) = shape else {
        return None;
    };
    let is_text = value.as_str().is_some();
    match node.ty {
        Type::Any => None,
        Type::Int32 | Type::Int64 | Type::Integer | Type::Number => {
            let go_type = match value {
                Value::Int(_) | Value::Float(_) => return None,
                Value::Bool(_) => "bool",
                Value::Array(_) => "[]interface {}",
                Value::Object(_) => "map[string]interface {}",
                _ => "string",
            };
            Some(format!("expected numeric (int or float), got {go_type}"))
        }
        Type::Boolean => value
            .as_bool()
            .is_none()
            .then(|| format!("expected boolean, got {}", shown(value))),
        // Times have a format, which makes them scalars of any type.
        Type::IntOrString | Type::Quantity | Type::Time | Type::MicroTime => {
            let nested = matches!(value, Value::Array(_) | Value::Object(_));
            nested.then(|| format!("expected any scalar, got {}", shown(value)))
        }
        _ => (!is_text).then(|| {
            let inner = go::syntax(value);
            format!("expected string, got &value.valueUnstructured{{Value:{inner}}}")
        }),
    }
}
