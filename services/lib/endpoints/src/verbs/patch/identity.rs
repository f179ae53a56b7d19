//! What a patched document says that it is.

use catena_objects::Value;
use catena_registry::{Resource, Version};

use crate::{
    body::{self, Decoded},
    query::FieldValidation,
};

const PARSE_ERROR: &str = "couldn't get version/kind; json parse error: json: cannot unmarshal ";
const TYPE_META: &str = "struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }";

/// What `encoding/json` calls a value.
fn go_name(v: &Value) -> &'static str {
    match v {
        Value::Bool(_) => "bool",
        Value::Int(_) => "number",
        other => other.type_name(),
    }
}

pub(super) enum Identity<'a> {
    /// A version of the resource.
    Of(&'a Version),
    /// No version: kube-apiserver decodes into its internal type, which has no field
    /// that a document could name.
    None,
}

/// # Errors
/// The plain reason: no text, malformed, of a kind that is not the resource's.
pub(super) fn of<'a>(
    resource: &'a Resource,
    own: &'a Version,
    document: &Value,
) -> Result<Identity<'a>, String> {
    let text = |member: &str| match document.get(member) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(s)) => Ok(s.as_str()),
        Some(other) => Err(format!(
            "{PARSE_ERROR}{} into Go struct field .{member} of type string",
            go_name(other)
        )),
    };
    if !matches!(document, Value::Object(_)) {
        return Err(format!(
            "{PARSE_ERROR}{} into Go value of type {TYPE_META}",
            go_name(document)
        ));
    }
    let (kind, given) = (text("kind")?, text("apiVersion")?);
    if resource.custom {
        let known = kind == resource.kind;
        let why = || format!("the object is no {} any more", resource.kind);
        return known.then_some(Identity::Of(own)).ok_or_else(why);
    }
    if given.matches('/').count() > 1 {
        return Err(format!("unexpected GroupVersion string: {given}"));
    }
    let group = given.strip_suffix('/').unwrap_or(given);
    if group.is_empty() || (given.ends_with('/') && group == resource.group) {
        return Ok(Identity::None);
    }
    let named = |v: &&Version| body::api_version(&resource.group, &v.name) == given;
    let version = resource.versions.iter().find(named);
    // Kinds had other versions once, which kube-apiserver still decodes.
    let (old_group, old_version) = given.split_once('/').unwrap_or(("", given));
    let old = || catena_schema::builtin(old_group, old_version, &resource.kind).map(|_| own);
    match version
        .or_else(old)
        .filter(|_| kind.is_empty() || kind == resource.kind)
    {
        Some(version) => Ok(Identity::Of(version)),
        None => Err(format!(
            "no kind {kind:?} is registered for version {given:?} in scheme {:?}",
            body::scheme(&resource.group)
        )),
    }
}

/// A document without a version: all its fields are unknown, its name among them.
///
/// # Errors
/// When unknown fields are.
pub(super) fn unversioned(
    document: &Value,
    mut problems: Vec<String>,
    validation: FieldValidation,
) -> Result<Decoded, String> {
    let mut names: Vec<&str> = document
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .filter(|name| !matches!(*name, "kind" | "apiVersion"))
        .collect();
    names.sort_unstable();
    problems.extend(names.iter().map(|n| format!("unknown field {n:?}")));
    match validation {
        FieldValidation::Ignore => problems.clear(),
        FieldValidation::Strict if !problems.is_empty() => {
            return Err(format!("strict decoding error: {}", problems.join(", ")));
        }
        FieldValidation::Strict | FieldValidation::Warn => {}
    }
    Ok(Decoded {
        object: Value::object(),
        warnings: problems,
    })
}
