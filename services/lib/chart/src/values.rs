//! Values of a user over those of a chart.

mod schema;

use serde_json::{Map, Value};

pub(crate) use schema::Schema;

/// `values` over `defaults`, as Helm's `CoalesceValues` does it for a chart without
/// dependencies: tables are merged, lists and scalars replaced. A null takes a key of
/// the chart away; where the chart has none, or null too, it stays.
pub(crate) fn coalesce(values: &Value, defaults: &Value) -> Value {
    let (Value::Object(values), Value::Object(defaults)) = (values, defaults) else {
        return defaults.clone();
    };
    let mut out = values.clone();
    for (key, default) in defaults {
        match out.get_mut(key) {
            None => {
                out.insert(key.clone(), default.clone());
            }
            // At the top a null goes whatever the chart has.
            Some(Value::Null) => {
                out.remove(key);
            }
            Some(Value::Object(table)) => {
                if let Value::Object(default) = default {
                    table_over(table, default);
                }
            }
            Some(_) => {}
        }
    }
    Value::Object(out)
}

/// `coalesceTablesFullKey`. The depth is that of the parser of the values.
fn table_over(values: &mut Map<String, Value>, defaults: &Map<String, Value>) {
    for (key, default) in defaults {
        match values.get_mut(key) {
            None => {
                values.insert(key.clone(), default.clone());
            }
            Some(Value::Null) => {
                if !default.is_null() {
                    values.remove(key);
                }
            }
            Some(Value::Object(table)) => {
                if let Value::Object(default) = default {
                    table_over(table, default);
                }
            }
            Some(_) => {}
        }
    }
}

/// Values files, one over the other, as `helm --values a --values b` merges them:
/// here a null is a value like others, which takes a key of the chart away later.
pub fn overlay(below: &mut Value, above: &Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                match below.get_mut(key) {
                    Some(old @ Value::Object(_)) if value.is_object() => overlay(old, value),
                    _ => {
                        below.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (below, above) => *below = above.clone(),
    }
}
