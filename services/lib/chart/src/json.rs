//! Between the trees of `catena-objects` and those of `serde_json`.

use catena_objects as objects;
use serde_json::{Map, Number, Value};

/// A tree as JSON. Floats that JSON cannot say are null.
pub(crate) fn of_tree(tree: &objects::Value) -> Value {
    match tree {
        objects::Value::Null => Value::Null,
        objects::Value::Bool(b) => Value::Bool(*b),
        objects::Value::Int(i) => Value::from(*i),
        objects::Value::Float(f) => Number::from_f64(*f).map_or(Value::Null, Value::Number),
        objects::Value::String(s) => Value::String(s.to_string()),
        objects::Value::Array(items) => items.iter().map(of_tree).collect(),
        objects::Value::Object(members) => {
            let members = members.iter().map(|(k, v)| (k.to_string(), of_tree(v)));
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}
