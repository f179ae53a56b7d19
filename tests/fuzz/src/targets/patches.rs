//! Patches and apply: a document, then what changes it.

use catena_objects::{Value, json};

use super::halves;

fn two(data: &[u8]) -> Option<(Value, Value)> {
    let (doc, patch) = halves(data)?;
    Some((json::parse(doc).ok()?, json::parse(patch).ok()?))
}

pub(crate) fn json_patch(data: &[u8]) {
    if let Some((doc, patch)) = two(data)
        && let Ok(done) = catena_patch::json_patch(&doc, &patch)
    {
        let _ = json::to_vec(&done);
    }
}

/// A patch made of two documents turns one into the other.
pub(crate) fn merge_patch(data: &[u8]) {
    let Some((old, new)) = two(data) else {
        return;
    };
    let _ = catena_patch::merge_patch(&old, &new);
    // A merge patch cannot say null, nor change what is no object.
    if old.as_object().is_none() || new.as_object().is_none() || has_null(&new) {
        return;
    }
    let patch = catena_patch::create_merge_patch(&old, &new);
    let done = catena_patch::merge_patch(&old, &patch);
    assert!(done == new, "{} {}", text(&done), text(&new));
}

fn has_null(v: &Value) -> bool {
    text(v).contains("null")
}

fn text(v: &Value) -> String {
    json::to_string(v)
}

pub(crate) fn strategic(data: &[u8]) {
    let Some((doc, patch)) = two(data) else {
        return;
    };
    for (group, kind) in [("", "Pod"), ("apps", "Deployment"), ("", "Service")] {
        let node = catena_schema::builtin(group, "v1", kind).expect("a known kind");
        if let Ok(done) = catena_patch::strategic_merge(&doc, &patch, &node) {
            let _ = json::to_vec(&done);
        }
    }
}

/// What was applied and is applied again changes nothing.
pub(crate) fn apply(data: &[u8]) {
    let Some((live, config)) = two(data) else {
        return;
    };
    let node = catena_schema::builtin("apps", "v1", "Deployment").expect("a known kind");
    let request = catena_apply::Request {
        node: &node,
        group_version: "apps/v1".into(),
        manager: "fuzz",
        time: "2026-01-02T03:04:05Z",
        subresource: "",
        force: true,
        reset_fields: &[&["status"]],
    };
    let decode = |v: Value| catena_schema::decode(&node, v).ok().map(|d| d.value);
    let (Some(live), Some(_)) = (decode(live), decode(config.clone())) else {
        return;
    };
    if let Ok(done) = catena_apply::apply(Some(&live), &config, &request)
        && let Ok(again) = catena_apply::apply(Some(&done), &config, &request)
    {
        assert!(done == again, "{} {}", text(&done), text(&again));
    }
}
