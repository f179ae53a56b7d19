//! Bodies of writes: bytes to an object in the storage version.

mod deletion;

use bytes::Bytes;
use catena_objects::{Status, Value, field, json, yaml};
use catena_registry::{Resource, Version};
use catena_telemetry::trace;

use crate::{
    negotiate::{self, Format},
    query::FieldValidation,
};

pub use deletion::delete_options;

/// A decoded body and what the client is warned about.
#[derive(Clone, Debug)]
pub struct Decoded {
    pub object: Value,
    pub warnings: Vec<String>,
}

/// A tree and the problems of its text, as clients are told them.
struct Tree {
    value: Value,
    repeated: Vec<String>,
}

/// How goyaml begins when it tells of repeated keys, a line each.
pub(crate) const YAML_ERRORS: &str = "yaml: unmarshal errors:\n  ";

/// Decodes the body of a create or update of `resource` in `version`.
pub fn object(
    resource: &Resource,
    version: &Version,
    content_type: &str,
    body: &Bytes,
    validation: FieldValidation,
) -> Result<Decoded, Status> {
    let _span = trace::span("decode");
    let format = negotiate::input(content_type, resource.custom)?;
    let tree = parse(format, body).map_err(|why| unrecognized(&resource.kind, &why, body))?;
    let mut value = tree.value;
    if !matches!(value, Value::Object(_)) {
        let why = match value {
            Value::Null if resource.custom => "Object 'Kind' is missing in 'null'".to_owned(),
            ref other => no_object(other),
        };
        return Err(unrecognized(&resource.kind, &why, body));
    }
    check_kind(resource, version, body, &mut value)?;
    finish(resource, version, value, tree.repeated, validation)
}

/// Checks a tree against the schema and brings it to the storage version.
pub fn finish(
    resource: &Resource,
    version: &Version,
    value: Value,
    duplicates: Vec<String>,
    validation: FieldValidation,
) -> Result<Decoded, Status> {
    let handled = |why: &str| {
        Status::bad_request(format!(
            "{} in version {:?} cannot be handled as a {}: {why}",
            resource.kind, version.name, resource.kind
        ))
    };
    decode(resource, version, value, duplicates, validation).map_err(|why| handled(&why))
}

/// As [`finish`], with the plain reason of a failure.
pub(crate) fn decode(
    resource: &Resource,
    version: &Version,
    mut value: Value,
    duplicates: Vec<String>,
    validation: FieldValidation,
) -> Result<Decoded, String> {
    keep_reset(&mut value);
    let mut decoded = catena_schema::decode_object(&version.schema, value, resource.custom)
        .map_err(|e| e.to_string())?;
    // Conversions know of no empty maps.
    let converted = version.conversion.is_some() || resource.storage_group() != resource.group;
    if converted && !resource.custom {
        decoded.value = catena_schema::ordered(&version.schema, decoded.value);
    }
    let mut problems: Vec<String> = Vec::new();
    if validation != FieldValidation::Ignore {
        problems.extend(duplicates);
        let unknown = decoded.unknown.iter();
        problems.extend(unknown.map(|f| format!("unknown field {f:?}")));
    }
    if validation == FieldValidation::Strict && !problems.is_empty() {
        return Err(strict(&problems));
    }
    Ok(Decoded {
        object: to_storage(resource, version, decoded.value),
        warnings: problems,
    })
}

/// An empty list forgets the owners of all fields, as one of an empty entry does
/// (`isResetManagedFields`), but only the latter is not left out as empty.
fn keep_reset(value: &mut Value) {
    let entries = ["metadata", "managedFields"];
    if matches!(value.at(&entries), Some(Value::Array(list)) if list.is_empty()) {
        value.set(&entries, vec![Value::object()]);
    }
}

/// Whether there is an empty map in a tree.
pub(crate) fn has_empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty() || map.values().any(has_empty),
        Value::Array(items) => items.iter().any(has_empty),
        _ => false,
    }
}

/// All problems as one error. Those of YAML are lines of a single one.
fn strict(problems: &[String]) -> String {
    let of_yaml = |p: &&String| p.ends_with(" already set in map");
    let lines: Vec<&str> = problems
        .iter()
        .filter(of_yaml)
        .map(String::as_str)
        .collect();
    let rest = problems.iter().filter(|p| !of_yaml(p)).cloned();
    let yaml = (!lines.is_empty()).then(|| format!("{YAML_ERRORS}{}", lines.join("\n  ")));
    let all: Vec<String> = yaml.into_iter().chain(rest).collect();
    format!("strict decoding error: {}", all.join(", "))
}

