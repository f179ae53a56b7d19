//! The v2 document in protobuf, as `openapi_v2.Document` of gnostic defines it:
//! what kubectl asks for before it knew v3.

use bytes::Bytes;
use catena_objects::{Map, Status, Value, json};

/// A v2 document in JSON as protobuf.
///
/// # Errors
/// When the document is no JSON.
pub fn v2_protobuf(document: &Bytes) -> Result<Bytes, Status> {
    let v = json::parse(document).map_err(Status::internal)?;
    let mut w = Writer::default();
    w.text(1, v.str_at(&["swagger"]));
    w.message(2, |w| {
        w.text(1, v.str_at(&["info", "title"]));
        w.text(2, v.str_at(&["info", "version"]));
    });
    w.message(8, |w| {
        for (path, item) in members(v.get("paths")) {
            w.named(2, path, |w| path_item(w, item));
        }
    });
    w.message(9, |w| {
        for (name, s) in members(v.get("definitions")) {
            w.named(1, name, |w| schema(w, s));
        }
    });
    for requirement in v.items_at(&["security"]) {
        w.message(12, |w| {
            for (name, scopes) in members(Some(requirement)) {
                w.named(1, name, |w| w.texts(1, Some(scopes)));
            }
        });
    }
    w.message(13, |w| {
        for (name, s) in members(v.get("securityDefinitions")) {
            w.named(1, name, |w| {
                w.message(2, |w| {
                    for (field, key) in [(1, "type"), (2, "name"), (3, "in"), (4, "description")] {
                        w.text(field, s.str_at(&[key]));
                    }
                });
            });
        }
    });
    Ok(w.0.into())
}

