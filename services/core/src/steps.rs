//! Small steps that the rules of many kinds share.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
};

/// One `Invalid` for each complaint about a text.
pub(crate) fn complaints(errors: &mut Errors, path: &Path, value: &str, texts: Vec<String>) {
    for text in texts {
        errors.push(Error::invalid(path, value, text));
    }
}

/// `NotSupported` unless `value` is one of `supported` (sorted, as Go prints a set).
pub(crate) fn one_of(errors: &mut Errors, path: &Path, value: &str, supported: &[&str]) {
    if !supported.contains(&value) {
        errors.push(Error::not_supported(path, value, supported));
    }
}

/// As [`one_of`], and `Required` when empty.
pub(crate) fn required_one_of(errors: &mut Errors, path: &Path, value: &str, supported: &[&str]) {
    if value.is_empty() {
        errors.push(Error::required(path, ""));
    } else {
        one_of(errors, path, value, supported);
    }
}

/// `ValidateImmutableField`.
pub(crate) fn immutable(
    errors: &mut Errors,
    path: &Path,
    new: Option<&Value>,
    old: Option<&Value>,
) {
    if !same(new, old) {
        let value = new.cloned().unwrap_or_default();
        errors.push(Error::invalid(path, value, "field is immutable"));
    }
}

/// Equality as `apiequality.Semantic.DeepEqual`: absent, null and empty are the same.
pub(crate) fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a.filter(|v| !is_empty(v)), b.filter(|v| !is_empty(v))) {
        (None, None) => true,
        (Some(Value::Object(x)), Some(Value::Object(y))) => {
            x.keys().chain(y.keys()).all(|k| same(x.get(k), y.get(k)))
        }
        (Some(Value::Array(x)), Some(Value::Array(y))) => {
            x.len() == y.len() && x.iter().zip(y.iter()).all(|(p, q)| same(Some(p), Some(q)))
        }
        (Some(x), Some(y)) => x == y,
        _ => false,
    }
}

/// Zero values of Go types.
pub(crate) fn is_empty(v: &Value) -> bool {
    match v {
        Value::Null => true,
        Value::String(s) => s.is_empty(),
        Value::Array(a) => a.is_empty(),
        Value::Object(m) => m.values().all(is_empty),
        _ => false,
    }
}

/// The strings of a list.
pub(crate) fn strings<'a>(v: &'a Value, path: &[&str]) -> Vec<&'a str> {
    v.items_at(path)
        .iter()
        .map(|s| s.as_str().unwrap_or_default())
        .collect()
}

/// The members of a map, none where it is absent.
pub(crate) fn members<'a>(
    v: &'a Value,
    path: &[&str],
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    v.at(path)
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|m| m.iter().map(|(k, v)| (k.as_str(), v)))
}

/// Whether a pointer field is set.
pub(crate) fn is_set(v: &Value, path: &[&str]) -> bool {
    v.at(path).is_some_and(|x| !x.is_null())
}

/// Copies a member from `old`, or removes it where `old` has none.
pub(crate) fn keep(object: &mut Value, old: &Value, path: &[&str]) {
    match old.at(path) {
        Some(v) => object.set(path, v.clone()),
        None => drop(object.unset(path)),
    }
}

/// Runs `change` on each item of a list; nothing is copied when the list is absent.
pub(crate) fn each(object: &mut Value, path: &[&str], mut change: impl FnMut(&mut Value)) {
    if object.items_at(path).is_empty() {
        return;
    }
    if let Some(items) = object.at_mut(path).and_then(Value::as_array_mut) {
        items.iter_mut().for_each(&mut change);
    }
}

/// `validateKubeFinalizerName` on every finalizer: one without a domain is a standard one.
pub(crate) fn kube_finalizers(object: &Value) -> Errors {
    const STANDARD: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];
    let mut errors = Errors::new();
    let path = Path::new("metadata").child("finalizers");
    for (i, name) in strings(object, &["metadata", "finalizers"])
        .into_iter()
        .enumerate()
    {
        if !name.contains('/') && !STANDARD.contains(&name) {
            let text = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(Error::invalid(&path.index(i), name, text));
        }
    }
    errors
}
