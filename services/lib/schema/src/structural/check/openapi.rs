//! What of JSON schema definitions may use, and how the extensions combine.

use catena_objects::{
    Map, Value,
    field::{Error, Errors, Path},
};

use super::{flag, junctors, list, object, set, text};

pub(super) const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
const META: [&str; 3] = ["metadata", "kind", "apiVersion"];

#[derive(Clone, Copy)]
struct Context<'a> {
    /// Why defaults may not be set here.
    no_defaults: Option<&'a str>,
    inside_meta: bool,
}

pub(super) fn check(schema: &Value, path: &Path, errors: &mut Errors) {
    if let Some(map) = schema.as_object() {
        if flag(map, "nullable") {
            let why = "nullable cannot be true at the root";
            errors.push(Error::forbidden(&path.child("nullable"), why));
        }
        walk(
            map,
            path,
            Context {
                no_defaults: None,
                inside_meta: false,
            },
            true,
            errors,
        );
    }
}

fn walk(map: &Map, path: &Path, context: Context<'_>, root: bool, errors: &mut Errors) {
    allowed(map, path, context, errors);
    if flag(map, "uniqueItems") {
        let why =
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        errors.push(Error::forbidden(&path.child("uniqueItems"), why));
    }
    below(map, path, context, root, errors);
    if map.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(false)) {
        let at = path.child("x-kubernetes-preserve-unknown-fields");
        errors.push(Error::invalid(&at, false, "must be true or undefined"));
    }
    kinds(
        map,
        "x-kubernetes-map-type",
        "object",
        &["atomic", "granular"],
        path,
        errors,
    );
    kinds(
        map,
        "x-kubernetes-list-type",
        "array",
        &["atomic", "set", "map"],
        path,
        errors,
    );
    list_items(map, path, errors);
    list_keys(map, path, errors);
    let rules = list(map, "x-kubernetes-validations");
    let node = match rules.iter().any(|r| r.get("fieldPath").is_some()) {
        true => super::super::parse(&Value::from(map.clone())).ok(),
        false => None,
    };
    for (i, rule) in rules.iter().enumerate() {
        let at = path.child("x-kubernetes-validations").index(i);
        super::rules::check(rule, node.as_ref(), &at, errors);
    }
}

fn allowed(map: &Map, path: &Path, context: Context<'_>, errors: &mut Errors) {
    let ty = text(map, "type");
    if !ty.is_empty() && !TYPES.contains(&ty) {
        errors.push(Error::not_supported(&path.child("type"), ty, &TYPES));
    }
    if let Some(why) = context.no_defaults.filter(|_| set(map, "default")) {
        errors.push(Error::forbidden(
            &path.child("default"),
            format!("must not be set {why}"),
        ));
    }
    for key in [
        "id",
        "additionalItems",
        "patternProperties",
        "definitions",
        "dependencies",
        "$ref",
    ] {
        if set(map, key) {
            errors.push(Error::forbidden(
                &path.child(key),
                format!("{key} is not supported"),
            ));
        }
    }
    if ty == "null" {
        let why = "type cannot be set to null, use nullable as an alternative";
        errors.push(Error::forbidden(&path.child("type"), why));
    }
    if map.get("items").is_some_and(|v| v.as_array().is_some()) {
        let why = "items must be a schema object and not an array";
        errors.push(Error::forbidden(&path.child("items"), why));
    }
    if context.inside_meta && flag(map, "x-kubernetes-embedded-resource") {
        let at = path.child("x-kubernetes-embedded-resource");
        errors.push(Error::forbidden(
            &at,
            "must not be used inside of resource meta",
        ));
    }
}

fn below(map: &Map, path: &Path, context: Context<'_>, root: bool, errors: &mut Errors) {
    let properties = object(map, "properties");
    if let Some(other) = map.get("additionalProperties").filter(|v| !v.is_null()) {
        let at = path.child("additionalProperties");
        if properties.is_some_and(|p| !p.is_empty()) && other.as_bool() != Some(true) {
            let why = "additionalProperties and properties are mutual exclusive";
            errors.push(Error::forbidden(&at, why));
        }
        if let Some(m) = other.as_object() {
            let why = Some("inside additionalProperties applying to object metadata");
            let no_defaults = if context.inside_meta {
                why
            } else {
                context.no_defaults
            };
            walk(
                m,
                &at,
                Context {
                    no_defaults,
                    ..context
                },
                false,
                errors,
            );
        }
    }
    let resource = root || flag(map, "x-kubernetes-embedded-resource");
    for (key, v) in properties.into_iter().flat_map(Map::iter) {
        let Some(m) = v.as_object() else { continue };
        let meta = resource && META.contains(&key.as_str());
        let why = format!("in top-level {key}");
        let context = Context {
            no_defaults: if meta && root {
                Some(&why)
            } else {
                context.no_defaults
            },
            inside_meta: context.inside_meta || meta,
        };
        walk(
            m,
            &path.child("properties").key(key),
            context,
            false,
            errors,
        );
    }
    junctors(map, &mut |m, at| walk(m, &at, context, false, errors), path);
    if let Some(items) = object(map, "items") {
        walk(items, &path.child("items"), context, false, errors);
    }
}

