//! Value validation of custom resources, worded as `k8s.io/kube-openapi/pkg/validation`.

use catena_objects::{
    Map, Value,
    field::{Error, Errors, Path},
    json,
};

use super::format;
use crate::node::{ListType, Node, NodeRef, Rules, Type};

mod leaf;

/// Everything wrong with a value. `base` is the path in front of the names;
/// `None` for whole objects.
pub fn validate(node: &Node, value: &Value, base: Option<&Path>) -> Errors {
    run(node, value, None, base)
}

/// As [`validate`], except for what is wrong in parts that `old` has unchanged.
pub fn validate_update(node: &Node, value: &Value, old: &Value) -> Errors {
    run(node, value, Some(old), None)
}

/// As [`validate_update`], for a value at `base`.
pub fn validate_update_at(node: &Node, value: &Value, old: &Value, base: &Path) -> Errors {
    run(node, value, Some(old), Some(base))
}

fn run(node: &Node, value: &Value, old: Option<&Value>, base: Option<&Path>) -> Errors {
    let walk = Walk { base };
    let outcome = walk.value(node, value, old, "");
    Errors(outcome.failures.into_iter().map(|f| f.error).collect())
}

/// One failure: the validator's own message (failures are told apart by it)
/// and the field error that the API shows.
struct Failure {
    message: String,
    error: Error,
}

/// Failures, and how many checks passed: the alternative with most of them
/// explains why none matched.
#[derive(Default)]
struct Outcome {
    failures: Vec<Failure>,
    matches: usize,
}

impl Outcome {
    fn add(&mut self, f: Failure) {
        if !self.failures.iter().any(|g| g.message == f.message) {
            self.failures.push(f);
        }
    }

    fn merge(&mut self, other: Self) {
        self.matches += other.matches;
        for f in other.failures {
            self.add(f);
        }
    }

    /// A check that counts whatever its outcome.
    fn checked(&mut self, other: Self) {
        self.merge(other);
        self.matches += 1;
    }
}

struct Walk<'a> {
    base: Option<&'a Path>,
}

/// Types a node allows, as JSON schemas name them.
fn types(node: &Node) -> &'static [&'static str] {
    match node.ty {
        Type::Object => &["object"],
        Type::Array => &["array"],
        Type::Boolean => &["boolean"],
        Type::Int32 | Type::Int64 | Type::Integer => &["integer"],
        Type::Number => &["number"],
        Type::IntOrString => &["integer", "string"],
        Type::Any | Type::FieldsV1 => &[],
        _ => &["string"],
    }
}

/// The format, where it means something for the type.
fn format_of(node: &Node) -> &str {
    let format = node.rules.as_ref().map_or("", |r| r.format.as_str());
    let known = match types(node) {
        [] | ["string"] => format::supported(format),
        ["integer"] => matches!(format, "int32" | "int64"),
        ["number"] => matches!(format, "float" | "double"),
        _ => false,
    };
    if known { format } else { "" }
}

