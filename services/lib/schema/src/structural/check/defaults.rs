//! Defaults must be valid by the schema that they stand in, and pruned.

use catena_objects::{
    Map, Value,
    field::{Error, Errors, Path},
    json,
};

use crate::structural;

pub(super) fn check(schema: &Value, path: &Path, errors: &mut Errors) {
    let Some(map) = schema.as_object() else {
        return;
    };
    if let Some(default) = map.get("default").filter(|d| !d.is_null())
        && let Ok(mut node) = structural::parse(schema)
    {
        let at = path.child("default");
        let mut pruned = default.clone();
        structural::prune_default(&node, &mut pruned);
        if pruned != *default {
            errors.push(Error::invalid(
                &at,
                default.clone(),
                "must not have unknown fields",
            ));
        }
        node.default = None;
        let ty = map.get("type").and_then(Value::as_str).unwrap_or_default();
        if !ty.is_empty() && !super::openapi::TYPES.contains(&ty) {
            // No value has a type that does not exist.
            let got = default.type_name();
            let why = format!(" in body must be of type {ty}: {}", json::go_quote(got));
            errors.push(Error::type_invalid(&at, got, why));
        }
        errors.extend(structural::validate(&node, default, Some(&at)));
    }
    if let Some(items) = map.get("items") {
        check(items, &path.child("items"), errors);
    }
    let properties = map.get("properties").and_then(Value::as_object);
    for (key, v) in properties.into_iter().flat_map(Map::iter) {
        check(v, &path.child("properties").key(key), errors);
    }
}
