//! `schema` of a version.

use catena_cel::rules;
use catena_objects::{
    Value,
    field::{Error, Errors, Path},
};

/// Members that a root may have where the status has an endpoint of its own,
/// with Go's names, as the message lists them.
const ALLOWED: [(&str, &str); 22] = [
    ("description", "Description"),
    ("type", "Type"),
    ("format", "Format"),
    ("title", "Title"),
    ("maximum", "Maximum"),
    ("exclusiveMaximum", "ExclusiveMaximum"),
    ("minimum", "Minimum"),
    ("exclusiveMinimum", "ExclusiveMinimum"),
    ("maxLength", "MaxLength"),
    ("minLength", "MinLength"),
    ("pattern", "Pattern"),
    ("maxItems", "MaxItems"),
    ("minItems", "MinItems"),
    ("uniqueItems", "UniqueItems"),
    ("multipleOf", "MultipleOf"),
    ("required", "Required"),
    ("items", "Items"),
    ("properties", "Properties"),
    ("externalDocs", "ExternalDocs"),
    ("example", "Example"),
    (
        "x-kubernetes-preserve-unknown-fields",
        "XPreserveUnknownFields",
    ),
    ("x-kubernetes-validations", "XValidations"),
];

/// `validateCustomResourceDefinitionValidation`. A schema that was stored as it
/// is has been judged before.
pub(super) fn validate(
    version: &Value,
    status: bool,
    old: Option<&Value>,
    at: &Path,
    errors: &mut Errors,
) {
    let Some(schema) = version
        .at(&["schema", "openAPIV3Schema"])
        .filter(|s| !s.is_null())
    else {
        return;
    };
    let at = at.child("openAPIV3Schema");
    if status {
        root(schema, &at, errors);
    }
    let name = version.str_at(&["name"]);
    let stored = old.is_some_and(|o| {
        super::versions(o).iter().any(|v| {
            v.str_at(&["name"]) == name && v.at(&["schema", "openAPIV3Schema"]) == Some(schema)
        })
    });
    if !stored {
        errors.extend(rules::check(schema, &at));
    }
}

/// Validation of the status alone must not lose what the root says.
fn root(schema: &Value, at: &Path, errors: &mut Errors) {
    let ty = schema.str_at(&["type"]);
    if !ty.is_empty() && ty != "object" {
        let why = "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled";
        errors.push(Error::invalid(&at.child("type"), ty, why));
        return;
    }
    let zero = |v: &Value| match v {
        Value::Null => true,
        Value::Bool(b) => !b,
        Value::String(s) => s.is_empty(),
        _ => false,
    };
    let members = schema.as_object().into_iter().flatten();
    let odd = members
        .filter(|(_, v)| !zero(v))
        .any(|(k, _)| !ALLOWED.iter().any(|(a, _)| a == k));
    if odd {
        let list: Vec<&str> = ALLOWED.iter().map(|(_, go)| *go).collect();
        let why = format!(
            "only [{}] fields are allowed at the root of the schema if the status subresource is enabled",
            list.join(" ")
        );
        errors.push(Error::invalid(at, schema.clone(), why));
    }
}

/// Calls `each` on a schema and all below it.
pub(super) fn walk(schema: &Value, each: &mut dyn FnMut(&Value)) {
    let Some(map) = schema.as_object() else {
        return;
    };
    each(schema);
    for key in ["items", "not", "additionalProperties"] {
        if let Some(v) = map.get(key) {
            walk(v, each);
        }
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        for v in map.get(key).and_then(Value::as_array).unwrap_or_default() {
            walk(v, each);
        }
    }
    for v in map
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        walk(v.1, each);
    }
}

/// Every schema of a definition, those that versions share once.
pub(super) fn schemas(definition: &Value) -> Vec<&Value> {
    let mut out: Vec<&Value> = Vec::new();
    for v in super::versions(definition) {
        if let Some(s) = v
            .at(&["schema", "openAPIV3Schema"])
            .filter(|s| !out.contains(s))
        {
            out.push(s);
        }
    }
    out
}

/// Whether any schema of the definition has a default.
pub(super) fn has_defaults(definition: &Value) -> bool {
    let mut found = false;
    for s in schemas(definition) {
        walk(s, &mut |n| {
            found |= n.get("default").is_some_and(|d| !d.is_null())
        });
    }
    found
}
