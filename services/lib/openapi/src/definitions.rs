//! Schemas of built-in types, from the facts.

use std::collections::BTreeMap;

use catena_facts::{Field, Message, Scalar, Shape, Ty, types};
use catena_objects::{Map, Value, json};

use crate::{
    descriptions::{Texts, fallback},
    names::{SCHEMAS, definition},
};

/// Definitions that a document needs, by name.
pub(crate) struct Definitions<'a> {
    texts: &'a Texts,
    group: &'a str,
    version: &'a str,
    made: BTreeMap<String, Value>,
}

impl<'a> Definitions<'a> {
    pub(crate) fn new(group: &'a str, version: &'a str, texts: &'a Texts) -> Self {
        Self {
            texts,
            group,
            version,
            made: BTreeMap::new(),
        }
    }

    pub(crate) fn into_map(self) -> Map {
        let mut map = Map::with_capacity(self.made.len());
        for (name, schema) in self.made {
            map.insert(name, schema);
        }
        map
    }

    /// Adds a schema that was made elsewhere.
    pub(crate) fn add(&mut self, name: String, schema: Value) {
        self.made.insert(name, schema);
    }

    /// Reference to a message, which is defined with all it refers to.
    pub(crate) fn refer(&mut self, message: &str) -> Value {
        let name = definition(message);
        if !self.made.contains_key(&name) {
            // Types that refer to themselves find this.
            self.made.insert(name.clone(), Value::Null);
            let schema = match types().get(message) {
                Some(m) => self.schema(m, &name),
                None => self.plain(&name),
            };
            self.made.insert(name.clone(), schema);
        }
        reference(&name)
    }

    /// Reference to a kind; `None` for kinds that the facts lack.
    pub(crate) fn refer_kind(&mut self, group: &str, version: &str, kind: &str) -> Option<Value> {
        let message = types().by_gvk(group, version, kind)?;
        Some(self.refer(message.name))
    }

    /// A type without protobuf (`Patch`): an object of any shape.
    fn plain(&self, name: &str) -> Value {
        let mut out = Map::new();
        if let Some(t) = self.texts.get(name) {
            out.insert("description", t.own.as_str());
        }
        out.insert("type", "object");
        out.into()
    }

    fn schema(&mut self, message: &'static Message, name: &str) -> Value {
        let texts = self.texts;
        let text = texts.get(name);
        let mut out = Map::new();
        let own = match text.filter(|t| !t.own.is_empty()) {
            Some(t) => t.own.clone(),
            None => fallback(texts, name, ""),
        };
        if !own.is_empty() {
            out.insert("description", own);
        }
        if special(message, &mut out) {
            return out.into();
        }
        let mut properties: BTreeMap<&str, Value> = BTreeMap::new();
        let mut required = Vec::new();
        if message.shape == Shape::Object {
            for key in ["apiVersion", "kind"] {
                properties.insert(key, self.described(string(), name, key));
            }
        }
        self.members(message, name, &mut properties, &mut required);
        if !properties.is_empty() {
            let mut map = Map::with_capacity(properties.len());
            for (k, v) in properties {
                map.insert(k, v);
            }
            out.insert("properties", map);
        }
        if !required.is_empty() {
            out.insert("required", required);
        }
        out.insert("type", "object");
        if !message.gvk.is_empty() {
            let kinds = self.kinds(message);
            out.insert("x-kubernetes-group-version-kind", kinds);
        }
        if !message.map_type.is_empty() {
            out.insert("x-kubernetes-map-type", message.map_type);
        }
        out.into()
    }

    /// Options and events are of every group: a document names the core's and its own.
    fn kinds(&self, message: &Message) -> Vec<Value> {
        let shared = ["DeleteOptions", "WatchEvent"].contains(&message.short_name());
        let of = |g: &catena_facts::Gvk| group_version_kind(g.group, g.version, g.kind);
        if !shared {
            return message.gvk.iter().map(of).collect();
        }
        let mut kinds = vec![group_version_kind("", "v1", message.short_name())];
        if !self.group.is_empty() {
            kinds.push(group_version_kind(
                self.group,
                self.version,
                message.short_name(),
            ));
        }
        kinds
    }

    fn members(
        &mut self,
        message: &'static Message,
        definition: &str,
        properties: &mut BTreeMap<&'static str, Value>,
        required: &mut Vec<Value>,
    ) {
        for f in &message.fields {
            if f.inline {
                if let Ty::Message(name) = f.ty
                    && let Some(inner) = types().get(name)
                {
                    self.members(inner, definition, properties, required);
                }
                continue;
            }
            let Some(name) = f.json else { continue };
            if f.required {
                required.push(name.into());
            }
            let schema = self.property(f);
            properties.insert(name, self.described(schema, definition, name));
        }
    }

