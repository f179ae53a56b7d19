//! Values against a schema, with the messages that Helm has.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Node, Schema};
use crate::Problem;

/// Most that is said about one set of values.
const PROBLEMS: usize = 100;
/// References and values in each other.
const DEPTH: usize = 256;

impl Schema {
    /// What is wrong with values, in the order of their members.
    pub(crate) fn check(&self, value: &Value) -> Vec<Problem> {
        let mut check = Check {
            schema: self,
            problems: Vec::new(),
        };
        check.node(&self.root, value, "", 0);
        check.problems
    }
}

struct Check<'s> {
    schema: &'s Schema,
    problems: Vec<Problem>,
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn is_of(value: &Value, wanted: &str) -> bool {
    match (wanted, value) {
        ("integer", Value::Number(n)) => n.as_f64().is_some_and(|f| f.fract() == 0.0),
        (wanted, value) => wanted == kind(value),
    }
}

/// In single quotes.
fn quoted(text: &str) -> String {
    let text = crate::format::quote(text).replace("\\\"", "\"");
    let inner = text
        .get(1..text.len().saturating_sub(1))
        .unwrap_or_default();
    format!("'{}'", inner.replace('\'', "\\'"))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(_) | Value::Object(_) => "value".to_owned(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}

fn list(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    names.join(", ")
}

/// `1` and `1.0` are the same.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, a)| b.get(k).is_some_and(|b| equal(a, b)))
        }
        (a, b) => a == b,
    }
}

fn child(path: &str, name: &str) -> String {
    format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"))
}

impl<'s> Check<'s> {
    fn say(&mut self, path: &str, message: String) {
        if self.problems.len() < PROBLEMS {
            self.problems.push(Problem {
                path: path.to_owned(),
                message,
            });
        }
    }

    /// What a part of a schema would say, without saying it.
    fn tried(&self, node: &'s Node, value: &Value, path: &str, depth: usize) -> Vec<Problem> {
        let mut inner = Check {
            schema: self.schema,
            problems: Vec::new(),
        };
        inner.node(node, value, path, depth);
        inner.problems
    }

    fn node(&mut self, node: &'s Node, value: &Value, path: &str, depth: usize) {
        if depth > DEPTH {
            return self.say(path, format!("more than {DEPTH} levels"));
        }
        if node.never {
            return self.say(path, "false schema".to_owned());
        }
        // What stands beside a reference is not looked at, as in draft 7.
        if let Some(name) = &node.reference {
            let target = match name.as_str() {
                "#" => Some(&self.schema.root),
                name => self.schema.definitions.get(name),
            };
            if let Some(target) = target {
                self.node(target, value, path, depth + 1);
            }
            return;
        }
        if !node.types.is_empty() && !node.types.iter().any(|t| is_of(value, t)) {
            let want = node.types.join(" or ");
            return self.say(path, format!("got {}, want {want}", kind(value)));
        }
        if let Some(wanted) = &node.constant
            && !equal(wanted, value)
        {
            self.say(path, format!("value must be {}", shown(wanted)));
        }
        if let Some(options) = &node.options
            && !options.iter().any(|option| equal(option, value))
        {
            let shown: Vec<String> = options.iter().map(shown).collect();
            let one_of = if shown.len() == 1 { "" } else { "one of " };
            self.say(path, format!("value must be {one_of}{}", shown.join(", ")));
        }
        match value {
            Value::Object(members) => self.object(node, members, path, depth),
            Value::Array(items) => self.array(node, items, path, depth),
            Value::String(text) => self.text(node, text, path),
            Value::Number(number) => self.number(node, number.as_f64().unwrap_or_default(), path),
            Value::Null | Value::Bool(_) => {}
        }
        self.combined(node, value, path, depth);
    }

    fn bound(
        &mut self,
        node: &Node,
        word: &str,
        got: f64,
        path: &str,
        fails: fn(f64, f64) -> bool,
    ) {
        if let Some(&want) = node.bounds.get(word)
            && fails(got, want)
        {
            self.say(path, format!("{word}: got {got}, want {want}"));
        }
    }

