//! The v2 document (Swagger), made of v3 documents.

use std::collections::BTreeMap;

use bytes::Bytes;
use catena_objects::{Map, Value, json, map::Key};

use crate::{document::info, names::SCHEMAS};

const DEFINITIONS: &str = "#/definitions/";

/// Collects documents; what comes first wins a path or definition.
#[derive(Debug, Default)]
pub struct V2 {
    paths: BTreeMap<Key, Value>,
    definitions: BTreeMap<Key, Value>,
}

impl V2 {
    /// Adds a v3 document.
    pub fn add_v3(&mut self, document: &Value) {
        for (path, item) in members(document, &["paths"]) {
            self.paths
                .entry(path.clone())
                .or_insert_with(|| path_item(item));
        }
        for (name, schema) in members(document, &["components", "schemas"]) {
            self.definitions
                .entry(name.clone())
                .or_insert_with(|| schema_v2(schema, Place::Definition));
        }
    }

    /// Adds a v2 document, of which only paths below `/apis/` count where `foreign`
    /// (documents of servers outside of the chain).
    pub fn add_v2(&mut self, document: &Value, foreign: bool) {
        for (path, item) in members(document, &["paths"]) {
            if !foreign || path.starts_with("/apis/") {
                self.paths
                    .entry(path.clone())
                    .or_insert_with(|| item.clone());
            }
        }
        for (name, schema) in members(document, &["definitions"]) {
            self.definitions
                .entry(name.clone())
                .or_insert_with(|| schema.clone());
        }
    }

    pub fn into_value(self) -> Value {
        let map = |all: BTreeMap<Key, Value>| {
            let mut m = Map::with_capacity(all.len());
            for (k, v) in all {
                m.insert(k, v);
            }
            m
        };
        let mut token = Map::new();
        token.insert("description", "Bearer Token authentication");
        token.insert("in", "header");
        token.insert("name", "authorization");
        token.insert("type", "apiKey");
        let mut security = Map::new();
        security.insert("BearerToken", token);
        let mut needed = Map::new();
        needed.insert("BearerToken", Vec::new());
        let mut m = Map::new();
        m.insert("swagger", "2.0");
        m.insert("info", info());
        m.insert("paths", map(self.paths));
        m.insert("definitions", map(self.definitions));
        m.insert("securityDefinitions", security);
        m.insert("security", vec![Value::from(needed)]);
        m.into()
    }
}

/// Merges v2 documents in JSON; the first that has a path or definition wins.
/// What is no JSON is left out.
pub fn merge_v2(documents: &[Bytes]) -> Bytes {
    let mut all = V2::default();
    for text in documents {
        if let Ok(v) = json::parse(text) {
            all.add_v2(&v, false);
        }
    }
    json::to_vec(&all.into_value()).into()
}

fn members<'a>(v: &'a Value, path: &[&str]) -> impl Iterator<Item = (&'a Key, &'a Value)> {
    v.at(path)
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|m| m.iter())
}

fn path_item(item: &Value) -> Value {
    let mut out = Map::new();
    for (key, v) in members(item, &[]) {
        let new = match key.as_str() {
            "parameters" => parameters(v),
            _ if v.as_object().is_some() => operation(v),
            _ => v.clone(),
        };
        out.insert(key.clone(), new);
    }
    out.into()
}

fn parameters(list: &Value) -> Value {
    let items = list.as_array().unwrap_or_default();
    let converted: Vec<Value> = items
        .iter()
        .map(|p| {
            let mut m = p.as_object().cloned().unwrap_or_default();
            if let Some(schema) = m.remove("schema") {
                for (k, v) in members(&schema, &[]) {
                    m.insert(k.clone(), v.clone());
                }
            }
            m.into()
        })
        .collect();
    converted.into()
}

