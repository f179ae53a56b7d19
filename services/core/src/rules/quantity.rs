//! Quantities in value trees.

use std::cmp::Ordering;

use catena_objects::{Value, quantity::Quantity};

/// The quantity of a value; what is no quantity reads as 0.
pub fn of(v: &Value) -> Option<Quantity> {
    match v {
        Value::String(s) => Quantity::parse(s).ok(),
        Value::Int(n) => Quantity::parse(&n.to_string()).ok(),
        _ => None,
    }
}

pub fn sign(v: &Value) -> i32 {
    of(v).map_or(0, |q| q.sign())
}

/// Order by amount; absent is 0.
pub fn cmp(a: &Value, b: &Value) -> Ordering {
    match (of(a), of(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(a), None) => a.sign().cmp(&0),
        (None, Some(b)) => 0.cmp(&b.sign()),
        (None, None) => Ordering::Equal,
    }
}

/// The canonical text.
pub fn text(v: &Value) -> String {
    of(v).map_or_else(|| "0".to_owned(), |q| q.to_string())
}

/// Whether nothing is left below one.
pub fn is_whole(v: &Value) -> bool {
    of(v).is_none_or(|q| q.milli_value() % 1000 == 0)
}

/// The sum as a value.
pub fn add(a: &Value, b: &Value) -> Value {
    match (of(a), of(b)) {
        (Some(a), Some(b)) => Value::from(a.add(&b).to_string()),
        (Some(_), None) => a.clone(),
        _ => b.clone(),
    }
}

/// The larger one.
pub fn max(a: &Value, b: &Value) -> Value {
    if cmp(a, b).is_ge() {
        a.clone()
    } else {
        b.clone()
    }
}
