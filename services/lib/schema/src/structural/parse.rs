//! `openAPIV3Schema` to nodes.

use catena_objects::{Map, Value, map::Key};

use super::prune_default;
use crate::node::{Field, ListType, MapType, Node, NodeRef, PatchStrategy, Rules, Type};

/// Reads a schema of a custom resource. Rules are checked elsewhere; what is
/// not understood is ignored, so that every stored definition is served.
///
/// # Errors
/// Something that is no object where a schema is expected, or more nesting than a thread's stack is sure to hold.
pub fn parse(schema: &Value) -> Result<Node, String> {
    if super::too_deep(schema) {
        return Err(super::TOO_DEEP.to_owned());
    }
    read(schema)
}

fn read(schema: &Value) -> Result<Node, String> {
    let map = schema.as_object().ok_or("a schema must be an object")?;
    let mut node = Node::of(ty(map));
    members(map, &mut node)?;
    extensions(map, &mut node);
    let rules = rules(map)?;
    node.rules = rules.map(Box::new);
    if let Some(default) = map.get("default").filter(|d| !d.is_null()) {
        let mut default = default.clone();
        prune_default(&node, &mut default);
        node.default = Some(default);
    }
    Ok(node)
}

/// Whether any node has `x-kubernetes-validations`.
pub fn has_validations(node: &Node) -> bool {
    node.rules
        .as_ref()
        .is_some_and(|r| !r.validations.is_empty())
        || node.fields.iter().any(|f| has_validations(f.node.get()))
        || [&node.items, &node.additional]
            .into_iter()
            .flatten()
            .any(|n| has_validations(n.get()))
}

fn text<'a>(map: &'a Map, key: &str) -> &'a str {
    map.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn flag(map: &Map, key: &str) -> bool {
    map.get(key).and_then(Value::as_bool).unwrap_or_default()
}

fn ty(map: &Map) -> Type {
    if flag(map, "x-kubernetes-int-or-string") {
        return Type::IntOrString;
    }
    match (text(map, "type"), text(map, "format")) {
        ("object", _) => Type::Object,
        ("array", _) => Type::Array,
        ("string", _) => Type::String,
        ("boolean", _) => Type::Boolean,
        ("integer", "int32") => Type::Int32,
        ("integer", "int64") => Type::Int64,
        ("integer", _) => Type::Integer,
        ("number", _) => Type::Number,
        _ => Type::Any,
    }
}

fn keys(map: &Map, key: &str) -> Vec<Key> {
    let items = map.get(key).and_then(Value::as_array).unwrap_or_default();
    items
        .iter()
        .filter_map(Value::as_str)
        .map(Key::from)
        .collect()
}

fn members(map: &Map, node: &mut Node) -> Result<(), String> {
    if let Some(properties) = map.get("properties").and_then(Value::as_object) {
        for (name, schema) in properties {
            node.fields.push(Field {
                name: name.clone(),
                node: NodeRef::new(read(schema)?),
                always_printed: false,
                patch: PatchStrategy::default(),
                patch_merge_key: None,
            });
        }
        node.fields.sort_by(|a, b| a.name.cmp(&b.name));
    }
    match map.get("additionalProperties") {
        Some(v @ Value::Object(_)) => node.additional = Some(NodeRef::new(read(v)?)),
        Some(Value::Bool(_)) => node.additional = Some(NodeRef::new(Node::of(Type::Any))),
        _ => {}
    }
    if let Some(v @ Value::Object(_)) = map.get("items") {
        node.items = Some(NodeRef::new(read(v)?));
    }
    node.required = keys(map, "required");
    Ok(())
}

fn extensions(map: &Map, node: &mut Node) {
    node.nullable = flag(map, "nullable");
    node.preserve_unknown = flag(map, "x-kubernetes-preserve-unknown-fields");
    node.embedded_resource = flag(map, "x-kubernetes-embedded-resource");
    node.list_type = match text(map, "x-kubernetes-list-type") {
        "map" => ListType::Map,
        "set" => ListType::Set,
        _ => ListType::Atomic,
    };
    node.list_map_keys = keys(map, "x-kubernetes-list-map-keys");
    node.map_type = match text(map, "x-kubernetes-map-type") {
        "atomic" => MapType::Atomic,
        _ => MapType::Granular,
    };
}

fn nodes(map: &Map, key: &str) -> Result<Vec<Node>, String> {
    let items = map.get(key).and_then(Value::as_array).unwrap_or_default();
    items.iter().map(read).collect()
}

/// `None` where a node has no validations: most have none.
fn rules(map: &Map) -> Result<Option<Rules>, String> {
    const KEYS: [&str; 21] = [
        "format",
        "title",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
        "enum",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "x-kubernetes-validations",
    ];
    if !KEYS.iter().any(|k| map.contains_key(k)) {
        return Ok(None);
    }
    let number = |key: &str| map.get(key).and_then(Value::as_f64);
    let int = |key: &str| map.get(key).and_then(Value::as_i64);
    let list = |key: &str| {
        map.get(key)
            .and_then(Value::as_array)
            .unwrap_or_default()
            .to_vec()
    };
    Ok(Some(Rules {
        format: text(map, "format").to_owned(),
        title: text(map, "title").to_owned(),
        minimum: number("minimum"),
        exclusive_minimum: flag(map, "exclusiveMinimum"),
        maximum: number("maximum"),
        exclusive_maximum: flag(map, "exclusiveMaximum"),
        multiple_of: number("multipleOf"),
        min_length: int("minLength"),
        max_length: int("maxLength"),
        pattern: Some(text(map, "pattern"))
            .filter(|p| !p.is_empty())
            .map(str::to_owned),
        compiled: Default::default(),
        min_items: int("minItems"),
        max_items: int("maxItems"),
        unique_items: flag(map, "uniqueItems"),
        min_properties: int("minProperties"),
        max_properties: int("maxProperties"),
        enum_values: list("enum"),
        all_of: nodes(map, "allOf")?,
        any_of: nodes(map, "anyOf")?,
        one_of: nodes(map, "oneOf")?,
        not: map
            .get("not")
            .filter(|n| !n.is_null())
            .map(read)
            .transpose()?,
        validations: list("x-kubernetes-validations"),
    }))
}
