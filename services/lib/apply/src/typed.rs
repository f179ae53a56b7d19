//! Values seen through their schema: which parts are maps whose members have
//! owners of their own, which are lists by key or sets, and which are one leaf.

mod compare;
mod fieldset;
mod merge;
mod remove;
mod validate;

use std::sync::Arc;

use catena_objects::{Value, map::Key};
use catena_schema::{ListType, MapType, Node, Type};

use crate::element::Element;

pub(crate) use compare::{Comparison, compare};
pub(crate) use fieldset::field_set;
pub(crate) use merge::merge;
pub(crate) use remove::remove;
pub(crate) use validate::validate;

/// The schema at a place. `Deduced` has no schema: maps are granular, lists atomic.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape<'a> {
    Node(&'a Arc<Node>),
    Deduced,
}

/// What a value at a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Atom {
    Map { atomic: bool },
    List { associative: bool },
    Scalar,
}

impl<'a> Shape<'a> {
    pub(crate) fn atom(self, value: Option<&Value>) -> Atom {
        let node = match self {
            // `RawExtension` and `JSON` of built-in kinds are one leaf.
            Self::Node(n)
                if n.ty == Type::Any && !(n.go_type.is_empty() && n.message.is_empty()) =>
            {
                return match value {
                    Some(Value::Array(_)) => Atom::List { associative: false },
                    None | Some(Value::Object(_) | Value::Null) => Atom::Map { atomic: true },
                    Some(_) => Atom::Scalar,
                };
            }
            Self::Node(n) if n.ty != Type::Any => n,
            _ => {
                return match value {
                    Some(Value::Array(_)) => Atom::List { associative: false },
                    None | Some(Value::Object(_) | Value::Null) => Atom::Map { atomic: false },
                    Some(_) => Atom::Scalar,
                };
            }
        };
        match node.ty {
            Type::Object => Atom::Map {
                atomic: node.map_type == MapType::Atomic,
            },
            Type::Array => Atom::List {
                associative: node.list_type != ListType::Atomic,
            },
            Type::FieldsV1 => Atom::Map { atomic: false },
            _ => Atom::Scalar,
        }
    }

    /// Schema of a member; `None` when the type has no such member.
    pub(crate) fn member(self, name: &str) -> Option<Shape<'a>> {
        let Self::Node(node) = self else {
            return Some(Shape::Deduced);
        };
        if let Some(member) = node.member(name) {
            return Some(Shape::Node(member));
        }
        let open = node.ty != Type::Object
            || node.preserve_unknown
            || node.embedded_resource
            || node.fields.is_empty();
        open.then_some(Shape::Deduced)
    }

    /// Whether the type declares this member by name.
    pub(crate) fn declares(self, name: &str) -> bool {
        matches!(self, Self::Node(n) if n.field(name).is_some())
    }

    pub(crate) fn items(self) -> Shape<'a> {
        match self {
            Self::Node(n) => n
                .items
                .as_ref()
                .map_or(Shape::Deduced, |i| Shape::Node(i.get())),
            Self::Deduced => Shape::Deduced,
        }
    }

    /// What identifies an item of a list by key or of a set.
    pub(crate) fn element_of(self, item: &Value) -> Result<Element, String> {
        let Self::Node(node) = self else {
            return Err("invalid indexing of non-associative list".to_owned());
        };
        if node.list_type == ListType::Set {
            return match item {
                Value::Object(_) => {
                    Err("associative list without keys has an element that's a map type".to_owned())
                }
                Value::Array(_) => {
                    Err("not supported: associative list with lists as elements".to_owned())
                }
                Value::Null => Err(
                    "associative list without keys has an element that's an explicit null"
                        .to_owned(),
                ),
                scalar => Ok(Element::Value(scalar.clone())),
            };
        }
        keyed(node, item)
    }
}

fn keyed(node: &Node, item: &Value) -> Result<Element, String> {
    let map = match item {
        Value::Object(m) => m,
        Value::Null => {
            return Err("associative list with keys may not have a null element".to_owned());
        }
        _ => return Err("associative list with keys may not have non-map elements".to_owned()),
    };
    let default = |name: &Key| -> Option<Value> {
        let items = node.items.as_ref()?.get();
        let field = items.field(name)?;
        let node = field.node.get();
        // OpenAPI gives what is never left out the zero value of its type.
        let zero = || match node.ty {
            Type::String => Some("".into()),
            Type::Int32 | Type::Int64 => Some(0.into()),
            _ => None,
        };
        let zero = field.always_printed.then(zero).flatten();
        node.default.clone().or(zero)
    };
    let mut key: Vec<(Key, Value)> = node
        .list_map_keys
        .iter()
        .filter_map(|name| {
            let value = map.get(name).cloned().or_else(|| default(name))?;
            Some((name.clone(), value))
        })
        .collect();
    if key.is_empty() {
        let names: Vec<String> = node
            .list_map_keys
            .iter()
            .map(|k| format!("{k:?}"))
            .collect();
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
            names.join(" ")
        ));
    }
    key.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(Element::Key(key))
}

/// Members of a map, none for null and absent.
fn members(v: Option<&Value>) -> Option<&catena_objects::Map> {
    v.and_then(Value::as_object)
}

/// Items of a list, none for null and absent.
fn items(v: Option<&Value>) -> Option<&[Value]> {
    v.and_then(Value::as_array)
}
