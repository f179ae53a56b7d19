//! All paths of a value that can have an owner.

use std::collections::BTreeMap;

use catena_objects::Value;

use super::{Atom, Shape, items, members};
use crate::element::Element;
use crate::set::Set;

pub(crate) fn field_set(value: &Value, shape: Shape<'_>) -> Set {
    let mut set = Set::new();
    walk(value, shape, &mut Vec::new(), &mut set);
    set
}

fn walk(value: &Value, shape: Shape<'_>, path: &mut Vec<Element>, set: &mut Set) {
    match shape.atom(Some(value)) {
        Atom::Scalar | Atom::Map { atomic: true } | Atom::List { associative: false } => {
            set.insert(path);
        }
        Atom::Map { atomic: false } => {
            for (name, member) in members(Some(value)).into_iter().flatten() {
                path.push(Element::Field(name.clone()));
                walk(
                    member,
                    shape.member(name).unwrap_or(Shape::Deduced),
                    path,
                    set,
                );
                let empty = match member {
                    Value::Null => true,
                    Value::Object(m) => m.is_empty(),
                    _ => false,
                };
                if empty || !shape.declares(name) {
                    set.insert(path);
                }
                path.pop();
            }
        }
        Atom::List { associative: true } => {
            let all = items(Some(value)).unwrap_or_default();
            let mut times: BTreeMap<Element, usize> = BTreeMap::new();
            for e in all.iter().filter_map(|i| shape.element_of(i).ok()) {
                *times.entry(e).or_default() += 1;
            }
            for item in all {
                let Ok(element) = shape.element_of(item) else {
                    continue;
                };
                let once = times.get(&element) == Some(&1);
                path.push(element);
                if once {
                    walk(item, shape.items(), path, set);
                }
                set.insert(path);
                path.pop();
            }
        }
    }
}