impl Walk<'_> {
    fn path(&self, name: &str) -> Path {
        let name = name.strip_prefix('.').unwrap_or(name);
        match (self.base, name) {
            (Some(base), "") => base.clone(),
            (Some(base), name) => base.child(name),
            (None, "") => Path::new("<nil>"),
            (None, name) => Path::new(name),
        }
    }

    fn invalid(&self, name: &str, value: Value, message: String) -> Failure {
        Failure {
            error: Error::invalid(&self.path(name), value, message.clone()),
            message,
        }
    }

    /// A failure of the schema as a whole, which has no field.
    fn composite(&self, message: String) -> Failure {
        Failure {
            error: Error::invalid(&self.path(""), "", message.clone()),
            message,
        }
    }

    fn type_invalid(&self, name: &str, expected: &str, got: &str) -> Failure {
        let message = format!(
            "{name} in body must be of type {expected}: {}",
            json::go_quote(got)
        );
        Failure {
            error: Error::type_invalid(&self.path(name), got, message.clone()),
            message,
        }
    }

    fn value(&self, node: &Node, value: &Value, old: Option<&Value>, name: &str) -> Outcome {
        let mut out = Outcome::default();
        if old.is_some_and(|o| o == value) {
            return out;
        }
        if value.is_null() {
            out.merge(self.types(node, value, name));
            out.merge(self.enumeration(node, value, name));
            return out;
        }
        if !types(node).is_empty() || !format_of(node).is_empty() {
            out.checked(self.types(node, value, name));
        }
        out.checked(self.junctors(node, value, old, name));
        match value {
            Value::String(s) => {
                out.checked(self.string(node, s, name));
                if !format_of(node).is_empty() {
                    out.checked(self.format(node, s, name));
                }
            }
            Value::Int(_) | Value::Float(_) => out.checked(self.number(node, value, name)),
            Value::Array(items) => out.checked(self.array(node, items, old, name)),
            _ => {}
        }
        out.checked(self.enumeration(node, value, name));
        if let Value::Object(map) = value {
            out.checked(self.object(node, map, old, name));
        }
        out.matches += 1;
        out
    }

    fn junctors(&self, node: &Node, value: &Value, old: Option<&Value>, name: &str) -> Outcome {
        let mut out = Outcome {
            matches: 1,
            ..Outcome::default()
        };
        let Some(rules) = &node.rules else { return out };
        if !rules.any_of.is_empty() {
            self.any_of(rules, value, old, name, &mut out);
        }
        if !rules.one_of.is_empty() {
            self.one_of(rules, value, old, name, &mut out);
        }
        if !rules.all_of.is_empty() {
            let mut valid = 0;
            for n in &rules.all_of {
                let r = self.value(n, value, old, name);
                valid += usize::from(r.failures.is_empty());
                out.merge(r);
            }
            if valid != rules.all_of.len() {
                let more = if valid == 0 { ". None validated" } else { "" };
                out.add(self.composite(format!(
                    "{} must validate all the schemas (allOf){more}",
                    json::go_quote(name)
                )));
            }
        }
        if let Some(not) = &rules.not
            && self.value(not, value, old, name).failures.is_empty()
        {
            out.add(self.composite(format!(
                "{} must not validate the schema (not)",
                json::go_quote(name)
            )));
        }
        out
    }

    fn any_of(
        &self,
        rules: &Rules,
        value: &Value,
        old: Option<&Value>,
        name: &str,
        out: &mut Outcome,
    ) {
        let mut best: Option<Outcome> = None;
        for n in &rules.any_of {
            let r = self.value(n, value, old, name);
            if r.failures.is_empty() {
                out.merge(r);
                return;
            }
            if best.as_ref().is_none_or(|b| r.matches > b.matches) {
                best = Some(r);
            }
        }
        out.add(self.composite(format!(
            "{} must validate at least one schema (anyOf)",
            json::go_quote(name)
        )));
        out.merge(best.unwrap_or_default());
    }

    fn one_of(
        &self,
        rules: &Rules,
        value: &Value,
        old: Option<&Value>,
        name: &str,
        out: &mut Outcome,
    ) {
        let mut best: Option<Outcome> = None;
        let mut first: Option<Outcome> = None;
        let mut valid = 0;
        for n in &rules.one_of {
            let r = self.value(n, value, old, name);
            if r.failures.is_empty() {
                valid += 1;
                best = None;
                first.get_or_insert(r);
            } else if valid == 0 && best.as_ref().is_none_or(|b| r.matches > b.matches) {
                best = Some(r);
            }
        }
        if valid == 1 {
            out.merge(first.unwrap_or_default());
            return;
        }
        let found = match valid {
            0 => "Found none valid".to_owned(),
            n => format!("Found {n} valid alternatives"),
        };
        out.add(self.composite(format!(
            "{} must validate one and only one schema (oneOf). {found}",
            json::go_quote(name)
        )));
        out.merge(best.unwrap_or_default());
    }

    fn array(&self, node: &Node, items: &[Value], old: Option<&Value>, name: &str) -> Outcome {
        let mut out = Outcome::default();
        if let Some(item) = &node.items {
            for (i, v) in items.iter().enumerate() {
                let before = correlated(node, v, old);
                out.merge(self.value(item.get(), v, before, &format!("{name}[{i}]")));
            }
        }
        out.matches += 1;
        let Some(rules) = &node.rules else { return out };
        let size = items.len() as i64;
        if let Some(min) = rules.min_items.filter(|min| size < *min) {
            let message = format!("{name} in body should have at least {min} items");
            out.add(self.invalid(name, size.into(), message));
        }
        if let Some(max) = rules.max_items.filter(|max| size > *max) {
            let max = usize::try_from(max).unwrap_or_default();
            out.add(Failure {
                message: format!("{name} in body should have at most {max} items"),
                error: Error::too_many(&self.path(name), items.len(), max),
            });
        }
        if rules.unique_items {
            let twice = items
                .iter()
                .enumerate()
                .any(|(i, v)| items[..i].contains(v));
            if twice {
                let message = format!("{name} in body shouldn't contain duplicates");
                out.add(self.invalid(name, "".into(), message));
            }
        }
        out
    }

    fn object(&self, node: &Node, map: &Map, old: Option<&Value>, name: &str) -> Outcome {
        let mut out = Outcome::default();
        if let Some(rules) = &node.rules {
            let size = map.len() as i64;
            if let Some(min) = rules.min_properties.filter(|min| size < *min) {
                let message = format!("{name} in body should have at least {min} properties");
                out.add(self.invalid(name, size.into(), message));
            }
            if let Some(max) = rules.max_properties.filter(|max| size > *max) {
                let max = usize::try_from(max).unwrap_or_default();
                out.add(Failure {
                    message: format!("{name} in body should have at most {max} properties"),
                    error: Error::too_many(&self.path(name), map.len(), max),
                });
            }
        }
        let before = |key: &str| old.and_then(|o| o.get(key));
        if let Some(other) = &node.additional {
            for (key, v) in map.iter().filter(|(k, _)| node.field(k).is_none()) {
                out.merge(self.value(other.get(), v, before(key), &format!("{name}.{key}")));
            }
        }
        for f in &node.fields {
            if let Some(v) = map.get(&f.name) {
                let at = match name {
                    "" => f.name.to_string(),
                    name => format!("{name}.{}", f.name),
                };
                out.merge(self.value(f.node.get(), v, before(&f.name), &at));
            }
        }
        for key in node.required.iter().filter(|k| !map.contains_key(k)) {
            let at = format!("{name}.{key}");
            out.add(Failure {
                message: format!("{at} in body is required"),
                error: Error::required(&self.path(&at), ""),
            });
        }
        out
    }
}

/// The item of the old list that an item continues: the one with the same keys.
fn correlated<'a>(node: &Node, item: &Value, old: Option<&'a Value>) -> Option<&'a Value> {
    if node.list_type != ListType::Map {
        return None;
    }
    old?.as_array()?.iter().find(|o| {
        node.list_map_keys
            .iter()
            .all(|k| match (o.get(k), item.get(k)) {
                (Some(a), Some(b)) => a == b,
                (None, None) => true,
                (a, b) => {
                    let default = node
                        .items
                        .as_ref()
                        .map(NodeRef::get)
                        .and_then(|n| n.field(k));
                    let default = default.and_then(|f| f.node.get().default.as_ref());
                    default.is_some() && a.or(default) == b.or(default)
                }
            })
    })
}
