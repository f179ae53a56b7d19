//! Metadata that the server sets (`rest.FillObjectMetaSystemFields`, `BeforeUpdate`).

use catena_objects::Value;

use crate::Context;

/// What a new object gets and what a client may not choose.
pub(super) fn fill_new(ctx: &Context, object: &mut Value) {
    for field in [
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
    ] {
        object.unset(&["metadata", field]);
    }
    object.set(&["metadata", "uid"], uuid::Uuid::new_v4().to_string());
    object.set(&["metadata", "creationTimestamp"], ctx.now.as_str());
}

/// What an update may not change, taken from the stored object.
pub(super) fn keep_system(object: &mut Value, old: &Value) {
    for field in ["creationTimestamp", "generation"] {
        keep(object, old, field);
    }
    // What a client makes of the others is refused.
    let has = |v: &Value, field| v.at(&["metadata", field]).is_some_and(|v| !v.is_null());
    if has(old, "deletionTimestamp") {
        keep(object, old, "deletionTimestamp");
    }
    let grace = "deletionGracePeriodSeconds";
    if has(old, grace) && !has(object, grace) {
        keep(object, old, grace);
    }
    object.unset(&["metadata", "selfLink"]);
    object.set_default(
        &["metadata", "uid"],
        old.str_at(&["metadata", "uid"]).to_owned(),
    );
    if object.str_at(&["metadata", "name"]).is_empty() {
        keep(object, old, "name");
    }
}

fn keep(object: &mut Value, old: &Value, field: &str) {
    match old.at(&["metadata", field]) {
        Some(v) => object.set(&["metadata", field], v.clone()),
        None => drop(object.unset(&["metadata", field])),
    }
}

/// Puts the members of `metadata` in Go's order for built-in kinds, sorted for custom ones.
pub(super) fn order(object: &mut Value, custom: bool) {
    const ORDER: [&str; 15] = [
        "name",
        "generateName",
        "namespace",
        "selfLink",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "labels",
        "annotations",
        "ownerReferences",
        "finalizers",
        "managedFields",
    ];
    if let Some(m) = object.at_mut(&["metadata"]).and_then(Value::as_object_mut) {
        if custom {
            m.sort_keys();
            let entries = m.get_mut("managedFields").and_then(Value::as_array_mut);
            for entry in entries.into_iter().flatten() {
                if let Some(entry) = entry.as_object_mut() {
                    entry.sort_keys();
                }
            }
        } else {
            m.sort_by_rank(|k| ORDER.iter().position(|o| *o == k).unwrap_or(ORDER.len()));
        }
    }
    if let Some(root) = object.as_object_mut() {
        if custom {
            root.sort_keys();
        } else {
            root.put_first(&["kind", "apiVersion", "metadata"]);
        }
    }
}