/// An extension that goes with one type, and its values.
fn kinds(map: &Map, key: &str, ty: &str, values: &[&str], path: &Path, errors: &mut Errors) {
    if !set(map, key) {
        return;
    }
    let at = path.child("type");
    let given = text(map, "type");
    if given != ty {
        let why = format!("must be {ty} if {key} is specified");
        errors.push(match given {
            "" => Error::required(&at, why),
            given => Error::invalid(&at, given, why),
        });
    }
    let value = text(map, key);
    if !values.contains(&value) {
        errors.push(Error::not_supported(&path.child(key), value, values));
    }
}

fn list_items(map: &Map, path: &Path, errors: &mut Errors) {
    if text(map, "x-kubernetes-list-type") != "set" || text(map, "type") != "array" {
        return;
    }
    let Some(items) = object(map, "items") else {
        return;
    };
    let why = "must be atomic as item of a list with x-kubernetes-list-type=set";
    let given = |key| items.get(key).cloned().unwrap_or_default();
    match text(items, "type") {
        "array" if !matches!(text(items, "x-kubernetes-list-type"), "" | "atomic") => {
            let key = "x-kubernetes-list-type";
            errors.push(Error::invalid(
                &path.child("items").child(key),
                given(key),
                why,
            ));
        }
        "object" if text(items, "x-kubernetes-map-type") != "atomic" => {
            let at = path.child("items").child("x-kubernetes-map-type");
            errors.push(Error::invalid(&at, given("x-kubernetes-list-type"), why));
        }
        _ => {}
    }
}

fn list_keys(map: &Map, path: &Path, errors: &mut Errors) {
    let list_type = text(map, "x-kubernetes-list-type");
    let keys = list(map, "x-kubernetes-list-map-keys");
    let at = path.child("x-kubernetes-list-type");
    if !keys.is_empty() && list_type != "map" {
        let why = "must be map if x-kubernetes-list-map-keys is non-empty";
        errors.push(if set(map, "x-kubernetes-list-type") {
            Error::invalid(&at, list_type, why)
        } else {
            Error::required(&at, why)
        });
    }
    let items = object(map, "items");
    if list_type == "map" {
        if keys.is_empty() {
            let why = "must not be empty if x-kubernetes-list-type is map";
            errors.push(Error::required(
                &path.child("x-kubernetes-list-map-keys"),
                why,
            ));
        }
        match items {
            None => {
                let why = "must have a schema if x-kubernetes-list-type is map";
                errors.push(Error::required(&path.child("items"), why));
            }
            Some(m) if text(m, "type") != "object" => {
                let why = "must be object if parent array's x-kubernetes-list-type is map";
                let at = path.child("items").child("type");
                errors.push(Error::invalid(&at, text(m, "type"), why));
            }
            Some(m) => key_properties(m, keys, path, errors),
        }
    }
    if let Some(items) = items.filter(|_| matches!(list_type, "map" | "set")) {
        item_rules(items, list_type, keys, &path.child("items"), errors);
    }
}

/// Keys name scalar properties, each once.
fn key_properties(items: &Map, keys: &[Value], path: &Path, errors: &mut Errors) {
    let mut seen: Vec<&str> = Vec::new();
    let at = path.child("x-kubernetes-list-map-keys");
    for key in keys.iter().filter_map(Value::as_str) {
        match object(items, "properties").and_then(|p| object(p, key)) {
            Some(m) if matches!(text(m, "type"), "array" | "object") => {
                let at = path
                    .child("items")
                    .child("properties")
                    .key(key)
                    .child("type");
                let why = "must be a scalar type if parent array's x-kubernetes-list-type is map";
                errors.push(Error::invalid(&at, "object", why));
            }
            Some(_) => {}
            None => {
                let why = "entries must all be names of item properties";
                errors.push(Error::invalid(&at, Value::from(keys.to_vec()), why));
            }
        }
        if seen.contains(&key) {
            let why = "must not contain duplicate entries";
            errors.push(Error::invalid(&at, Value::from(keys.to_vec()), why));
        }
        seen.push(key);
    }
}

fn item_rules(items: &Map, list_type: &str, keys: &[Value], at: &Path, errors: &mut Errors) {
    if flag(items, "nullable") {
        let why = format!("cannot be nullable when x-kubernetes-list-type is {list_type}");
        errors.push(Error::forbidden(&at.child("nullable"), why));
    }
    if list_type != "map" {
        return;
    }
    let required = list(items, "required");
    for key in keys.iter().filter_map(Value::as_str) {
        let Some(m) = object(items, "properties").and_then(|p| object(p, key)) else {
            continue;
        };
        let at = at.child("properties").key(key);
        if !set(m, "default") && !required.iter().any(|r| r.as_str() == Some(key)) {
            let why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
            errors.push(Error::required(&at.child("default"), why));
        }
        if flag(m, "nullable") {
            let why = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            errors.push(Error::forbidden(&at.child("nullable"), why));
        }
    }
}
