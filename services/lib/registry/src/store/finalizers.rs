//! Finalizers of garbage collection (`deletionFinalizersForGarbageCollection`).

use catena_objects::Value;

use crate::options::{DeleteOptions, Propagation};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// Sets the finalizers that the options ask for; true when that changed the object.
pub(super) fn apply(object: &mut Value, options: &DeleteOptions, orphan_by_default: bool) -> bool {
    let old: Vec<String> = object
        .items_at(&["metadata", "finalizers"])
        .iter()
        .filter_map(|f| f.as_str().map(str::to_owned))
        .collect();
    let chosen = options.propagation.or_else(|| {
        old.iter().find_map(|f| match f.as_str() {
            ORPHAN => Some(Propagation::Orphan),
            FOREGROUND => Some(Propagation::Foreground),
            _ => None,
        })
    });
    let mut new: Vec<&str> = old
        .iter()
        .map(String::as_str)
        .filter(|f| *f != ORPHAN && *f != FOREGROUND)
        .collect();
    match chosen {
        Some(Propagation::Orphan) => new.push(ORPHAN),
        Some(Propagation::Foreground) => new.push(FOREGROUND),
        Some(Propagation::Background) => {}
        None if orphan_by_default => new.push(ORPHAN),
        None => {}
    }
    let same = new.len() == old.len() && new.iter().all(|f| old.iter().any(|o| o == f));
    if same {
        return false;
    }
    if new.is_empty() {
        object.unset(&["metadata", "finalizers"]);
    } else {
        let items: Vec<Value> = new.into_iter().map(Value::from).collect();
        object.set(&["metadata", "finalizers"], items);
    }
    true
}
