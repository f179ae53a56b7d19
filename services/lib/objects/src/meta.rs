//! Rules of `metadata` (`k8s.io/apimachinery/pkg/api/validation/objectmeta.go`), with its messages.

mod conditions;
mod options;
#[cfg(test)]
mod tests;

pub use conditions::validate_conditions;
pub use options::{
    FIELD_MANAGER_MAX, validate_create_options, validate_delete_options, validate_dry_run,
    validate_field_manager, validate_field_validation, validate_patch_options,
};

use std::collections::BTreeSet;

use crate::field::{Error, Errors, Path};
use crate::{Map, Value, gvk, names};

/// Most bytes of all annotation keys and values of an object.
pub const ANNOTATIONS_MAX_BYTES: usize = 256 * 1024;
/// Longest subresource name in managedFields, in bytes.
const SUBRESOURCE_MAX: usize = 256;
/// Bytes of `generateName` that are kept: a label without the random suffix.
const GENERATED_BASE_MAX: usize = names::LABEL_MAX - 5;
const IMMUTABLE: &str = "field is immutable";

/// Judges a name (`false`) or the start of one (`true`).
pub type NameFn<'a> = &'a dyn Fn(&str, bool) -> Vec<String>;

/// `base` (at most 58 bytes of it) and five random characters without vowels,
/// so that no words come out (`names.SimpleNameGenerator`).
pub fn generate_name(base: &str) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut cut = base.len().min(GENERATED_BASE_MAX);
    while !base.is_char_boundary(cut) {
        cut -= 1;
    }
    let mut out = base[..cut].to_owned();
    for _ in 0..5 {
        out.push(ALPHABET[rand::random_range(0..ALPHABET.len())] as char);
    }
    out
}

/// Members in byte order of their names: Go's order is random, ours is stable.
fn sorted(map: Option<&Value>) -> Vec<(&str, &str)> {
    let mut out: Vec<(&str, &str)> = map
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::iter)
        .map(|(k, v)| (k.as_str(), v.as_str().unwrap_or_default()))
        .collect();
    out.sort_unstable();
    out
}

/// `ValidateLabels`: keys and values of a label map.
pub fn validate_labels(labels: Option<&Value>, path: &Path) -> Errors {
    let mut out = Errors::new();
    for (key, value) in sorted(labels) {
        out.extend(validate_label_name(key, path));
        for why in names::label_value(value) {
            out.push(Error::invalid(path, value, why));
        }
    }
    out
}

/// `ValidateLabelName`.
pub fn validate_label_name(key: &str, path: &Path) -> Errors {
    Errors(
        names::label_key(key)
            .into_iter()
            .map(|why| Error::invalid(path, key, why))
            .collect(),
    )
}

/// `ValidateAnnotations`: keys, and the size of all together.
pub fn validate_annotations(annotations: Option<&Value>, path: &Path) -> Errors {
    let mut out = Errors::new();
    let mut total = 0;
    for (key, value) in sorted(annotations) {
        total += key.len() + value.len();
        for why in names::label_key(&key.to_lowercase()) {
            out.push(Error::invalid(path, key, why));
        }
    }
    if total > ANNOTATIONS_MAX_BYTES {
        out.push(Error::too_long(path, ANNOTATIONS_MAX_BYTES));
    }
    out
}

fn validate_owner_reference(reference: &Value, path: &Path) -> Errors {
    let mut out = Errors::new();
    let api_version = reference.str_at(&["apiVersion"]);
    let parsed = gvk::GroupVersion::parse(api_version).unwrap_or_default();
    if parsed.version.is_empty() {
        let at = path.child("apiVersion");
        out.push(Error::invalid(
            &at,
            api_version,
            "version must not be empty",
        ));
    }
    for member in ["kind", "name", "uid"] {
        if reference.str_at(&[member]).is_empty() {
            out.push(Error::invalid(&path.child(member), "", "must not be empty"));
        }
    }
    if api_version == "v1" && reference.str_at(&["kind"]) == "Event" {
        let why = "/v1, Kind=Event is disallowed from being an owner";
        out.push(Error::invalid(path, reference.clone(), why));
    }
    out
}