    fn property(&mut self, f: &'static Field) -> Value {
        let single = self.single(f.ty);
        let mut out = if f.repeated {
            let mut m = Map::new();
            m.insert("items", single);
            m.insert("type", "array");
            m
        } else {
            single.as_object().cloned().unwrap_or_default()
        };
        if let Some(default) = f.default.and_then(|d| json::parse(d.as_bytes()).ok()) {
            out.insert("default", default);
        }
        let mut mark = |key: &'static str, text: &'static str| {
            if !text.is_empty() {
                out.insert(key, text);
            }
        };
        mark("x-kubernetes-list-type", f.list_type);
        mark("x-kubernetes-map-type", f.map_type);
        mark("x-kubernetes-patch-merge-key", f.patch_merge_key);
        mark("x-kubernetes-patch-strategy", f.patch_strategy);
        if !f.list_map_keys.is_empty() {
            let keys: Vec<Value> = f.list_map_keys.iter().map(|k| Value::from(*k)).collect();
            out.insert("x-kubernetes-list-map-keys", keys);
        }
        out.into()
    }

    fn single(&mut self, ty: Ty) -> Value {
        let of = |value: Value| {
            let mut m = Map::new();
            m.insert("additionalProperties", value);
            m.insert("type", "object");
            Value::from(m)
        };
        match ty {
            Ty::Scalar(s) => scalar(s),
            Ty::Message(name) => match types().get(name) {
                Some(m) if m.shape == Shape::StringList => {
                    let mut m = Map::new();
                    m.insert("items", string());
                    m.insert("type", "array");
                    m.into()
                }
                _ => self.refer(name),
            },
            Ty::ScalarMap(s) => of(scalar(s)),
            Ty::MessageMap(name) => {
                let value = self.single(Ty::Message(name));
                of(value)
            }
        }
    }
    /// A description, and a reference that stands beside other members wrapped for it.
    fn described(&self, schema: Value, definition: &str, name: &str) -> Value {
        let mut m = schema.as_object().cloned().unwrap_or_default();
        let text = self
            .texts
            .get(definition)
            .and_then(|t| t.properties.get(name));
        let text = text
            .cloned()
            .unwrap_or_else(|| fallback(self.texts, definition, name));
        if !text.is_empty() {
            m.insert("description", text);
        }
        if m.len() > 1
            && let Some(reference) = m.remove("$ref")
        {
            let mut only = Map::new();
            only.insert("$ref", reference);
            m.insert("allOf", vec![Value::from(only)]);
        }
        m.sort_keys();
        m.into()
    }
}

pub(crate) fn reference(name: &str) -> Value {
    let mut m = Map::new();
    m.insert("$ref", format!("{SCHEMAS}{name}"));
    m.into()
}

pub(crate) fn group_version_kind(group: &str, version: &str, kind: &str) -> Value {
    let mut m = Map::new();
    m.insert("group", group);
    m.insert("kind", kind);
    m.insert("version", version);
    m.into()
}

pub(crate) fn string() -> Value {
    typed("string", "")
}

fn typed(ty: &str, format: &str) -> Value {
    let mut m = Map::new();
    if !format.is_empty() {
        m.insert("format", format);
    }
    m.insert("type", ty);
    m.into()
}

fn scalar(s: Scalar) -> Value {
    match s {
        Scalar::String => typed("string", ""),
        Scalar::Bytes => typed("string", "byte"),
        Scalar::Bool => typed("boolean", ""),
        Scalar::Int32 => typed("integer", "int32"),
        Scalar::Int64 => typed("integer", "int64"),
        Scalar::Double => typed("number", "double"),
    }
}

/// Types whose JSON is not an object of their fields.
fn special(message: &Message, out: &mut Map) -> bool {
    let one_of = |types: &[&str]| -> Vec<Value> { types.iter().map(|t| typed(t, "")).collect() };
    match message.short_name() {
        "Quantity" => drop(out.insert("oneOf", one_of(&["string", "number"]))),
        "IntOrString" => {
            out.insert("format", "int-or-string");
            out.insert("oneOf", one_of(&["integer", "string"]));
        }
        "Time" | "MicroTime" => {
            out.insert("format", "date-time");
            out.insert("type", "string");
        }
        "Duration" => drop(out.insert("type", "string")),
        "FieldsV1" | "RawExtension" | "Patch" => drop(out.insert("type", "object")),
        "JSON"
        | "JSONSchemaPropsOrArray"
        | "JSONSchemaPropsOrBool"
        | "JSONSchemaPropsOrStringArray" => {}
        _ => return false,
    }
    true
}
