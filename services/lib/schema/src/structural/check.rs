//! Whether a schema may stand in a definition (`spec.validation.openAPIV3Schema`).
//!
//! Works on the tree of the definition: what is forbidden is not kept in nodes.

use catena_objects::{
    Map, Value,
    field::{Error, Errors, Path},
};

mod defaults;
mod openapi;
mod rules;

/// The root must be a structural schema; nested value validations may only restrict it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// What is wrong with a schema.
#[derive(Debug, Default)]
pub struct Found {
    /// Of its structure and defaults. Without these, its rules can be looked at.
    pub structure: Errors,
    /// Of what OpenAPI and the extensions may say.
    pub openapi: Errors,
}

impl Found {
    /// All of it, in the order in which it is told.
    pub fn all(mut self) -> Errors {
        self.structure.extend(self.openapi);
        self.structure
    }
}

/// Everything wrong with a schema at `path`; expressions of rules are not compiled.
pub fn check(schema: &Value, path: &Path) -> Found {
    let mut found = Found::default();
    if super::too_deep(schema) {
        let error = Error::invalid(path, "", super::TOO_DEEP);
        found.structure.push(error);
        return found;
    }
    found.structure = check_structural(schema, path);
    if found.structure.is_empty() {
        defaults::check(schema, path, &mut found.structure);
    }
    openapi::check(schema, path, &mut found.openapi);
    found
}

/// Whether a schema is structural; errors sorted by their text.
pub fn check_structural(schema: &Value, path: &Path) -> Errors {
    let mut errors = Errors::new();
    if let Some(map) = schema.as_object().filter(|_| !super::too_deep(schema)) {
        // Without these the tree cannot be read as structural at all;
        // the other checks name the place.
        if unreadable(map) {
            return errors;
        }
        invariants(map, Level::Root, path, &mut errors);
        junctors(
            map,
            &mut |nested, at| complete(nested, Some(map), path, at, &mut errors),
            path,
        );
    }
    errors.0.sort_by_cached_key(ToString::to_string);
    errors
}

fn text<'a>(map: &'a Map, key: &str) -> &'a str {
    map.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn flag(map: &Map, key: &str) -> bool {
    map.get(key).and_then(Value::as_bool).unwrap_or_default()
}

fn object<'a>(map: &'a Map, key: &str) -> Option<&'a Map> {
    map.get(key).and_then(Value::as_object)
}

fn list<'a>(map: &'a Map, key: &str) -> &'a [Value] {
    map.get(key).and_then(Value::as_array).unwrap_or_default()
}

fn set(map: &Map, key: &str) -> bool {
    map.get(key).is_some_and(|v| !v.is_null())
}

/// Subschemas of the tree itself, with their paths.
fn children<'a>(map: &'a Map, path: &Path, each: &mut dyn FnMut(&'a Map, Path, Level)) {
    if let Some(items) = object(map, "items") {
        each(items, path.child("items"), Level::Item);
    }
    for (key, v) in object(map, "properties").into_iter().flat_map(Map::iter) {
        if let Some(m) = v.as_object() {
            each(m, path.child("properties").key(key), Level::Field);
        }
    }
    if let Some(other) = object(map, "additionalProperties") {
        each(other, path.child("additionalProperties"), Level::Field);
    }
}

/// Schemas under `not`, `allOf`, `anyOf`, `oneOf`.
fn junctors<'a>(map: &'a Map, each: &mut dyn FnMut(&'a Map, Path), path: &Path) {
    if let Some(not) = object(map, "not") {
        each(not, path.child("not"));
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        for (i, v) in list(map, key).iter().enumerate() {
            if let Some(m) = v.as_object() {
                each(m, path.child(key).index(i));
            }
        }
    }
}

/// What `NewStructural` refuses: the OpenAPI checks report it with its path.
fn unreadable(map: &Map) -> bool {
    let here = [
        "id",
        "$ref",
        "additionalItems",
        "patternProperties",
        "definitions",
        "dependencies",
    ]
    .iter()
    .any(|k| set(map, k))
        || map.get("items").is_some_and(|v| v.as_array().is_some())
        || map.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(false));
    let mut below = false;
    let mut look = |m: &Map| below = below || unreadable(m);
    children(map, &Path::default(), &mut |m, _, _| look(m));
    junctors(map, &mut |m, _| look(m), &Path::default());
    here || below
}

