//! `values.schema.json`: the keywords of JSON Schema that are checked here. Any
//! other one is an error when the chart is read, never a rule that is passed over.

mod check;

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

/// Schemas in each other.
const NESTED: usize = 64;

/// A schema with its definitions.
#[derive(Clone, Debug)]
pub(crate) struct Schema {
    root: Node,
    /// By reference: `#/definitions/name`.
    definitions: BTreeMap<String, Node>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// `false`: nothing is allowed.
    never: bool,
    reference: Option<String>,
    types: Vec<String>,
    options: Option<Vec<Value>>,
    constant: Option<Value>,
    properties: BTreeMap<String, Node>,
    patterns: Vec<(Regex, Node)>,
    additional: Option<Box<Node>>,
    required: Vec<String>,
    items: Option<Box<Node>>,
    /// Keywords with a number, such as `minimum`.
    bounds: BTreeMap<String, f64>,
    unique: bool,
    pattern: Option<Regex>,
    all: Vec<Node>,
    any: Vec<Node>,
    one: Vec<Node>,
    not: Option<Box<Node>>,
}

/// Keywords with a number.
const BOUNDS: [&str; 11] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
];

/// Keywords that say nothing about values.
const REMARKS: [&str; 9] = [
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
];

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// A keyword is not known, or its value is not what it should be, with its place.
    pub(crate) fn read(document: &Value) -> Result<Self, String> {
        let mut schema = Self {
            root: Node::read(document, "#", 0)?,
            definitions: BTreeMap::new(),
        };
        for word in ["definitions", "$defs"] {
            let Some(Value::Object(definitions)) = document.get(word) else {
                continue;
            };
            for (name, node) in definitions {
                let place = format!("#/{word}/{name}");
                let node = Node::read(node, &place, 0)?;
                schema.definitions.insert(place, node);
            }
        }
        let mut nodes: Vec<&Node> = schema.definitions.values().collect();
        nodes.push(&schema.root);
        while let Some(node) = nodes.pop() {
            if let Some(name) = &node.reference {
                let known = name == "#" || schema.definitions.contains_key(name);
                if !known {
                    return Err(format!("$ref: {name} is not a definition"));
                }
            }
            nodes.extend(node.parts());
        }
        Ok(schema)
    }
}

impl Node {
    fn parts(&self) -> impl Iterator<Item = &Self> {
        let single = [&self.additional, &self.items, &self.not];
        let many = self.all.iter().chain(&self.any).chain(&self.one);
        let inner = self.properties.values().chain(many);
        let patterns = self.patterns.iter().map(|(_, node)| node);
        inner
            .chain(patterns)
            .chain(single.into_iter().filter_map(|n| n.as_deref()))
    }

    fn read(document: &Value, place: &str, depth: usize) -> Result<Self, String> {
        if depth > NESTED {
            return Err(format!("{place}: more than {NESTED} schemas in each other"));
        }
        let members = match document {
            Value::Bool(allowed) => {
                return Ok(Self {
                    never: !allowed,
                    ..Self::default()
                });
            }
            Value::Object(members) => members,
            _ => return Err(format!("{place}: a schema is an object or a boolean")),
        };
        let mut node = Self::default();
        for (word, value) in members {
            let place = format!("{place}/{word}");
            node.keyword(word, value, &place, depth + 1)?;
        }
        Ok(node)
    }

    fn keyword(
        &mut self,
        word: &str,
        value: &Value,
        place: &str,
        depth: usize,
    ) -> Result<(), String> {
        let schema = |value: &Value| Self::read(value, place, depth);
        let boxed = |value: &Value| schema(value).map(|node| Some(Box::new(node)));
        let wrong = |what: &str| format!("{place}: {what} is expected");
        match word {
            "$ref" => self.reference = Some(value.as_str().ok_or(wrong("a string"))?.to_owned()),
            "type" => self.types = strings(value).ok_or(wrong("a type or a list of types"))?,
            "enum" => self.options = Some(value.as_array().ok_or(wrong("a list"))?.clone()),
            "const" => self.constant = Some(value.clone()),
            "required" => self.required = strings(value).ok_or(wrong("a list of names"))?,
            "uniqueItems" => self.unique = value.as_bool().ok_or(wrong("a boolean"))?,
            "pattern" => {
                self.pattern = Some(regex(value).ok_or(wrong("a regular expression"))?);
            }
            "properties" | "patternProperties" => {
                for (name, part) in value.as_object().ok_or(wrong("an object"))? {
                    let part = Self::read(part, &format!("{place}/{name}"), depth)?;
                    if word == "properties" {
                        self.properties.insert(name.clone(), part);
                    } else {
                        let pattern = regex(&Value::from(name.as_str()));
                        let pattern = pattern.ok_or(wrong("a regular expression"))?;
                        self.patterns.push((pattern, part));
                    }
                }
            }
            "additionalProperties" => self.additional = boxed(value)?,
            "items" => self.items = boxed(value)?,
            "not" => self.not = boxed(value)?,
            "allOf" | "anyOf" | "oneOf" => {
                let parts = value.as_array().ok_or(wrong("a list of schemas"))?;
                let parts: Result<Vec<_>, _> = parts.iter().map(schema).collect();
                match word {
                    "allOf" => self.all = parts?,
                    "anyOf" => self.any = parts?,
                    _ => self.one = parts?,
                }
            }
            word if BOUNDS.contains(&word) => {
                let bound = value.as_f64().ok_or(wrong("a number"))?;
                self.bounds.insert(word.to_owned(), bound);
            }
            // Read on their own.
            "definitions" | "$defs" if depth == 1 => {}
            word if REMARKS.contains(&word) => {}
            _ => return Err(format!("{place}: this keyword is not known")),
        }
        Ok(())
    }
}

fn strings(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(one) => Some(vec![one.clone()]),
        Value::Array(items) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
            texts.collect()
        }
        _ => None,
    }
}

fn regex(value: &Value) -> Option<Regex> {
    Regex::new(value.as_str()?).ok()
}
