//! The text of a patched document as `evanphx/json-patch` leaves it: what the patch
//! went through has its members sorted, the rest stands as it was written.

use catena_objects::{Map, Value, json};

use crate::Format;

/// JSON of what a patch made of a document, for messages that quote it.
pub fn printed(after: &Value, patch: &Value, format: Format) -> String {
    let mut out = after.clone();
    match format {
        Format::Json => {
            sort(&mut out);
            for operation in patch.as_array().unwrap_or_default() {
                for member in ["path", "from"] {
                    walk(&mut out, operation.str_at(&[member]));
                }
            }
        }
        Format::Merge | Format::Strategic => along(&mut out, patch),
    }
    json::to_string(&out)
}

fn sort(v: &mut Value) {
    if let Some(members) = v.as_object_mut() {
        let mut sorted: Vec<_> = std::mem::take(members).into_iter().collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        *members = sorted.into_iter().collect::<Map>();
    }
}

/// Sorts what stands on the way to the last part of a path.
fn walk(doc: &mut Value, path: &str) {
    let mut at = doc;
    let mut steps: Vec<&str> = path.split('/').skip(1).collect();
    steps.pop();
    for step in steps {
        let name = step.replace("~1", "/").replace("~0", "~");
        let next = match at {
            Value::Object(_) => at.as_object_mut().and_then(|m| m.get_mut(&*name)),
            _ => at
                .as_array_mut()
                .and_then(|a| name.parse::<usize>().ok().and_then(|i| a.get_mut(i))),
        };
        let Some(next) = next else {
            return;
        };
        sort(next);
        at = next;
    }
}

/// Sorts where a merge patch has members; all of what it brought itself.
fn along(v: &mut Value, patch: &Value) {
    sort(v);
    let Some(changes) = patch.as_object() else {
        return;
    };
    if let Some(members) = v.as_object_mut() {
        for (name, change) in changes {
            if let (Some(member), Value::Object(_)) = (members.get_mut(name), change) {
                along(member, change);
            }
        }
    }
}
