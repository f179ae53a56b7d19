use std::collections::BTreeSet;

use serde_json::Value;

/// Where two answers differ: `path: expected | got`, one entry a place.
pub fn differences(expected: &Value, got: &Value, path: &str) -> Vec<String> {
    match (expected, got) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter()
                .flat_map(|key| {
                    let path = format!("{path}.{key}");
                    match (a.get(key), b.get(key)) {
                        (Some(a), Some(b)) => differences(a, b, &path),
                        (a, b) => vec![format!("{path}: {} | {}", shown(a), shown(b))],
                    }
                })
                .collect()
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .enumerate()
            .flat_map(|(i, (a, b))| differences(a, b, &format!("{path}[{i}]")))
            .collect(),
        (Value::Array(a), Value::Array(b)) => {
            vec![format!("{path}: {} items | {} items", a.len(), b.len())]
        }
        (a, b) if a == b => Vec::new(),
        (a, b) => vec![format!("{path}: {} | {}", shown(Some(a)), shown(Some(b)))],
    }
}

/// Compares the value at a JSON pointer; `null` is expected to be absent.
pub fn at(pointer: &str, expected: &Value, got: &Value) -> Vec<String> {
    match (expected, got.pointer(pointer)) {
        (Value::Null, None) => Vec::new(),
        (expected, Some(got)) => differences(expected, got, pointer),
        (expected, None) => vec![format!("{pointer}: {} | (absent)", shown(Some(expected)))],
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(
        || "(absent)".into(),
        |v| v.to_string().chars().take(200).collect(),
    )
}
