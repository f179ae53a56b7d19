use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// How long something has been there, in a table; what was recorded grows older.
static AGE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(\d+[ydhms])+$").expect("a pattern"));

/// Patterns in texts, with what stands for them.
static TEXTS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "<uid>",
        ),
        (
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
            "<time>",
        ),
        (r"(gen-)[a-z0-9]{5}\b", "${1}<gen>"),
        (
            r#""(resourceVersion|continue)": ?"[^"]+""#,
            r#""${1}":"<${1}>""#,
        ),
        (
            r#"resourceVersion: "?\d+"?|resource version: \d+( \(\d+\))?|current: \d+"#,
            "<rv>",
        ),
        // In an object that a message quotes.
        (r#"(resourceVersion\\+":\\+")\d+"#, "${1}<rv>"),
    ]
    .into_iter()
    .map(|(pattern, by)| (Regex::new(pattern).expect("a pattern"), by))
    .collect()
});

/// An answer with placeholders for uids, times, versions, generated names,
/// allocated addresses and ports, tokens, and the namespace.
pub fn normal(value: Value, namespace: &str) -> Value {
    inner(value, namespace, "")
}

fn inner(value: Value, namespace: &str, key: &str) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(k, v)| {
                let v = inner(v, namespace, &k);
                (k, v)
            })
            .collect(),
        Value::Array(items) => {
            let items = items.into_iter().map(|v| inner(v, namespace, key));
            let mut items: Vec<Value> = items.collect();
            // They are in the order of their times, which are not compared: two
            // writes are of one second or of two.
            if key == "managedFields" {
                items.sort_by_cached_key(Value::to_string);
            }
            items.into()
        }
        scalar => match (volatile(key), scalar) {
            (Some(by), scalar) if !empty(&scalar) => by,
            (_, Value::String(text)) => text_of(&text, namespace, key).into(),
            (_, scalar) => scalar,
        },
    }
}

fn text_of(text: &str, namespace: &str, key: &str) -> String {
    let mut text = text.replace(namespace, "{ns}");
    if key == "cells" && AGE.is_match(&text) {
        return "<age>".into();
    }
    if matches!(key, "clusterIP" | "clusterIPs") && !matches!(text.as_str(), "" | "None") {
        return "<ip>".into();
    }
    for (pattern, by) in TEXTS.iter() {
        text = pattern.replace_all(&text, *by).into_owned();
    }
    text
}

fn empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        _ => false,
    }
}

fn volatile(key: &str) -> Option<Value> {
    Some(match key {
        "uid" => "<uid>".into(),
        "creationTimestamp"
        | "deletionTimestamp"
        | "time"
        | "expirationTimestamp"
        | "lastTransitionTime"
        | "lastUpdateTime"
        | "lastHeartbeatTime" => "<time>".into(),
        "resourceVersion" => "<rv>".into(),
        "token" => "<token>".into(),
        "continue" => "<continue>".into(),
        "remainingItemCount" => "<n>".into(),
        "nodePort" => "<port>".into(),
        "selfLink" => Value::Null,
        _ => return None,
    })
}
