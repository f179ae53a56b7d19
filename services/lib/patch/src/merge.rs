//! Merge patch: objects merge, null removes, everything else replaces.

use catena_objects::{Map, Value};

/// Applies a merge patch.
pub fn merge_patch(doc: &Value, patch: &Value) -> Value {
    match (doc, patch) {
        (Value::Object(_), Value::Object(changes)) => {
            let mut out = doc.clone();
            if let Some(members) = out.as_object_mut() {
                merge_members(members, changes);
            }
            out
        }
        (Value::Object(_), _) => patch.clone(),
        _ => without_nulls(patch),
    }
}

fn merge_members(members: &mut Map, changes: &Map) {
    for (key, change) in changes {
        if change.is_null() {
            members.remove(key);
            continue;
        }
        let merged = match members.get(key) {
            Some(current) if !current.is_null() => merge_patch(current, change),
            _ => without_nulls(change),
        };
        members.insert(key.clone(), merged);
    }
}

/// Drops null members of objects at any depth; null items of lists stay.
fn without_nulls(v: &Value) -> Value {
    match v {
        Value::Object(m) => m
            .iter()
            .filter(|(_, v)| !v.is_null())
            .map(|(k, v)| (k.clone(), without_nulls(v)))
            .collect::<Map>()
            .into(),
        Value::Array(items) => items.iter().map(without_nulls).collect::<Vec<_>>().into(),
        other => other.clone(),
    }
}

/// The merge patch that turns `old` into `new`.
pub fn create_merge_patch(old: &Value, new: &Value) -> Value {
    let (Some(a), Some(b)) = (old.as_object(), new.as_object()) else {
        return new.clone();
    };
    let mut out = Map::new();
    for (key, value) in b {
        match a.get(key) {
            Some(before) if before == value => {}
            Some(before @ Value::Object(_)) if value.as_object().is_some() => {
                out.insert(key.clone(), create_merge_patch(before, value));
            }
            _ => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    for key in a.keys().filter(|k| !b.contains_key(k)) {
        out.insert(key.clone(), Value::Null);
    }
    out.into()
}
