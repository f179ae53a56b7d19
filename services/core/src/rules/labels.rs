//! Labels and label selectors.

use catena_objects::{
    Map, Value,
    field::{Error, Errors},
    names,
};

use super::At;

/// `ValidateLabelName`.
pub fn key(at: &At, key: &str, e: &mut Errors) {
    for why in names::qualified_name(key) {
        e.push(Error::invalid(&at.path, key, why));
    }
}

/// `ValidateLabels`.
pub fn labels(at: &At, e: &mut Errors) {
    for (k, v) in at.entries() {
        key(at, k, e);
        for why in names::label_value(v.str()) {
            at.bad_value(e, v.str(), why);
        }
    }
}

/// `ValidateLabelSelector`.
pub fn selector(at: &At, allow_bad_values: bool, e: &mut Errors) {
    if !at.has() {
        return;
    }
    labels(&at.child("matchLabels"), e);
    for r in at.child("matchExpressions").items() {
        requirement(&r, allow_bad_values, e);
    }
}

fn requirement(at: &At, allow_bad_values: bool, e: &mut Errors) {
    let values = at.child("values");
    match at.text("operator") {
        "In" | "NotIn" => {
            if values.is_empty() {
                values.required(e, "must be specified when `operator` is 'In' or 'NotIn'");
            }
        }
        "Exists" | "DoesNotExist" => {
            if !values.is_empty() {
                values.forbidden(
                    e,
                    "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
                );
            }
        }
        _ => at
            .child("operator")
            .bad_text(e, "not a valid selector operator"),
    }
    key(&at.child("key"), at.text("key"), e);
    if !allow_bad_values {
        for v in values.items() {
            v.complain(e, names::label_value(v.str()));
        }
    }
}

/// Whether a label selector has no requirement.
pub fn is_empty(selector: &Value) -> bool {
    let n = |name| match selector.get(name) {
        Some(Value::Object(m)) => m.len(),
        Some(Value::Array(a)) => a.len(),
        _ => 0,
    };
    n("matchLabels") + n("matchExpressions") == 0
}

/// A selector as errors print it, which is its JSON: without labels where there
/// are none. Whatever else a value is, it is left as it is.
pub fn shown(selector: &Value) -> Value {
    let mut shown = selector.clone();
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    if labels.is_some_and(Map::is_empty) {
        shown.unset(&["matchLabels"]);
    }
    shown
}

/// Whether `LabelSelectorAsSelector` would refuse the selector.
pub fn is_malformed(selector: &Value) -> bool {
    let bad_value = |v: &Value| !names::label_value(v.as_str().unwrap_or_default()).is_empty();
    let bad_key = |k: &str| !names::qualified_name(k).is_empty();
    let labels_bad = selector
        .get("matchLabels")
        .and_then(Value::as_object)
        .is_some_and(|m| m.iter().any(|(k, v)| bad_key(k) || bad_value(v)));
    labels_bad
        || selector.items_at(&["matchExpressions"]).iter().any(|r| {
            let values = r.items_at(&["values"]);
            let shape = match r.str_at(&["operator"]) {
                "In" | "NotIn" => values.is_empty(),
                "Exists" | "DoesNotExist" => !values.is_empty(),
                _ => true,
            };
            shape || bad_key(r.str_at(&["key"])) || values.iter().any(bad_value)
        })
}

/// Whether a selector selects labels. Null selects nothing, `{}` everything.
pub fn matches(selector: &Value, labels: &Value) -> bool {
    if selector.is_null() {
        return false;
    }
    let label = |k: &str| labels.get(k).and_then(Value::as_str);
    let pairs = selector.get("matchLabels").and_then(Value::as_object);
    pairs.is_none_or(|m| m.iter().all(|(k, v)| label(k) == v.as_str()))
        && selector.items_at(&["matchExpressions"]).iter().all(|r| {
            let have = label(r.str_at(&["key"]));
            let listed = have.is_some_and(|h| {
                r.items_at(&["values"])
                    .iter()
                    .any(|v| v.as_str() == Some(h))
            });
            match r.str_at(&["operator"]) {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => have.is_some(),
                "DoesNotExist" => have.is_none(),
                _ => false,
            }
        })
}

/// Whether a plain map of labels selects labels.
pub fn matches_map(selector: &Value, labels: &Value) -> bool {
    selector
        .as_object()
        .is_none_or(|m| m.iter().all(|(k, v)| labels.get(k).is_some_and(|l| l == v)))
}
