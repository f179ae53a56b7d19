//! Names of a definition.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    names::dns1035_label,
};

/// `ValidateCustomResourceDefinitionNames`.
pub(super) fn validate(names: Option<&Value>, path: &Path) -> Errors {
    let empty = Value::object();
    let names = names.unwrap_or(&empty);
    let mut errors = Errors::new();
    for key in ["plural", "singular"] {
        label(names.str_at(&[key]), &path.child(key), &mut errors);
    }
    for key in ["kind", "listKind"] {
        let name = names.str_at(&[key]);
        let why = dns1035_label(&name.to_lowercase(), false);
        if !name.is_empty() && !why.is_empty() {
            let text = format!(
                "may have mixed case, but should otherwise match: {}",
                why.join(",")
            );
            errors.push(Error::invalid(&path.child(key), name, text));
        }
    }
    each(names, "shortNames", path, &mut errors);
    let (kind, list_kind) = (names.str_at(&["kind"]), names.str_at(&["listKind"]));
    if !kind.is_empty() && kind == list_kind {
        let why = "kind and listKind may not be the same";
        errors.push(Error::invalid(&path.child("listKind"), list_kind, why));
    }
    each(names, "categories", path, &mut errors);
    errors
}

fn label(name: &str, at: &Path, errors: &mut Errors) {
    let why = dns1035_label(name, false);
    if !name.is_empty() && !why.is_empty() {
        errors.push(Error::invalid(at, name, why.join(",")));
    }
}

fn each(names: &Value, key: &str, path: &Path, errors: &mut Errors) {
    for (i, name) in names.items_at(&[key]).iter().enumerate() {
        let name = name.as_str().unwrap_or_default();
        let why = dns1035_label(name, false);
        if !why.is_empty() {
            errors.push(Error::invalid(
                &path.child(key).index(i),
                name,
                why.join(","),
            ));
        }
    }
}