fn duplicate_fields(paths: &[String]) -> Vec<String> {
    let text = |path: &String| format!("duplicate field {path:?}");
    paths.iter().map(text).collect()
}

/// An object of a served version in the storage version.
pub fn to_storage(resource: &Resource, version: &Version, object: Value) -> Value {
    let mut object = match &version.conversion {
        Some(c) => c.to_storage(object),
        None => object,
    };
    object.set(&["apiVersion"], resource.storage_api_version());
    object
}

/// An object of the storage version in a served version.
pub fn from_storage(resource: &Resource, version: &Version, object: Value) -> Value {
    let mut object = match &version.conversion {
        Some(c) => catena_schema::canonical(&version.schema, c.from_storage(object)),
        None => object,
    };
    object.set(&["apiVersion"], api_version(&resource.group, &version.name));
    object
}

pub(crate) fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    }
}

/// A body of another kind than the resource's (subresources, reviews), in its
/// version or in one of the older ones with the same fields.
pub fn other(
    (group, version, kind): (&str, &str, &str),
    older: &[&str],
    content_type: &str,
    body: &Bytes,
    validation: FieldValidation,
) -> Result<Decoded, Status> {
    let _span = trace::span("decode");
    let format = negotiate::input(content_type, false)?;
    let tree = parse(format, body).map_err(|why| unrecognized(kind, &why, body))?;
    let mut value = tree.value;
    if matches!(value, Value::Object(_)) {
        let own = api_version(group, version);
        if older.contains(&value.str_at(&["apiVersion"])) {
            value.set(&["apiVersion"], own.as_str());
        }
        same_kind(&own, version, kind, &mut value)?;
    }
    let Some(node) = catena_schema::builtin(group, version, kind) else {
        return Ok(Decoded {
            object: value,
            warnings: Vec::new(),
        });
    };
    let handled = |why: &str| {
        Status::bad_request(format!(
            "{kind} in version {version:?} cannot be handled as a {kind}: {why}"
        ))
    };
    let decoded =
        catena_schema::decode_object(&node, value, false).map_err(|e| handled(&e.to_string()))?;
    let mut problems: Vec<String> = Vec::new();
    if validation != FieldValidation::Ignore {
        problems = tree.repeated;
        let unknown = decoded.unknown.iter();
        problems.extend(unknown.map(|f| format!("unknown field {f:?}")));
    }
    if validation == FieldValidation::Strict && !problems.is_empty() {
        return Err(handled(&strict(&problems)));
    }
    Ok(Decoded {
        object: decoded.value,
        warnings: problems,
    })
}

/// What is no object has no kind.
fn no_object(value: &Value) -> String {
    let kind = match value {
        Value::Bool(_) => "bool",
        Value::Int(_) => "number",
        other => other.type_name(),
    };
    format!(
        "couldn't get version/kind; json parse error: json: cannot unmarshal {kind} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
    )
}

fn parse(format: Format, body: &Bytes) -> Result<Tree, String> {
    match format {
        Format::Json => json::parse_strict(body)
            .map(|p| Tree {
                value: p.value,
                repeated: duplicate_fields(&p.duplicates),
            })
            .map_err(|e| format!("couldn't get version/kind; json parse error: {e}")),
        Format::Yaml => yaml::parse(body)
            .map(|p| Tree {
                value: p.value,
                repeated: p.duplicates,
            })
            .map_err(|e| e.to_string()),
        Format::Cbor => catena_cbor::decode(body)
            .map(|value| Tree {
                value,
                repeated: Vec::new(),
            })
            .map_err(|e| format!("unable to determine group/version/kind: {e}")),
        Format::Protobuf => {
            if !body.starts_with(catena_protobuf::MAGIC) {
                return Err("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]".to_owned());
            }
            catena_protobuf::decode_envelope(body)
                .map(|value| Tree {
                    value,
                    repeated: Vec::new(),
                })
                .map_err(|e| e.to_string())
        }
    }
}

/// The body's own kind must be the resource's; absent ones are filled in.
fn check_kind(
    resource: &Resource,
    version: &Version,
    body: &Bytes,
    value: &mut Value,
) -> Result<(), Status> {
    let expected = api_version(&resource.group, &version.name);
    let bad = |why: &str| unrecognized(&resource.kind, why, body);
    let text = |member: &str| type_meta(value, member).map_err(|why| bad(&why));
    let (given, kind) = (text("apiVersion")?.to_owned(), text("kind")?.to_owned());
    if given.matches('/').count() > 1 {
        return Err(bad(&format!("unexpected GroupVersion string: {given}")));
    }
    if !resource.custom {
        return same_kind(&expected, &version.name, &resource.kind, value);
    }
    if kind.is_empty() {
        let shown = String::from_utf8_lossy(body);
        return Err(bad(&format!("Object 'Kind' is missing in '{shown}'")));
    }
    if given != expected {
        return Err(Status::bad_request(format!(
            "the API version in the data ({given}) does not match the expected API version ({expected})"
        )));
    }
    if kind != resource.kind {
        return Err(other_custom(resource, version, value));
    }
    Ok(())
}

