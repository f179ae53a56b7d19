//! Conditions of a definition.

use catena_objects::{Map, Value};

pub(crate) fn find<'a>(object: &'a Value, ty: &str) -> Option<&'a Value> {
    object
        .items_at(&["status", "conditions"])
        .iter()
        .find(|c| c.str_at(&["type"]) == ty)
}

pub(crate) fn is_true(object: &Value, ty: &str) -> bool {
    find(object, ty).is_some_and(|c| c.str_at(&["status"]) == "True")
}

/// Whether the condition says just this, whatever its time.
pub(crate) fn says(object: &Value, ty: &str, status: &str, reason: &str, message: &str) -> bool {
    find(object, ty).is_some_and(|c| {
        c.str_at(&["status"]) == status
            && c.str_at(&["reason"]) == reason
            && c.str_at(&["message"]) == message
    })
}

/// Sets a condition; its time moves only with its status.
pub(crate) fn set(
    object: &mut Value,
    now: &str,
    ty: &str,
    status: &str,
    reason: &str,
    message: &str,
) {
    let mut all = object.items_at(&["status", "conditions"]).to_vec();
    let at = all.iter().position(|c| c.str_at(&["type"]) == ty);
    let since = at
        .map(|i| &all[i])
        .filter(|c| c.str_at(&["status"]) == status)
        .map(|c| c.str_at(&["lastTransitionTime"]).to_owned())
        .filter(|t| !t.is_empty())
        .unwrap_or_else(|| now.to_owned());
    let mut m = Map::new();
    m.insert("type", ty);
    m.insert("status", status);
    m.insert("lastTransitionTime", since);
    for (key, text) in [("reason", reason), ("message", message)] {
        if !text.is_empty() {
            m.insert(key, text);
        }
    }
    match at {
        Some(i) => all[i] = m.into(),
        None => all.push(m.into()),
    }
    object.set(&["status", "conditions"], all);
}

/// Removes a condition; true when there was one.
pub(crate) fn remove(object: &mut Value, ty: &str) -> bool {
    if find(object, ty).is_none() {
        return false;
    }
    let mut all = object.items_at(&["status", "conditions"]).to_vec();
    all.retain(|c| c.str_at(&["type"]) != ty);
    object.set(&["status", "conditions"], all);
    true
}
