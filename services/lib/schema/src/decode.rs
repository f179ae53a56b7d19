//! What Go's typed decoding and encoding make of a client's tree.
//!
//! Names are case-sensitive, `null` is absent, unknown members are dropped and
//! reported, wrong types are refused in Go's words; members come out in the
//! order Go declares them, zero values where Go prints them.

use std::{fmt::Write, sync::Arc};

use catena_objects::{Map, Value, json, map::Key};

use crate::{Node, Type, node::NodeRef, structural};

mod scalar;

pub(crate) use scalar::base64;

/// Strict-decoding complaints that are kept, as in `sigs.k8s.io/json`.
const MAX_STRICT: usize = 100;

/// Nesting of typed values. Only schemas nest without bound, and real ones stay
/// below 60; an unoptimised walk of this many fits a thread's stack.
const MAX_DEPTH: usize = 200;

/// A tree in canonical form.
#[derive(Clone, Debug)]
pub struct Decoded {
    pub value: Value,
    /// Paths (`spec.containers[0].foo`) of members that the schema does not know.
    pub unknown: Vec<String>,
}

/// Why a tree is not of its type; the message is Go's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(pub String);

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DecodeError {}

/// Decodes an object of a request: a built-in kind as [`decode`] does; a custom
/// resource with its metadata coerced, pruned, defaulted, members sorted.
///
/// # Errors
/// A value of a wrong type.
pub fn decode_object(node: &Node, value: Value, custom: bool) -> Result<Decoded, DecodeError> {
    if custom {
        structural::decode(node, value)
    } else {
        decode(node, value)
    }
}

/// Decodes a tree of a built-in type. Maps that came empty are there, and are
/// told from absent ones until [`ordered`] or [`canonical`].
///
/// # Errors
/// A value of a wrong type, with Go's message (without the kind in front).
pub fn decode(node: &Node, value: Value) -> Result<Decoded, DecodeError> {
    let mut w = Walk {
        report: true,
        keep: Keep::All,
        ..Walk::default()
    };
    let value = w.value(node, value).map_err(|Fatal(m)| DecodeError(m))?;
    match w.saved {
        Some(message) => Err(DecodeError(message)),
        None => Ok(Decoded {
            value,
            unknown: w.unknown,
        }),
    }
}

/// Puts a tree of a built-in type that the server changed into canonical form:
/// order, zero values, sorted maps. What does not fit its type is left out.
pub fn canonical(node: &Node, value: Value) -> Value {
    let original = value.clone();
    Walk::default().value(node, value).unwrap_or(original)
}

/// [`canonical`] of an object that is not stored yet: an empty list is still told from nil.
pub fn ordered(node: &Node, value: Value) -> Value {
    let original = value.clone();
    let mut walk = Walk {
        keep: Keep::Printed,
        ..Walk::default()
    };
    walk.value(node, value).unwrap_or(original)
}

/// `strict decoding error: unknown field "a", duplicate field "b"`; `None` if there is nothing to say.
pub fn strict_error(unknown: &[String], duplicates: &[String]) -> Option<String> {
    let mut out = String::new();
    let all = unknown.iter().map(|p| ("unknown", p));
    for (what, path) in all.chain(duplicates.iter().map(|p| ("duplicate", p))) {
        let lead = if out.is_empty() {
            "strict decoding error: "
        } else {
            ", "
        };
        let _ = write!(out, "{lead}{what} field {}", json::go_quote(path));
    }
    (!out.is_empty()).then_some(out)
}

/// An error that ends decoding, as one of Go's `UnmarshalJSON` methods does.
/// Plain type errors are saved and decoding goes on.
struct Fatal(String);

/// Which empty lists and maps are told from nil.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Keep {
    /// None, as after storage.
    #[default]
    None,
    /// Those that are always printed.
    Printed,
    /// Maps that are printed with members only, too: errors show them.
    All,
}

#[derive(Default)]
struct Walk {
    report: bool,
    keep: Keep,
    saved: Option<String>,
    unknown: Vec<String>,
    /// `spec.containers[0]`
    path: String,
    /// Innermost struct and the fields on the way, as Go's errors have them.
    struct_name: &'static str,
    fields: Vec<Key>,
    depth: usize,
}

impl Walk {
    fn mismatch(&mut self, what: &str, go_type: &str) {
        if self.saved.is_none() {
            self.saved = Some(self.type_error(what, go_type));
        }
    }