fn members(v: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    v.and_then(Value::as_object)
        .into_iter()
        .flat_map(|m| m.iter().map(|(k, v)| (k.as_str(), v)))
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn varint(&mut self, mut v: u64) {
        while v >= 0x80 {
            self.0.push((v & 0x7f) as u8 | 0x80);
            v >>= 7;
        }
        self.0.push(v as u8);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// Empty texts are the default and left out.
    fn text(&mut self, field: u64, text: &str) {
        if !text.is_empty() {
            self.bytes(field, text.as_bytes());
        }
    }

    fn texts(&mut self, field: u64, list: Option<&Value>) {
        for v in list.and_then(Value::as_array).unwrap_or_default() {
            self.bytes(field, v.as_str().unwrap_or_default().as_bytes());
        }
    }

    fn flag(&mut self, field: u64, v: Option<&Value>) {
        if v.and_then(Value::as_bool) == Some(true) {
            self.varint(field << 3);
            self.varint(1);
        }
    }

    fn int(&mut self, field: u64, v: Option<&Value>) {
        if let Some(i) = v.and_then(Value::as_i64).filter(|i| *i != 0) {
            self.varint(field << 3);
            self.varint(i.cast_unsigned());
        }
    }

    fn double(&mut self, field: u64, v: Option<&Value>) {
        if let Some(f) = v.and_then(Value::as_f64).filter(|f| *f != 0.0) {
            self.varint(field << 3 | 1);
            self.0.extend_from_slice(&f.to_le_bytes());
        }
    }

    fn message(&mut self, field: u64, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.bytes(field, &inner.0);
    }

    /// `NamedX { name = 1, value = 2 }`.
    fn named(&mut self, field: u64, name: &str, write: impl FnOnce(&mut Self)) {
        self.message(field, |w| {
            w.text(1, name);
            w.message(2, write);
        });
    }

    /// `Any { yaml = 2 }`; JSON is YAML.
    fn any(&mut self, field: u64, v: &Value) {
        self.message(field, |w| w.text(2, &format!("{}\n", json::to_string(v))));
    }

    fn extensions(&mut self, field: u64, map: &Map) {
        for (name, v) in map.iter().filter(|(k, _)| k.starts_with("x-")) {
            self.message(field, |w| {
                w.text(1, name);
                w.any(2, v);
            });
        }
    }
}

fn path_item(w: &mut Writer, item: &Value) {
    const METHODS: [(u64, &str); 7] = [
        (2, "get"),
        (3, "put"),
        (4, "post"),
        (5, "delete"),
        (6, "options"),
        (7, "head"),
        (8, "patch"),
    ];
    for (field, method) in METHODS {
        if let Some(op) = item.get(method) {
            w.message(field, |w| operation(w, op));
        }
    }
    for p in item.items_at(&["parameters"]) {
        w.message(9, |w| parameter_item(w, p));
    }
}

fn operation(w: &mut Writer, op: &Value) {
    w.texts(1, op.get("tags"));
    w.text(3, op.str_at(&["description"]));
    w.text(5, op.str_at(&["operationId"]));
    w.texts(6, op.get("produces"));
    w.texts(7, op.get("consumes"));
    for p in op.items_at(&["parameters"]) {
        w.message(8, |w| parameter_item(w, p));
    }
    w.message(9, |w| {
        for (code, r) in members(op.get("responses")) {
            w.named(1, code, |w| w.message(1, |w| response(w, r)));
        }
    });
    w.texts(10, op.get("schemes"));
    if let Some(map) = op.as_object() {
        w.extensions(13, map);
    }
}

fn response(w: &mut Writer, r: &Value) {
    w.text(1, r.str_at(&["description"]));
    if let Some(s) = r.get("schema") {
        w.message(2, |w| w.message(1, |w| schema(w, s)));
    }
}

/// `ParametersItem`: a parameter or a reference to one.
fn parameter_item(w: &mut Writer, p: &Value) {
    if p.get("$ref").is_some() {
        w.message(2, |w| w.text(1, p.str_at(&["$ref"])));
        return;
    }
    w.message(1, |w| match p.str_at(&["in"]) {
        "body" => w.message(1, |w| {
            w.text(1, p.str_at(&["description"]));
            w.text(2, p.str_at(&["name"]));
            w.text(3, "body");
            w.flag(4, p.get("required"));
            if let Some(s) = p.get("schema") {
                w.message(5, |w| schema(w, s));
            }
        }),
        // Names, types and uniqueness have other numbers in a path than in a query.
        "path" => w.message(2, |w| {
            w.message(4, |w| simple_parameter(w, p, [5, 19]));
        }),
        _ => w.message(2, |w| {
            w.message(3, |w| simple_parameter(w, p, [6, 20]));
        }),
    });
}

fn simple_parameter(w: &mut Writer, p: &Value, [ty, unique]: [u64; 2]) {
    w.flag(1, p.get("required"));
    w.text(2, p.str_at(&["in"]));
    w.text(3, p.str_at(&["description"]));
    w.text(4, p.str_at(&["name"]));
    w.text(ty, p.str_at(&["type"]));
    w.flag(unique, p.get("uniqueItems"));
}

fn schema(w: &mut Writer, s: &Value) {
    let Some(map) = s.as_object() else { return };
    w.text(1, s.str_at(&["$ref"]));
    w.text(2, s.str_at(&["format"]));
    w.text(3, s.str_at(&["title"]));
    w.text(4, s.str_at(&["description"]));
    if let Some(d) = s.get("default") {
        w.any(5, d);
    }
    w.double(6, s.get("multipleOf"));
    w.double(7, s.get("maximum"));
    w.flag(8, s.get("exclusiveMaximum"));
    w.double(9, s.get("minimum"));
    w.flag(10, s.get("exclusiveMinimum"));
    w.int(11, s.get("maxLength"));
    w.int(12, s.get("minLength"));
    w.text(13, s.str_at(&["pattern"]));
    w.int(14, s.get("maxItems"));
    w.int(15, s.get("minItems"));
    w.flag(16, s.get("uniqueItems"));
    w.int(17, s.get("maxProperties"));
    w.int(18, s.get("minProperties"));
    w.texts(19, s.get("required"));
    for v in s.items_at(&["enum"]) {
        w.any(20, v);
    }
    match s.get("additionalProperties") {
        Some(Value::Bool(true)) => w.message(21, |w| {
            w.varint(2 << 3);
            w.varint(1);
        }),
        Some(v @ Value::Object(_)) => w.message(21, |w| w.message(1, |w| schema(w, v))),
        _ => {}
    }
    let ty = s.str_at(&["type"]);
    if !ty.is_empty() {
        w.message(22, |w| w.text(1, ty));
    }
    if let Some(items) = s.get("items") {
        w.message(23, |w| w.message(1, |w| schema(w, items)));
    }
    for v in s.items_at(&["allOf"]) {
        w.message(24, |w| schema(w, v));
    }
    if let Some(properties) = s.get("properties") {
        w.message(25, |w| {
            for (name, p) in members(Some(properties)) {
                w.named(1, name, |w| schema(w, p));
            }
        });
    }
    w.extensions(31, map);
}