/// `ValidateOwnerReferences`.
pub fn validate_owner_references(references: &[Value], path: &Path) -> Errors {
    let mut out = Errors::new();
    let mut first: Option<String> = None;
    for reference in references {
        out.extend(validate_owner_reference(reference, path));
        if reference.bool_at(&["controller"]) != Some(true) {
            continue;
        }
        let current = format!(
            "{}/{}",
            reference.str_at(&["kind"]),
            reference.str_at(&["name"])
        );
        match &first {
            None => first = Some(current),
            Some(first) => {
                let why = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {current}"
                );
                out.push(Error::invalid(path, references.to_vec(), why));
            }
        }
    }
    out
}

/// `ValidateFinalizers`.
pub fn validate_finalizers(finalizers: &[Value], path: &Path) -> Errors {
    let mut out = Errors::new();
    for name in finalizers.iter().filter_map(Value::as_str) {
        for why in names::label_key(name) {
            out.push(Error::invalid(path, name, why));
        }
    }
    let has = |name: &str| finalizers.iter().any(|f| f.as_str() == Some(name));
    if has("orphan") && has("foregroundDeletion") {
        let why = "finalizer orphan and foregroundDeletion cannot be both set";
        out.push(Error::invalid(path, finalizers.to_vec(), why));
    }
    out
}

/// `ValidateManagedFields`.
pub fn validate_managed_fields(entries: &[Value], path: &Path) -> Errors {
    let mut out = Errors::new();
    for (i, entry) in entries.iter().enumerate() {
        let path = path.index(i);
        let operation = entry.str_at(&["operation"]);
        if !matches!(operation, "Apply" | "Update") {
            let at = path.child("operation");
            out.push(Error::invalid(
                &at,
                operation,
                "must be `Apply` or `Update`",
            ));
        }
        let fields_type = entry.str_at(&["fieldsType"]);
        if !matches!(fields_type, "" | "FieldsV1") {
            let at = path.child("fieldsType");
            out.push(Error::invalid(&at, fields_type, "must be `FieldsV1`"));
        }
        let manager = entry.str_at(&["manager"]);
        out.extend(validate_field_manager(manager, &path.child("manager")));
        if entry.str_at(&["subresource"]).len() > SUBRESOURCE_MAX {
            out.push(Error::too_long(&path.child("subresource"), SUBRESOURCE_MAX));
        }
    }
    out
}

/// `ValidateObjectMeta`: `meta` is the object's `metadata`, names are already generated.
pub fn validate_object_meta(
    meta: &Value,
    namespaced: bool,
    name_fn: NameFn<'_>,
    path: &Path,
) -> Errors {
    let mut out = Errors::new();
    let generate = meta.str_at(&["generateName"]);
    if !generate.is_empty() {
        for why in name_fn(generate, true) {
            out.push(Error::invalid(&path.child("generateName"), generate, why));
        }
    }
    let name = meta.str_at(&["name"]);
    let at = path.child("name");
    if name.is_empty() {
        out.push(Error::required(&at, "name or generateName is required"));
    } else {
        for why in name_fn(name, false) {
            out.push(Error::invalid(&at, name, why));
        }
    }
    let namespace = meta.str_at(&["namespace"]);
    let at = path.child("namespace");
    if !namespaced {
        if !namespace.is_empty() {
            out.push(Error::forbidden(&at, "not allowed on this type"));
        }
    } else if namespace.is_empty() {
        out.push(Error::required(&at, ""));
    } else {
        for why in names::dns1123_label(namespace, false) {
            out.push(Error::invalid(&at, namespace, why));
        }
    }
    if let Some(generation) = meta.i64_at(&["generation"]).filter(|g| *g < 0) {
        let why = "must be greater than or equal to 0";
        out.push(Error::invalid(&path.child("generation"), generation, why));
    }
    out.extend(validate_labels(meta.get("labels"), &path.child("labels")));
    out.extend(validate_annotations(
        meta.get("annotations"),
        &path.child("annotations"),
    ));
    out.extend(validate_owner_references(
        meta.items_at(&["ownerReferences"]),
        &path.child("ownerReferences"),
    ));
    out.extend(validate_finalizers(
        meta.items_at(&["finalizers"]),
        &path.child("finalizers"),
    ));
    out.extend(validate_managed_fields(
        meta.items_at(&["managedFields"]),
        &path.child("managedFields"),
    ));
    out
}