fn is_int_or_string(items: &[Value]) -> bool {
    let only = |v: &Value, t: &str| {
        v.as_object()
            .is_some_and(|m| m.len() == 1 && text(m, "type") == t)
    };
    matches!(items, [a, b] if only(a, "integer") && only(b, "string"))
}

fn invariants(map: &Map, level: Level, path: &Path, errors: &mut Errors) {
    let ty = text(map, "type");
    if ty == "array" && !set(map, "items") {
        errors.push(Error::required(&path.child("items"), "must be specified"));
    }
    children(map, path, &mut |m, at, level| {
        invariants(m, level, &at, errors)
    });
    let embedded = flag(map, "x-kubernetes-embedded-resource");
    let preserve = flag(map, "x-kubernetes-preserve-unknown-fields");
    let either = flag(map, "x-kubernetes-int-or-string");
    if set(map, "additionalProperties") {
        let at = path.child("additionalProperties");
        if level == Level::Root {
            errors.push(Error::forbidden(&at, "must not be used at the root"));
        }
        if embedded {
            let why = "must not be used if x-kubernetes-embedded-resource is set";
            errors.push(Error::forbidden(&at, why));
        }
    }
    for (key, on) in [
        ("x-kubernetes-preserve-unknown-fields", preserve),
        ("x-kubernetes-embedded-resource", embedded),
    ] {
        if either && on {
            let why = "must be false if x-kubernetes-int-or-string is true";
            errors.push(Error::invalid(&path.child(key), true, why));
        }
    }
    let skip_any = is_int_or_string(list(map, "anyOf"));
    let skip_all = list(map, "allOf")
        .first()
        .and_then(Value::as_object)
        .is_some_and(|m| is_int_or_string(list(m, "anyOf")));
    value_validation(map, skip_any, skip_all, path, errors);
    type_rules(map, level, path, errors);
    meta_rules(map, level, path, errors);
    if embedded && !preserve && object(map, "properties").is_none_or(Map::is_empty) {
        let why = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        errors.push(Error::required(&path.child("properties"), why));
    }
}

fn type_rules(map: &Map, level: Level, path: &Path, errors: &mut Errors) {
    let ty = text(map, "type");
    let at = path.child("type");
    let untyped = flag(map, "x-kubernetes-int-or-string")
        || flag(map, "x-kubernetes-preserve-unknown-fields");
    if flag(map, "x-kubernetes-embedded-resource") && ty != "object" {
        let why = "must be object if x-kubernetes-embedded-resource is true";
        errors.push(match ty {
            "" => Error::required(&at, why),
            ty => Error::invalid(&at, ty, why),
        });
    } else if ty.is_empty() && !untyped {
        let why = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        errors.push(Error::required(&at, why));
    }
    if level == Level::Root && !ty.is_empty() && ty != "object" {
        errors.push(Error::invalid(&at, ty, "must be object at the root"));
    }
}

/// `kind`, `apiVersion`, `metadata` of resources are implied; schemas may restrict names.
fn meta_rules(map: &Map, level: Level, path: &Path, errors: &mut Errors) {
    let Some(properties) = object(map, "properties") else {
        return;
    };
    let resource = level == Level::Root || flag(map, "x-kubernetes-embedded-resource");
    let at = |key: &str| path.child("properties").key(key);
    for key in ["kind", "apiVersion"] {
        if let Some(m) = object(properties, key).filter(|m| resource && text(m, "type") != "string")
        {
            errors.push(Error::invalid(
                &at(key).child("type"),
                text(m, "type"),
                "must be string",
            ));
        }
    }
    let Some(metadata) = object(properties, "metadata") else {
        return;
    };
    if resource && text(metadata, "type") != "object" {
        let given = text(metadata, "type");
        errors.push(Error::invalid(
            &at("metadata").child("type"),
            given,
            "must be object",
        ));
    }
    let names_only = metadata.iter().all(|(key, v)| match key.as_str() {
        "type" | "default" => true,
        "description" | "title" => v.as_str() == Some(""),
        "properties" => v
            .as_object()
            .is_some_and(|p| p.keys().all(|k| k == "name" || k == "generateName")),
        _ => false,
    });
    if level == Level::Root && !names_only {
        let why = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        errors.push(Error::forbidden(&at("metadata"), why));
    }
}

