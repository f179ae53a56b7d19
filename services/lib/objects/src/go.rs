//! How Go's `fmt` shows decoded values, in which some messages quote them.

use crate::{Value, json};

/// `%v`: `map[a:1 b:[x y]]`, members sorted.
pub fn print(v: &Value) -> String {
    match v {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Float(f) => float(*f),
        Value::String(s) => s.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(print).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(m) => {
            let mut members: Vec<_> = m.iter().collect();
            members.sort_by(|a, b| a.0.cmp(b.0));
            let members: Vec<String> = members
                .into_iter()
                .map(|(k, v)| format!("{k}:{}", print(v)))
                .collect();
            format!("map[{}]", members.join(" "))
        }
    }
}

/// `%#v`: `map[string]interface {}{"a":1}`, members sorted.
pub fn syntax(v: &Value) -> String {
    let inner = |v: &Value| match v {
        Value::Null => "interface {}(nil)".to_owned(),
        other => syntax(other),
    };
    match v {
        Value::String(s) => json::go_quote(s),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inner).collect();
            format!("{}{{{}}}", type_of(v), items.join(", "))
        }
        Value::Object(m) => {
            let mut members: Vec<_> = m.iter().collect();
            members.sort_by(|a, b| a.0.cmp(b.0));
            let members: Vec<String> = members
                .into_iter()
                .map(|(k, v)| format!("{}:{}", json::go_quote(k), inner(v)))
                .collect();
            format!("{}{{{}}}", type_of(v), members.join(", "))
        }
        Value::Null => "<nil>".to_owned(),
        scalar => print(scalar),
    }
}

/// `%v` of a float: exponents have two digits, and start at 1e-5 and 1e21.
fn float(f: f64) -> String {
    let abs = f.abs();
    if abs == 0.0 || (1e-4..1e21).contains(&abs) {
        return f.to_string();
    }
    let text = format!("{f:e}");
    match text.split_once('e') {
        Some((m, e)) => {
            let (sign, digits) = e.strip_prefix('-').map_or(('+', e), |d| ('-', d));
            format!("{m}e{sign}{digits:0>2}")
        }
        None => text,
    }
}

/// Go's name of the dynamic type of a decoded value, as `%T` prints it.
pub fn type_of(v: &Value) -> &'static str {
    match v {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_go_shows_them() {
        let v = json::parse(br#"{"b":[1,"a",null,1.5,{"x":true}],"a":{}}"#).expect("JSON");
        assert_eq!(print(&v), "map[a:map[] b:[1 a <nil> 1.5 map[x:true]]]");
        assert_eq!(
            syntax(&v),
            r#"map[string]interface {}{"a":map[string]interface {}{}, "b":[]interface {}{1, "a", interface {}(nil), 1.5, map[string]interface {}{"x":true}}}"#
        );
    }
}
