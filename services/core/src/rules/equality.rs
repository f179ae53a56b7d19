//! Equality of the API (`apiequality.Semantic`).

use catena_objects::Value;

/// Whether two values mean the same: absent, null, empty lists and empty maps are one.
/// Quantities are canonical once decoded, so they compare as text.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            std::sync::Arc::ptr_eq(x, y)
                || (x
                    .iter()
                    .all(|(k, v)| same(v, y.get(k).unwrap_or(&Value::Null)))
                    && y.iter().all(|(k, v)| x.contains_key(k) || empty(v)))
        }
        (Value::Array(x), Value::Array(y)) => {
            std::sync::Arc::ptr_eq(x, y)
                || (x.len() == y.len() && x.iter().zip(y.iter()).all(|(v, w)| same(v, w)))
        }
        _ => a == b || (empty(a) && empty(b)),
    }
}

/// Equality of a member of two objects.
pub fn same_at(a: &Value, b: &Value, path: &[&str]) -> bool {
    same(
        a.at(path).unwrap_or(&Value::Null),
        b.at(path).unwrap_or(&Value::Null),
    )
}

fn empty(v: &Value) -> bool {
    match v {
        Value::Null => true,
        Value::Array(a) => a.is_empty(),
        Value::Object(m) => m.is_empty(),
        _ => false,
    }
}
