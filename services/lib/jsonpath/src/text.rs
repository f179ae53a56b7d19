//! Values as text (`JSONPath.PrintResults`, Go's `%v`).

use catena_objects::{Value, json};

/// Trees as JSON, numbers and strings as they are.
pub fn text(v: &Value) -> String {
    match v {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Float(f) => float(*f),
        Value::String(s) => s.to_string(),
        Value::Array(_) | Value::Object(_) => json::to_string(v),
    }
}

/// Go's `%v` of a float64: the shortest digits, with an exponent from 1e-05 down and 1e+06 up.
fn float(f: f64) -> String {
    let scientific = format!("{f:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{f}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}
