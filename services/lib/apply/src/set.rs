//! Sets of paths, as `fieldsV1` holds them.

use std::collections::{BTreeMap, BTreeSet};

use catena_objects::{Map, Value};
use catena_schema::Node;

use crate::element::Element;

/// Deepest nesting that is read: that of JSON.
const MAX_DEPTH: usize = catena_objects::json::MAX_DEPTH;

/// Paths in a tree: `members` end here, `children` go on. No child is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    members: BTreeSet<Element>,
    children: BTreeMap<Element, Set>,
}

impl Set {
    pub fn new() -> Self {
        Self::default()
    }

    /// The set of these paths of member names.
    pub fn of_fields(paths: &[&[&str]]) -> Self {
        let mut out = Self::new();
        for path in paths {
            let path: Vec<Element> = path.iter().map(|p| Element::field(p)).collect();
            out.insert(&path);
        }
        out
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.is_empty()
    }

    /// Adds a path; the empty path, which is the whole object, is not kept.
    pub fn insert(&mut self, path: &[Element]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// Whether a path of one step is in the set.
    pub fn has(&self, element: &Element) -> bool {
        self.members.contains(element)
    }

    pub fn has_path(&self, path: &[Element]) -> bool {
        match path {
            [] => false,
            [last] => self.has(last),
            [first, rest @ ..] => self.children.get(first).is_some_and(|c| c.has_path(rest)),
        }
    }

    /// What is below a step.
    pub fn below(&self, element: &Element) -> Option<&Set> {
        self.children.get(element)
    }

    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut out = self.clone();
        out.members.extend(other.members.iter().cloned());
        for (element, child) in &other.children {
            let merged = match out.children.get(element) {
                Some(own) => own.union(child),
                None => child.clone(),
            };
            out.children.insert(element.clone(), merged);
        }
        out
    }

    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self {
            members: self.members.intersection(&other.members).cloned().collect(),
            children: self.children_with(|element, child| {
                other
                    .children
                    .get(element)
                    .map(|o| child.intersection(o))
                    .unwrap_or_default()
            }),
        }
    }

    /// Paths of this set that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self {
            members: self.members.difference(&other.members).cloned().collect(),
            children: self.children_with(|element, child| match other.children.get(element) {
                Some(o) => child.difference(o),
                None => child.clone(),
            }),
        }
    }

    /// As [`Self::difference`], and without what is below a path of `other`.
    #[must_use]
    pub fn recursive_difference(&self, other: &Self) -> Self {
        Self {
            members: self.members.difference(&other.members).cloned().collect(),
            children: self.children_with(|element, child| {
                if other.members.contains(element) {
                    return Self::new();
                }
                match other.children.get(element) {
                    Some(o) => child.recursive_difference(o),
                    None => child.clone(),
                }
            }),
        }
    }

    fn children_with(&self, f: impl Fn(&Element, &Set) -> Set) -> BTreeMap<Element, Set> {
        self.children
            .iter()
            .map(|(e, c)| (e.clone(), f(e, c)))
            .filter(|(_, c)| !c.is_empty())
            .collect()
    }

    /// The set with every declared field on the way to a path as a path of its own.
    #[must_use]
    pub(crate) fn with_named_fields(&self, node: Option<&Node>) -> Self {
        let mut members = self.members.clone();
        let mut children = BTreeMap::new();
        for (element, child) in &self.children {
            let mut below = None;
            if let (Element::Field(name), Some(node)) = (element, node) {
                if node.field(name).is_some() {
                    members.insert(element.clone());
                }
                below = node.member(name).map(|n| &**n);
            } else if let (Element::Key(_), Some(node)) = (element, node) {
                below = node.items.as_ref().map(|i| &**i.get());
            }
            children.insert(element.clone(), child.with_named_fields(below));
        }
        Self { members, children }
    }

    /// All paths, in order.
    pub fn paths(&self) -> Vec<Vec<Element>> {
        let mut out = Vec::new();
        self.collect(&mut Vec::new(), &mut out);
        out
    }

    fn collect(&self, prefix: &mut Vec<Element>, out: &mut Vec<Vec<Element>>) {
        for element in &self.members {
            prefix.push(element.clone());
            out.push(prefix.clone());
            prefix.pop();
        }
        for (element, child) in &self.children {
            prefix.push(element.clone());
            child.collect(prefix, out);
            prefix.pop();
        }
    }

    /// `fieldsV1`: members and children in order, `.` for a path that has more below.
    pub fn to_value(&self) -> Value {
        self.encode(false)
    }

    fn encode(&self, include_self: bool) -> Value {
        let mut out = Map::new();
        if include_self {
            out.insert(".", Value::object());
        }
        let all: BTreeSet<&Element> = self.members.iter().chain(self.children.keys()).collect();
        for element in all {
            let member = self.members.contains(element);
            let value = match self.children.get(element) {
                Some(child) => child.encode(member),
                None => Value::object(),
            };
            out.insert(element.encode(), value);
        }
        out.into()
    }

    /// Reads `fieldsV1`.
    ///
    /// # Errors
    /// Members that are no path elements; nesting beyond the bound.
    pub fn from_value(v: &Value) -> Result<Self, String> {
        let (set, _) = Self::decode(v, 0)?;
        Ok(set)
    }

    /// The set, and whether the path to it is itself in the set.
    fn decode(v: &Value, depth: usize) -> Result<(Self, bool), String> {
        if depth > MAX_DEPTH {
            return Err("exceeded max depth".to_owned());
        }
        let mut out = Self::new();
        let mut includes_self = false;
        let Some(members) = v.as_object() else {
            return if v.is_null() {
                Ok((out, true))
            } else {
                Err("expected an object".to_owned())
            };
        };
        for (key, below) in members {
            if key == "." {
                includes_self = true;
                continue;
            }
            let element = match Element::parse(key) {
                Ok(e) => e,
                // Kinds of elements that are not known yet are skipped, as upstream does.
                Err(e) if e.starts_with("unknown") => continue,
                Err(e) => return Err(e),
            };
            let (child, is_member) = Self::decode(below, depth + 1)?;
            if is_member {
                out.members.insert(element.clone());
            }
            if !child.is_empty() {
                out.children.insert(element, child);
            }
        }
        let leaf = members.is_empty();
        Ok((out, includes_self || leaf))
    }
}