    fn type_error(&self, what: &str, go_type: &str) -> String {
        if self.struct_name.is_empty() {
            return format!("json: cannot unmarshal {what} into Go value of type {go_type}");
        }
        format!(
            "json: cannot unmarshal {what} into Go struct field {}.{} of type {go_type}",
            self.struct_name,
            self.fields.join(".")
        )
    }

    fn value(&mut self, node: &Node, value: Value) -> Result<Value, Fatal> {
        if value.is_null() {
            return Ok(zero(node));
        }
        if !matches!(node.ty, Type::Any | Type::Object | Type::Array) {
            return self.leaf(node, value);
        }
        if self.depth > MAX_DEPTH {
            return Err(Fatal("exceeded max depth".to_owned()));
        }
        self.depth += 1;
        let out = self.branch(node, value);
        self.depth -= 1;
        out
    }

    fn leaf(&mut self, node: &Node, value: Value) -> Result<Value, Fatal> {
        match node.ty {
            Type::FieldsV1 => Ok(value),
            _ => self.scalar(node, value),
        }
    }

    fn branch(&mut self, node: &Node, value: Value) -> Result<Value, Fatal> {
        match node.ty {
            Type::Any => match &node.items {
                Some(schema) => self.alternative(node, schema, value),
                // `JSON` goes through Go's untyped values, which sort members.
                None if node.message.ends_with(".JSON") => {
                    let mut value = value;
                    structural::sorted(&mut value);
                    Ok(value)
                }
                None => Ok(value),
            },
            Type::Object => match value {
                Value::Object(map) => self.object(node, map),
                other => Ok(self.refuse(node, &other)),
            },
            Type::Array => match value {
                Value::Array(items) => self.array(node, items),
                other => Ok(self.refuse(node, &other)),
            },
            _ => Ok(value),
        }
    }

    /// Saves the type error; the value stays zero.
    fn refuse(&mut self, node: &Node, value: &Value) -> Value {
        self.mismatch(go_name(value), &node.go_type);
        zero(node)
    }

    fn array(&mut self, node: &Node, items: Arc<Vec<Value>>) -> Result<Value, Fatal> {
        let item = node.items.as_ref().map(NodeRef::get);
        let length = self.path.len();
        let mut out = Vec::with_capacity(items.len());
        for (i, v) in unshared(items).into_iter().enumerate() {
            if self.report {
                let _ = write!(self.path, "[{i}]");
            }
            out.push(match item {
                Some(node) => self.element(node, v)?,
                None => v,
            });
            self.path.truncate(length);
        }
        Ok(out.into())
    }

    /// An element: what is null there is the zero value, and printed.
    fn element(&mut self, node: &Node, value: Value) -> Result<Value, Fatal> {
        let out = self.value(node, value)?;
        if out.is_null() && node.ty == Type::Bytes {
            return Ok(Value::from(""));
        }
        Ok(out)
    }

    fn object(&mut self, node: &Node, map: Arc<Map>) -> Result<Value, Fatal> {
        match (&node.go, &node.additional) {
            (Some(_), _) => self.strukt(node, map),
            (None, Some(item)) => self.map(item.get(), map),
            (None, None) => Ok(Value::Object(map)),
        }
    }

    fn map(&mut self, item: &Node, map: Arc<Map>) -> Result<Value, Fatal> {
        let length = self.path.len();
        let mut out = Map::with_capacity(map.len());
        for (key, v) in members(map) {
            self.enter(&key);
            let v = self.element(item, v)?;
            self.path.truncate(length);
            out.insert(key, v);
        }
        out.sort_keys();
        Ok(out.into())
    }

    fn strukt(&mut self, node: &Node, map: Arc<Map>) -> Result<Value, Fatal> {
        let Some(go) = &node.go else {
            return Ok(Value::Object(map));
        };
        let length = self.path.len();
        let outer = (self.struct_name, self.fields.len());
        let mut slots: Vec<Option<Value>> = vec![None; node.fields.len()];
        for (key, v) in members(map) {
            let Some(at) = node.fields.iter().position(|f| f.name == key) else {
                self.unknown_member(&key);
                continue;
            };
            self.struct_name = go.name;
            if self.report {
                self.fields
                    .extend(go.members[at].via.iter().map(|s| Key::from(*s)));
                self.fields.push(key.clone());
            }
            self.enter(&key);
            let v = match (v.is_null(), go.members[at].pointer) {
                (true, true) => Value::Null,
                _ => self.value(node.fields[at].node.get(), v)?,
            };
            slots[at] = Some(v);
            self.path.truncate(length);
            self.fields.truncate(outer.1);
            self.struct_name = outer.0;
        }
        Ok(assemble(node, slots, self.keep))
    }