/// A member of `TypeMeta`; "" when it is absent.
///
/// # Errors
/// It is no text, in the words of Go's decoder.
pub(crate) fn type_meta<'a>(value: &'a Value, member: &str) -> Result<&'a str, String> {
    match value.get(member) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(s)) => Ok(s.as_str()),
        Some(other) => {
            let what = match other {
                Value::Bool(_) => "bool",
                Value::Int(_) => "number",
                other => other.type_name(),
            };
            Err(format!(
                "couldn't get version/kind; json parse error: json: cannot unmarshal {what} into Go struct field .{member} of type string"
            ))
        }
    }
}

/// A custom object of another kind or version: its validator says so.
pub(crate) fn other_custom(resource: &Resource, version: &Version, value: &Value) -> Status {
    let expected = api_version(&resource.group, &version.name);
    let mut errors = field::Errors::new();
    for (member, wanted) in [("kind", &resource.kind), ("apiVersion", &expected)] {
        let given = value.str_at(&[member]);
        if given != *wanted {
            let why = format!("must be {wanted}");
            errors.push(field::Error::invalid(&field::Path::new(member), given, why));
        }
    }
    let group = value.str_at(&["apiVersion"]).split_once('/');
    let name = value.str_at(&["metadata", "name"]);
    let (group, kind) = (group.map_or("", |(g, _)| g), value.str_at(&["kind"]));
    Status::invalid(group, kind, name, &errors)
}

/// As [`check_kind`], for any kind.
fn same_kind(expected: &str, version: &str, kind: &str, value: &mut Value) -> Result<(), Status> {
    for (member, wanted) in [("apiVersion", expected), ("kind", kind)] {
        if value.str_at(&[member]).is_empty() {
            value.set(&[member], wanted);
        }
    }
    let (given, given_kind) = (value.str_at(&["apiVersion"]), value.str_at(&["kind"]));
    if given == expected && given_kind == kind {
        return Ok(());
    }
    let (group, _) = expected.split_once('/').unwrap_or(("", expected));
    let builtin = catena_schema::builtin(group, version, kind).is_some();
    let (given_group, given_version) = given.split_once('/').unwrap_or(("", given));
    let known = catena_schema::builtin(given_group, given_version, given_kind).is_some();
    let handled = |why: &str| {
        Status::bad_request(format!(
            "{given_kind} in version {given_version:?} cannot be handled as a {kind}: {why}"
        ))
    };
    if builtin && !known {
        let scheme = scheme(group);
        return Err(handled(&format!(
            "no kind {given_kind:?} is registered for version {given:?} in scheme {scheme:?}"
        )));
    }
    if given != expected {
        return Err(Status::bad_request(format!(
            "the API version in the data ({given}) does not match the expected API version ({expected})"
        )));
    }
    if !builtin {
        return Err(handled(&format!(
            "converting ({given_kind}) to ({kind}): unknown conversion"
        )));
    }
    let internal = match group.split('.').next() {
        Some("" | "events") | None => "core",
        Some(first) => first,
    };
    Err(handled(&format!(
        "converting ({given_version}.{given_kind}) to ({internal}.{kind}): unknown conversion"
    )))
}

/// Where kube-apiserver makes the registry of kinds of the server of a group.
pub(crate) fn scheme(group: &str) -> &'static str {
    match group {
        "apiregistration.k8s.io" => "pkg/apiserver/scheme/scheme.go:28",
        "apiextensions.k8s.io" => "pkg/apiserver/apiserver.go:55",
        _ => "pkg/api/legacyscheme/scheme.go:30",
    }
}

fn unrecognized(kind: &str, why: &str, body: &Bytes) -> Status {
    Status::bad_request(format!(
        "the object provided is unrecognized (must be of type {kind}): {why} ({})",
        summary(body)
    ))
}

/// The first 30 bytes: as text when they look like JSON, else as hexadecimal.
fn summary(body: &[u8]) -> String {
    const MOST: usize = 30;
    let head = &body[..body.len().min(MOST)];
    let more = if body.len() > MOST { " ..." } else { "" };
    match body.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => format!("{}{more}", String::from_utf8_lossy(head)),
        Some(_) => {
            let hex: String = head.iter().map(|b| format!("{b:02x}")).collect();
            format!("{hex}{more}")
        }
    }
}
