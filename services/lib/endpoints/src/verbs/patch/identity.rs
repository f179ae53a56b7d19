//! What a patched document says that it is.

use catena_objects::{Status, Value, json};
use catena_registry::{Resource, Version};

use crate::{
    body::{self, Decoded},
    query::FieldValidation,
};

pub(super) enum Identity<'a> {
    /// A version of the resource.
    Of(&'a Version),
    /// Another custom resource, and what its validator says.
    Refused(Box<Status>),
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
    if !matches!(document, Value::Object(_)) {
        return Err(format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}",
            document.type_name()
        ));
    }
    let kind = body::type_meta(document, "kind")?;
    let given = body::type_meta(document, "apiVersion")?;
    if given.matches('/').count() > 1 {
        return Err(format!("unexpected GroupVersion string: {given}"));
    }
    if resource.custom {
        return custom(resource, own, document, (given, kind));
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

fn custom<'a>(
    resource: &Resource,
    own: &'a Version,
    document: &Value,
    (given, kind): (&str, &str),
) -> Result<Identity<'a>, String> {
    if kind.is_empty() {
        let shown = json::to_string(document);
        return Err(format!("Object 'Kind' is missing in '{shown}'"));
    }
    if given.is_empty() {
        let why = "Object 'apiVersion' is missing in 'object has no apiVersion field'";
        return Ok(Identity::Refused(Box::new(Status::internal(why))));
    }
    let same = kind == resource.kind && given == body::api_version(&resource.group, &own.name);
    if same {
        return Ok(Identity::Of(own));
    }
    let status = body::other_custom(resource, own, document);
    Ok(Identity::Refused(Box::new(status)))
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
