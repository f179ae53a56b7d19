//! Texts that cells share.

use catena_objects::{Value, labels, time};

/// Age of the object, as `kubectl get` prints it.
pub(crate) fn age(object: &Value, now: &str) -> Value {
    since(object.str_at(&["metadata", "creationTimestamp"]), now)
}

/// Time from `at` to `now`; "<unknown>" without one.
pub(crate) fn since(at: &str, now: &str) -> Value {
    if at.is_empty() {
        return "<unknown>".into();
    }
    time::age_at(at, now).into()
}

pub(crate) fn or_none(text: &str) -> Value {
    or(text, "<none>")
}

pub(crate) fn or(text: &str, fallback: &str) -> Value {
    if text.is_empty() { fallback } else { text }.into()
}

pub(crate) fn int(object: &Value, path: &[&str]) -> Value {
    object.i64_at(path).unwrap_or(0).into()
}

pub(crate) fn flag(object: &Value, path: &[&str]) -> Value {
    object.bool_at(path).unwrap_or(false).into()
}

pub(crate) fn text<'a>(object: &'a Value, path: &[&str]) -> &'a str {
    object.str_at(path)
}

/// Items of a list joined by commas, each by `show`.
pub(crate) fn join(items: &[Value], show: impl Fn(&Value) -> String) -> String {
    items.iter().map(show).collect::<Vec<_>>().join(",")
}

/// Strings of a list joined by commas.
pub(crate) fn strings(items: &[Value]) -> String {
    join(items, |v| v.as_str().unwrap_or_default().to_owned())
}

/// `key=value` pairs of a map, sorted; "<none>" when empty.
pub(crate) fn pairs(map: Option<&Value>) -> String {
    let mut out: Vec<String> = map
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default()))
        .collect();
    if out.is_empty() {
        return "<none>".to_owned();
    }
    out.sort();
    out.join(",")
}

/// A LabelSelector as text; "<none>" for none or one that selects everything.
pub(crate) fn selector(v: Option<&Value>) -> String {
    let text = labels::Selector::from_label_selector(v)
        .map(|s| s.to_string())
        .unwrap_or_default();
    if text.is_empty() {
        "<none>".to_owned()
    } else {
        text
    }
}

/// Names and images of the containers of a pod template's spec.
pub(crate) fn containers(object: &Value, spec: &[&str]) -> [Value; 2] {
    let mut path = spec.to_vec();
    path.push("containers");
    let items = object.items_at(&path);
    [
        join(items, |c| c.str_at(&["name"]).to_owned()).into(),
        join(items, |c| c.str_at(&["image"]).to_owned()).into(),
    ]
}

pub(crate) fn name(object: &Value) -> Value {
    object.str_at(&["metadata", "name"]).into()
}

/// Status of a condition by type; "" when there is none.
pub(crate) fn condition<'a>(object: &'a Value, ty: &str) -> &'a str {
    object
        .items_at(&["status", "conditions"])
        .iter()
        .find(|c| c.str_at(&["type"]) == ty)
        .map_or("", |c| c.str_at(&["status"]))
}