    fn enter(&mut self, key: &str) {
        if !self.report {
            return;
        }
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(key);
    }

    fn unknown_member(&mut self, key: &str) {
        if !self.report || self.unknown.len() >= MAX_STRICT {
            return;
        }
        let length = self.path.len();
        self.enter(key);
        self.unknown.push(self.path.clone());
        self.path.truncate(length);
    }

    /// `JSONSchemaPropsOr…`: a schema, or a boolean, or a list.
    fn alternative(&mut self, node: &Node, schema: &NodeRef, value: Value) -> Result<Value, Fatal> {
        let known = self.unknown.len();
        let out = match value {
            Value::Object(map) => self.object(schema.get(), map)?,
            Value::Array(items) if node.message.ends_with("OrArray") => {
                let mut out = Vec::with_capacity(items.len());
                for v in unshared(items) {
                    out.push(self.value(schema.get(), v)?);
                }
                out.into()
            }
            Value::Array(items) if node.message.ends_with("OrStringArray") => Value::Array(items),
            v @ Value::Bool(_) if node.message.ends_with("OrBool") => v,
            _ if node.message.ends_with("OrBool") => {
                return Err(Fatal("boolean or JSON schema expected".to_owned()));
            }
            // Go's methods ignore what is neither.
            _ => Value::Null,
        };
        // These methods decode without reporting.
        self.unknown.truncate(known);
        Ok(out)
    }
}

/// Members in Go's order, without those that Go leaves out. Empty lists and maps
/// that are always printed are told from nil until they are stored: whoever
/// sends one owns it.
fn assemble(node: &Node, slots: Vec<Option<Value>>, keep: Keep) -> Value {
    let members = node
        .go
        .as_ref()
        .map(|g| g.members.as_slice())
        .unwrap_or_default();
    let mut out = Map::with_capacity(slots.iter().flatten().count() + 1);
    for ((field, go), slot) in node.fields.iter().zip(members).zip(slots) {
        let child = field.node.get();
        let value = match slot {
            Some(v) => v,
            None if !field.always_printed => continue,
            None if go.pointer => Value::Null,
            None => zero(child),
        };
        if go.pointer {
            if !value.is_null() || field.always_printed {
                out.insert(field.name.clone(), value);
            }
            continue;
        }
        let empty = is_empty(child, &value);
        if field.always_printed {
            // Stored as protobuf, an empty list or map comes back as nil.
            let nil =
                empty && keep == Keep::None && matches!(value, Value::Array(_) | Value::Object(_));
            out.insert(field.name.clone(), if nil { Value::Null } else { value });
        } else if !empty || keep == Keep::All && matches!(value, Value::Object(_)) {
            out.insert(field.name.clone(), value);
        }
    }
    out.into()
}

/// Empty in the sense of `omitempty`: structs never are.
fn is_empty(node: &Node, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(b) => !b,
        Value::Int(i) => *i == 0 && node.ty != Type::IntOrString,
        Value::Float(f) => *f == 0.0,
        Value::String(s) => s.is_empty() && node.ty != Type::IntOrString,
        Value::Array(a) => a.is_empty() && node.ty == Type::Array,
        Value::Object(m) => m.is_empty() && node.ty == Type::Object && node.go.is_none(),
    }
}

/// Go's zero value of the type, as JSON.
fn zero(node: &Node) -> Value {
    match node.ty {
        Type::Object if node.go.is_some() => {
            let slots = vec![None; node.fields.len()];
            assemble(node, slots, Keep::None)
        }
        Type::String => Value::from(""),
        Type::Boolean => Value::Bool(false),
        Type::Int32 | Type::Int64 | Type::Integer | Type::Number | Type::IntOrString => {
            Value::Int(0)
        }
        Type::Quantity => Value::from("0"),
        Type::Duration => Value::from("0s"),
        _ => Value::Null,
    }
}

/// JSON types as Go's decoder names them.
fn go_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Float(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn unshared(items: Arc<Vec<Value>>) -> Vec<Value> {
    Arc::try_unwrap(items).unwrap_or_else(|shared| shared.to_vec())
}

fn members(map: Arc<Map>) -> Map {
    Arc::try_unwrap(map).unwrap_or_else(|shared| Map::clone(&shared))
}
