//! The annotation of client-side `kubectl apply`: its fields move to the
//! server-side applier without conflict, and it is kept up to date while it exists.

use catena_objects::{Map, Value, json, meta};

use crate::Request;
use crate::set::Set;
use crate::typed::{self, Shape};

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Fields that the annotation sets to what the live object has.
pub(crate) fn allowed_conflicts(live: &Value, request: &Request<'_>) -> Option<Set> {
    let text = meta::annotation(live, ANNOTATION).filter(|t| !t.is_empty())?;
    let last = json::parse(text.as_bytes()).ok()?;
    if last.str_at(&["apiVersion"]) != request.group_version {
        return None;
    }
    let shape = Shape::Node(request.node);
    typed::validate(&last, shape).ok()?;
    let differs = typed::compare(&last, live, shape);
    let set = typed::field_set(&last, shape)
        .difference(&differs.modified)
        .difference(&differs.added)
        .difference(&differs.removed);
    Some(set)
}

/// Puts the configuration into the annotation where the object has one.
pub(crate) fn refresh(object: &mut Value, config: &Value) {
    if meta::annotation(object, ANNOTATION).is_none_or(str::is_empty) {
        return;
    }
    let mut config = config.clone();
    config.unset(&["metadata", "annotations", ANNOTATION]);
    let mut text = json::to_string(&sorted(&config));
    text.push('\n');
    object.set(&["metadata", "annotations", ANNOTATION], text);
    let total: usize = object
        .at(&["metadata", "annotations"])
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::iter)
        .map(|(k, v)| k.len() + v.as_str().map_or(0, str::len))
        .sum();
    if total > meta::ANNOTATIONS_MAX_BYTES {
        object.unset(&["metadata", "annotations", ANNOTATION]);
    }
}

/// Members in byte order at every level, as Go prints maps.
fn sorted(v: &Value) -> Value {
    match v {
        Value::Object(m) => {
            let mut out: Map = m.iter().map(|(k, v)| (k.clone(), sorted(v))).collect();
            out.sort_keys();
            out.into()
        }
        Value::Array(items) => items.iter().map(sorted).collect::<Vec<_>>().into(),
        other => other.clone(),
    }
}
