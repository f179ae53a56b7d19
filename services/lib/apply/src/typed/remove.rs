//! Taking paths out of a value.

use catena_objects::{Map, Value};

use super::{Atom, Shape};
use crate::element::Element;
use crate::set::Set;

/// The value without the paths of the set; what becomes empty stays, empty.
pub(crate) fn remove(value: &Value, set: &Set, shape: Shape<'_>) -> Value {
    match (shape.atom(Some(value)), value) {
        (Atom::Map { atomic: false }, Value::Object(map)) => {
            let kept: Map = map
                .iter()
                .filter_map(|(name, member)| {
                    let element = Element::Field(name.clone());
                    if set.has(&element) {
                        return None;
                    }
                    let below = shape.member(name).unwrap_or(Shape::Deduced);
                    Some((name.clone(), descend(member, set, &element, below)))
                })
                .collect();
            kept.into()
        }
        (Atom::List { associative: true }, Value::Array(items)) => {
            let kept: Vec<Value> = items
                .iter()
                .filter_map(|item| match shape.element_of(item) {
                    Ok(e) if set.has(&e) => None,
                    Ok(e) => Some(descend(item, set, &e, shape.items())),
                    Err(_) => Some(item.clone()),
                })
                .collect();
            kept.into()
        }
        (Atom::Map { .. }, Value::Object(_)) => Value::object(),
        (Atom::List { .. }, Value::Array(_)) => Value::array(),
        (_, other) => other.clone(),
    }
}

fn descend(value: &Value, set: &Set, element: &Element, shape: Shape<'_>) -> Value {
    match set.below(element) {
        Some(below) => remove(value, below, shape),
        None => value.clone(),
    }
}
