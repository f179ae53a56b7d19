//! The text of a patched document as `evanphx/json-patch` leaves it: what the patch
//! went through has its members sorted, the rest stands as it was written.

use catena_objects::Value;

use crate::Format;

/// What a patch made of a document, in the order in which it is written and read.
pub fn ordered(after: Value, patch: &Value, format: Format) -> Value {
    let mut out = after;
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
    out
}

fn sort(v: &mut Value) {
    if let Some(members) = v.as_object_mut() {
        members.sort_keys();
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
            Value::Object(_) => at.as_object_mut().and_then(|m| m.get_mut(&name)),
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
            let Some(member) = members.get_mut(name) else {
                continue;
            };
            match change {
                Value::Object(_) => along(member, change),
                Value::Array(_) => whole(member),
                _ => {}
            }
        }
    }
}

/// A list of the patch: nulls were looked for in all of it.
fn whole(v: &mut Value) {
    sort(v);
    if let Some(items) = v.as_array_mut() {
        items.iter_mut().for_each(whole);
    } else if let Some(members) = v.as_object_mut() {
        members.iter_mut().for_each(|(_, v)| whole(v));
    }
}
