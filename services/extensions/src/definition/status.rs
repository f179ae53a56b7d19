//! `status` of a definition.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
};

use super::{names as rules, stored_versions, versions};

/// Accepted names are names.
pub(super) fn names(object: &Value) -> Errors {
    let at = Path::new("status").child("acceptedNames");
    rules::validate(object.at(&["status", "acceptedNames"]), &at)
}

/// `ValidateCustomResourceDefinitionStatus` and `...StoredVersions`.
pub(super) fn validate(object: &Value) -> Errors {
    let mut errors = names(object);
    let at = Path::new("status").child("storedVersions");
    let stored = stored_versions(object);
    let shown = object
        .at(&["status", "storedVersions"])
        .cloned()
        .unwrap_or_default();
    if stored.is_empty() {
        errors.push(Error::invalid(
            &at,
            Value::Null,
            "must have at least one stored version",
        ));
        return errors;
    }
    let mut left: Vec<(usize, &str)> = stored.iter().copied().enumerate().collect();
    for v in versions(object) {
        let name = v.str_at(&["name"]);
        let known = left.iter().any(|(_, s)| *s == name);
        if v.bool_at(&["storage"]) == Some(true) && !known {
            let why = format!("must have the storage version {name}");
            errors.push(Error::invalid(&at, shown.clone(), why));
        }
        left.retain(|(_, s)| *s != name);
    }
    for (i, v) in left {
        let why = format!(
            "missing from spec.versions; {v} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {v} and removes {v} from status.storedVersions"
        );
        errors.push(Error::invalid(&at.index(i), v, why));
    }
    errors
}
