//! What differs between two objects, as sets of paths.

use std::collections::BTreeMap;

use catena_objects::Value;

use super::{Atom, Shape, items, members};
use crate::element::Element;
use crate::set::Set;

/// Paths that only the old object has, that differ, that only the new one has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) removed: Set,
    pub(crate) modified: Set,
    pub(crate) added: Set,
}

impl Comparison {
    /// Without the paths that an endpoint resets.
    pub(crate) fn excluding(self, fields: &Set) -> Self {
        Self {
            removed: self.removed.recursive_difference(fields),
            modified: self.modified.recursive_difference(fields),
            added: self.added.recursive_difference(fields),
        }
    }
}

pub(crate) fn compare(old: &Value, new: &Value, shape: Shape<'_>) -> Comparison {
    let mut walk = Walk {
        path: Vec::new(),
        out: Comparison::default(),
    };
    walk.compare(Some(old), Some(new), shape);
    walk.out
}

struct Walk {
    path: Vec<Element>,
    out: Comparison,
}

impl Walk {
    fn compare(&mut self, old: Option<&Value>, new: Option<&Value>, shape: Shape<'_>) {
        let (a, b) = (shape.atom(old), shape.atom(new));
        let leaf = if new.is_none() {
            self.visit(a, old, new, shape)
        } else if old.is_none() || a == b {
            self.visit(b, old, new, shape)
        } else {
            self.visit(a, old, new, shape);
            self.visit(b, old, new, shape)
        };
        if !leaf {
            if old.is_none() {
                self.out.added.insert(&self.path);
            } else if new.is_none() {
                self.out.removed.insert(&self.path);
            }
        }
    }

    /// Returns whether the place is one leaf.
    fn visit(
        &mut self,
        atom: Atom,
        old: Option<&Value>,
        new: Option<&Value>,
        shape: Shape<'_>,
    ) -> bool {
        match atom {
            Atom::Scalar => {}
            Atom::Map { atomic } => {
                let (a, b) = (members(old), members(new));
                let empty = a.is_none_or(|m| m.is_empty()) && b.is_none_or(|m| m.is_empty());
                if !atomic && !empty {
                    let mut names: Vec<_> = a.into_iter().flat_map(|m| m.keys()).collect();
                    names.extend(
                        b.into_iter()
                            .flat_map(|m| m.keys())
                            .filter(|k| a.is_none_or(|m| !m.contains_key(k))),
                    );
                    for name in names {
                        let below = shape.member(name).unwrap_or(Shape::Deduced);
                        self.path.push(Element::Field(name.clone()));
                        self.compare(
                            a.and_then(|m| m.get(name)),
                            b.and_then(|m| m.get(name)),
                            below,
                        );
                        self.path.pop();
                    }
                    return false;
                }
            }
            Atom::List { associative } => {
                let (a, b) = (
                    items(old).unwrap_or_default(),
                    items(new).unwrap_or_default(),
                );
                if associative && !(a.is_empty() && b.is_empty()) {
                    self.list(a, b, shape);
                    return false;
                }
            }
        }
        self.leaf(old, new);
        true
    }

    fn leaf(&mut self, old: Option<&Value>, new: Option<&Value>) {
        match (old, new) {
            (None, _) => self.out.added.insert(&self.path),
            (_, None) => self.out.removed.insert(&self.path),
            (Some(a), Some(b)) if a != b => self.out.modified.insert(&self.path),
            _ => {}
        }
    }

    fn list(&mut self, old: &[Value], new: &[Value], shape: Shape<'_>) {
        let mut all: BTreeMap<Element, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
        // Items that cannot be identified have no path.
        for item in old {
            if let Ok(e) = shape.element_of(item) {
                all.entry(e).or_default().0.push(item);
            }
        }
        for item in new {
            if let Ok(e) = shape.element_of(item) {
                all.entry(e).or_default().1.push(item);
            }
        }
        for (element, (a, b)) in all {
            self.path.push(element);
            match (a.as_slice(), b.as_slice()) {
                ([_, _, ..], [_, _, ..]) => {
                    if a != b {
                        self.out.modified.insert(&self.path);
                    }
                }
                ([_, _, ..], rest) => {
                    if let Some(one) = rest.first() {
                        self.compare(None, Some(one), shape.items());
                    }
                    self.out.removed.insert(&self.path);
                }
                (rest, [_, _, ..]) => {
                    if let Some(one) = rest.first() {
                        self.compare(Some(one), None, shape.items());
                    }
                    self.out.added.insert(&self.path);
                }
                (a, b) => self.compare(a.first().copied(), b.first().copied(), shape.items()),
            }
            self.path.pop();
        }
    }
}