fn operation(v: &Value) -> Value {
    let mut m = v.as_object().cloned().unwrap_or_default();
    let mut params = m.remove("parameters").map_or_else(Vec::new, |p| {
        parameters(&p).as_array().unwrap_or_default().to_vec()
    });
    let mut consumes = vec![Value::from("*/*")];
    if let Some(body) = m.remove("requestBody") {
        let types: Vec<Value> = members(&body, &["content"])
            .map(|(k, _)| Value::from(k.as_str()))
            .collect();
        let schema = content_schema(&body).unwrap_or_default();
        let mut p = Map::new();
        p.insert("in", "body");
        p.insert("name", "body");
        if body.bool_at(&["required"]) == Some(true) {
            p.insert("required", true);
        }
        p.insert("schema", schema_v2(&schema, Place::Inside));
        params.insert(0, p.into());
        consumes = types;
    }
    let mut produces: Vec<Value> = Vec::new();
    let mut responses = Map::new();
    for (code, r) in members(v, &["responses"]) {
        let mut one = Map::new();
        one.insert("description", r.str_at(&["description"]));
        if let Some(schema) = content_schema(r) {
            one.insert("schema", schema_v2(&schema, Place::Inside));
            if produces.is_empty() {
                let types = members(r, &["content"]);
                produces = types.map(|(k, _)| Value::from(k.as_str())).collect();
            }
        }
        responses.insert(code.clone(), one);
    }
    m.insert("consumes", consumes);
    m.insert("produces", produces);
    m.insert("schemes", vec![Value::from("https")]);
    m.insert("responses", responses);
    if !params.is_empty() {
        m.insert("parameters", params);
    }
    m.sort_keys();
    m.into()
}

fn content_schema(v: &Value) -> Option<Value> {
    let (_, first) = members(v, &["content"]).next()?;
    first.get("schema").cloned()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Definition,
    Inside,
}

/// A schema without what v2 cannot say: alternatives, nullable values.
fn schema_v2(schema: &Value, place: Place) -> Value {
    let Some(map) = schema.as_object() else {
        return schema.clone();
    };
    let mut out = Map::new();
    for (key, v) in map.iter() {
        match key.as_str() {
            "$ref" => {
                let name = v.as_str().unwrap_or_default();
                out.insert("$ref", name.replace(SCHEMAS, DEFINITIONS));
            }
            // A reference with a description.
            "allOf" => {
                if let [only] = v.as_array().unwrap_or_default()
                    && only.get("$ref").is_some()
                {
                    let inner = schema_v2(only, Place::Inside);
                    for (k, v) in members(&inner, &[]) {
                        out.insert(k.clone(), v.clone());
                    }
                }
            }
            "oneOf" | "anyOf" | "not" | "nullable" | "default" => {}
            "properties" => {
                let mut all = Map::new();
                for (name, p) in members(v, &[]) {
                    all.insert(name.clone(), schema_v2(p, Place::Inside));
                }
                out.insert("properties", all);
            }
            "items" | "additionalProperties" => {
                drop(out.insert(key.clone(), schema_v2(v, Place::Inside)));
            }
            _ => drop(out.insert(key.clone(), v.clone())),
        }
    }
    simplify(map, &mut out, place);
    out.into()
}

/// What a v2 reader would take too literally.
fn simplify(original: &Map, out: &mut Map, place: Place) {
    let alternatives = original.contains_key("oneOf") && !original.contains_key("type");
    if alternatives && place == Place::Definition && !original.contains_key("properties") {
        out.insert("type", "string");
    }
    let flag = |key: &str| original.get(key).and_then(Value::as_bool) == Some(true);
    // Null, and an integer or string, have no type there.
    if flag("nullable") || flag("x-kubernetes-int-or-string") {
        for key in ["type", "items", "properties", "additionalProperties"] {
            out.remove(key);
        }
    }
    // Properties that may be more than those listed are not listed at all.
    if flag("x-kubernetes-preserve-unknown-fields") && place == Place::Inside {
        for key in ["items", "properties", "type"] {
            out.remove(key);
        }
    }
}