/// `ValidateImmutableField`: absent, null and empty are the same.
pub fn validate_immutable(new: Option<&Value>, old: Option<&Value>, path: &Path) -> Errors {
    let plain = |v: Option<&Value>| v.cloned().unwrap_or_default();
    let (new, old) = (plain(new), plain(old));
    if new == old || (is_empty(&new) && is_empty(&old)) {
        return Errors::new();
    }
    Errors(vec![Error::invalid(path, new, IMMUTABLE)])
}

fn is_empty(v: &Value) -> bool {
    match v {
        Value::Null => true,
        Value::String(s) => s.is_empty(),
        Value::Array(a) => a.is_empty(),
        Value::Object(m) => m.is_empty(),
        _ => false,
    }
}

/// `ValidateNoNewFinalizers`.
fn validate_no_new_finalizers(new: &Value, old: &Value, path: &Path) -> Errors {
    let set = |m: &Value| -> BTreeSet<String> {
        m.items_at(&["finalizers"])
            .iter()
            .filter_map(|f| f.as_str().map(str::to_owned))
            .collect()
    };
    let old = set(old);
    let extra: Vec<String> = set(new)
        .difference(&old)
        .map(|f| crate::json::go_quote(f))
        .collect();
    if extra.is_empty() {
        return Errors::new();
    }
    let why = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        extra.join(", ")
    );
    Errors(vec![Error::forbidden(path, why)])
}

/// `ValidateObjectMetaUpdate`: both are `metadata` of objects.
pub fn validate_object_meta_update(new: &Value, old: &Value, path: &Path) -> Errors {
    let mut out = Errors::new();
    if old.get("deletionTimestamp").is_some_and(|t| !t.is_null()) {
        out.extend(validate_no_new_finalizers(
            new,
            old,
            &path.child("finalizers"),
        ));
    }
    if new.str_at(&["resourceVersion"]).is_empty() {
        let at = path.child("resourceVersion");
        out.push(Error::invalid(&at, "", "must be specified for an update"));
    }
    let generation = |m: &Value| m.i64_at(&["generation"]).unwrap_or(0);
    if generation(new) < generation(old) {
        let at = path.child("generation");
        out.push(Error::invalid(
            &at,
            generation(new),
            "must not be decremented",
        ));
    }
    for member in ["name", "namespace", "uid"] {
        let text = |m: &Value| Value::from(m.str_at(&[member]));
        out.extend(validate_immutable(
            Some(&text(new)),
            Some(&text(old)),
            &path.child(member),
        ));
    }
    for member in [
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ] {
        out.extend(validate_immutable(
            new.get(member),
            old.get(member),
            &path.child(member),
        ));
    }
    out.extend(validate_labels(new.get("labels"), &path.child("labels")));
    out.extend(validate_annotations(
        new.get("annotations"),
        &path.child("annotations"),
    ));
    out.extend(validate_owner_references(
        new.items_at(&["ownerReferences"]),
        &path.child("ownerReferences"),
    ));
    out.extend(validate_managed_fields(
        new.items_at(&["managedFields"]),
        &path.child("managedFields"),
    ));
    out
}

/// `metadata.name` of an object.
pub fn name(object: &Value) -> &str {
    object.str_at(&["metadata", "name"])
}

/// `metadata.namespace` of an object.
pub fn namespace(object: &Value) -> &str {
    object.str_at(&["metadata", "namespace"])
}

/// `metadata.uid` of an object.
pub fn uid(object: &Value) -> &str {
    object.str_at(&["metadata", "uid"])
}

/// `metadata.resourceVersion` of an object.
pub fn resource_version(object: &Value) -> &str {
    object.str_at(&["metadata", "resourceVersion"])
}

/// The value of a label of an object.
pub fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.at(&["metadata", "labels"])?.get(key)?.as_str()
}

/// The value of an annotation of an object.
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.at(&["metadata", "annotations"])?.get(key)?.as_str()
}

/// Whether deletion of the object has begun.
pub fn is_deleting(object: &Value) -> bool {
    !object.str_at(&["metadata", "deletionTimestamp"]).is_empty()
}

/// Whether the object has this finalizer.
pub fn has_finalizer(object: &Value, name: &str) -> bool {
    object
        .items_at(&["metadata", "finalizers"])
        .iter()
        .any(|f| f.as_str() == Some(name))
}