    fn object(
        &mut self,
        node: &'s Node,
        members: &serde_json::Map<String, Value>,
        path: &str,
        depth: usize,
    ) {
        self.bound(node, "minProperties", members.len() as f64, path, |g, w| {
            g < w
        });
        self.bound(node, "maxProperties", members.len() as f64, path, |g, w| {
            g > w
        });
        let missing: Vec<&str> = node.required.iter().map(String::as_str).collect();
        let missing: Vec<&str> = missing
            .into_iter()
            .filter(|name| !members.contains_key(*name))
            .collect();
        match missing.as_slice() {
            [] => {}
            [one] => self.say(path, format!("missing property {}", quoted(one))),
            many => self.say(path, format!("missing properties {}", list(many))),
        }
        let mut more = Vec::new();
        for (name, value) in members {
            let mut known = false;
            if let Some(part) = node.properties.get(name) {
                known = true;
                self.node(part, value, &child(path, name), depth + 1);
            }
            for (pattern, part) in &node.patterns {
                if pattern.is_match(name) {
                    known = true;
                    self.node(part, value, &child(path, name), depth + 1);
                }
            }
            match &node.additional {
                Some(part) if !known && part.never => more.push(name.as_str()),
                Some(part) if !known => self.node(part, value, &child(path, name), depth + 1),
                _ => {}
            }
        }
        if !more.is_empty() {
            let names = list(&more);
            self.say(path, format!("additional properties {names} not allowed"));
        }
    }

    fn array(&mut self, node: &'s Node, items: &[Value], path: &str, depth: usize) {
        self.bound(node, "minItems", items.len() as f64, path, |g, w| g < w);
        self.bound(node, "maxItems", items.len() as f64, path, |g, w| g > w);
        if node.unique {
            let mut seen = BTreeSet::new();
            for (i, item) in items.iter().enumerate() {
                let text = item.to_string();
                if !seen.insert(text) {
                    let first = items.iter().position(|other| equal(other, item));
                    let first = first.unwrap_or_default();
                    self.say(path, format!("items at {first} and {i} are equal"));
                    break;
                }
            }
        }
        if let Some(part) = &node.items {
            for (i, item) in items.iter().enumerate() {
                self.node(part, item, &child(path, &i.to_string()), depth + 1);
            }
        }
    }

    fn text(&mut self, node: &Node, text: &str, path: &str) {
        let length = text.chars().count() as f64;
        self.bound(node, "minLength", length, path, |g, w| g < w);
        self.bound(node, "maxLength", length, path, |g, w| g > w);
        if let Some(pattern) = &node.pattern
            && !pattern.is_match(text)
        {
            let (got, want) = (quoted(text), quoted(pattern.as_str()));
            self.say(path, format!("{got} does not match pattern {want}"));
        }
    }

    fn number(&mut self, node: &Node, number: f64, path: &str) {
        self.bound(node, "minimum", number, path, |g, w| g < w);
        self.bound(node, "maximum", number, path, |g, w| g > w);
        self.bound(node, "exclusiveMinimum", number, path, |g, w| g <= w);
        self.bound(node, "exclusiveMaximum", number, path, |g, w| g >= w);
        self.bound(node, "multipleOf", number, path, |g, w| {
            (g / w).fract() != 0.0
        });
    }

    fn combined(&mut self, node: &'s Node, value: &Value, path: &str, depth: usize) {
        for part in &node.all {
            self.node(part, value, path, depth + 1);
        }
        if !node.any.is_empty() {
            let tried: Vec<_> = node
                .any
                .iter()
                .map(|p| self.tried(p, value, path, depth + 1))
                .collect();
            if !tried.iter().any(Vec::is_empty) {
                self.say(path, "'anyOf' failed".to_owned());
                self.problems
                    .extend(tried.into_iter().flatten().take(PROBLEMS));
            }
        }
        if !node.one.is_empty() {
            let tried: Vec<_> = node
                .one
                .iter()
                .map(|p| self.tried(p, value, path, depth + 1))
                .collect();
            let fit: Vec<usize> = (0..tried.len()).filter(|i| tried[*i].is_empty()).collect();
            match fit.as_slice() {
                [_] => {}
                [] => self.say(path, "'oneOf' failed, none matched".to_owned()),
                [a, b, ..] => {
                    self.say(path, format!("'oneOf' failed, subschemas {a}, {b} matched"));
                }
            }
        }
        if let Some(part) = &node.not
            && self.tried(part, value, path, depth + 1).is_empty()
        {
            self.say(path, "'not' failed".to_owned());
        }
    }
}