fn value_validation(map: &Map, skip_any: bool, skip_all: bool, path: &Path, errors: &mut Errors) {
    for key in ["anyOf", "allOf", "oneOf"] {
        if key == "anyOf" && skip_any {
            continue;
        }
        for (i, v) in list(map, key).iter().enumerate() {
            if let Some(m) = v.as_object() {
                let skip = key == "allOf" && skip_all && i == 0;
                nested(m, skip, &path.child(key).index(i), errors);
            }
        }
    }
    if let Some(not) = object(map, "not") {
        nested(not, false, &path.child("not"), errors);
    }
    let pattern = text(map, "pattern");
    if !pattern.is_empty()
        && let Err(why) = crate::regex::compile(pattern)
    {
        let detail = format!("must be a valid regular expression, but isn't: {why}");
        errors.push(Error::invalid(&path.child("pattern"), pattern, detail));
    }
}

/// Under a junctor only validations of values may stand.
fn nested(map: &Map, skip_any: bool, path: &Path, errors: &mut Errors) {
    value_validation(map, skip_any, false, path, errors);
    if let Some(items) = object(map, "items") {
        nested(items, false, &path.child("items"), errors);
    }
    for (key, v) in object(map, "properties").into_iter().flat_map(Map::iter) {
        let at = path.child("properties").key(key);
        if let Some(m) = v.as_object() {
            nested(m, false, &at, errors);
        }
        if key == "metadata" {
            errors.push(Error::forbidden(
                &at,
                "must not be specified in a nested context",
            ));
        }
    }
    for (key, present, why) in outer_only(map) {
        if present {
            errors.push(Error::forbidden(&path.child(key), why));
        }
    }
}

/// Keywords that belong outside of junctors: whether each is there, and what is said then.
fn outer_only(map: &Map) -> [(&'static str, bool, &'static str); 13] {
    const EMPTY: &str = "must be empty to be structural";
    const FALSE: &str = "must be false to be structural";
    const UNDEFINED: &str = "must be undefined to be structural";
    let on = |key: &str| flag(map, key);
    [
        ("type", !text(map, "type").is_empty(), EMPTY),
        (
            "additionalProperties",
            set(map, "additionalProperties"),
            UNDEFINED,
        ),
        ("default", set(map, "default"), UNDEFINED),
        ("title", !text(map, "title").is_empty(), EMPTY),
        ("description", !text(map, "description").is_empty(), EMPTY),
        ("nullable", on("nullable"), FALSE),
        (
            "x-kubernetes-preserve-unknown-fields",
            on("x-kubernetes-preserve-unknown-fields"),
            FALSE,
        ),
        (
            "x-kubernetes-embedded-resource",
            on("x-kubernetes-embedded-resource"),
            FALSE,
        ),
        (
            "x-kubernetes-int-or-string",
            on("x-kubernetes-int-or-string"),
            FALSE,
        ),
        (
            "x-kubernetes-list-map-keys",
            !list(map, "x-kubernetes-list-map-keys").is_empty(),
            EMPTY,
        ),
        (
            "x-kubernetes-list-type",
            set(map, "x-kubernetes-list-type"),
            UNDEFINED,
        ),
        (
            "x-kubernetes-map-type",
            set(map, "x-kubernetes-map-type"),
            UNDEFINED,
        ),
        (
            "x-kubernetes-validations",
            !list(map, "x-kubernetes-validations").is_empty(),
            EMPTY,
        ),
    ]
}

/// What a junctor speaks of must be specified outside of it.
fn complete(nested: &Map, outer: Option<&Map>, at: &Path, by: Path, errors: &mut Errors) {
    let Some(map) = outer else {
        errors.push(Error::required(
            at,
            format!("because it is defined in {by}"),
        ));
        return;
    };
    junctors(nested, &mut |m, by| complete(m, outer, at, by, errors), &by);
    if let Some(items) = object(nested, "items") {
        complete(
            items,
            object(map, "items"),
            &at.child("items"),
            by.child("items"),
            errors,
        );
    }
    for (key, v) in object(nested, "properties").into_iter().flat_map(Map::iter) {
        let Some(m) = v.as_object() else { continue };
        let specified = object(map, "properties").and_then(|p| object(p, key));
        let at = at.child("properties").key(key);
        complete(m, specified, &at, by.child("properties").key(key), errors);
    }
}
