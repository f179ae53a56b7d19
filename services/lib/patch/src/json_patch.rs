//! JSON patch as `evanphx/json-patch` v4 applies it: negative indices count
//! from the end, `replace` of an absent member adds it, what stands before the
//! first slash of a path is ignored.

use catena_objects::{Status, Value, json};

use crate::does_not_apply;

/// Most operations of one patch.
pub const MAX_OPERATIONS: usize = 10_000;
/// Most bytes that the `copy` operations of one patch may add.
pub const MAX_COPIED_BYTES: usize = 3 * 1024 * 1024;

/// `None`: the operation does not apply. The client is not told why.
type Applied<T = ()> = Option<T>;

/// Applies a list of operations.
///
/// # Errors
/// 422 without details when an operation does not apply, as kube-apiserver answers.
pub fn json_patch(doc: &Value, patch: &Value) -> Result<Value, Status> {
    let mut doc = doc.clone();
    let mut copied = 0;
    for operation in patch.as_array().unwrap_or_default() {
        apply(&mut doc, operation, &mut copied).ok_or_else(does_not_apply)?;
    }
    Ok(doc)
}

fn apply(doc: &mut Value, operation: &Value, copied: &mut usize) -> Applied {
    let path = operation.get("path")?.as_str()?;
    let value = || operation.get("value").cloned().unwrap_or_default();
    match operation.get("op")?.as_str()? {
        "add" => add(doc, path, value()),
        "remove" => remove(doc, path).map(drop),
        "replace" => replace(doc, path, value()),
        "test" => {
            let found = if path.is_empty() {
                doc.clone()
            } else {
                get(doc, path)?
            };
            (found == value()).then_some(())
        }
        "move" => {
            let from = operation.get("from")?.as_str()?;
            let moved = get(doc, from)?;
            remove(doc, from)?;
            add(doc, path, moved)
        }
        "copy" => {
            let from = operation.get("from")?.as_str()?;
            let copy = get(doc, from)?;
            *copied += json::to_vec(&copy).len();
            if *copied > MAX_COPIED_BYTES {
                return None;
            }
            add(doc, path, copy)
        }
        _ => None,
    }
}

fn decode_key(key: &str) -> String {
    // One pass, so that `~01` becomes `~1`.
    let mut out = String::with_capacity(key.len());
    let mut rest = key;
    while let Some(at) = rest.find('~') {
        out.push_str(&rest[..at]);
        let (c, used) = match rest.as_bytes().get(at + 1) {
            Some(b'1') => ('/', 2),
            Some(b'0') => ('~', 2),
            _ => ('~', 1),
        };
        out.push(c);
        rest = &rest[at + used..];
    }
    out.push_str(rest);
    out
}

/// The container that a path ends in, and the last key.
fn parent<'a>(doc: &'a mut Value, path: &str) -> Applied<(&'a mut Value, String)> {
    let (_, rest) = path.split_once('/')?;
    let mut parts: Vec<String> = rest.split('/').map(decode_key).collect();
    let key = parts.pop()?;
    let mut node = doc;
    for part in parts {
        node = match node {
            Value::Object(_) => node.as_object_mut()?.get_mut(&part)?,
            Value::Array(items) => {
                let i = index(&part, items.len())?;
                node.as_array_mut()?.get_mut(i)?
            }
            _ => return None,
        };
    }
    matches!(node, Value::Object(_) | Value::Array(_)).then_some((node, key))
}

/// An index into a list of `len`; negative ones count from the end.
fn index(key: &str, len: usize) -> Applied<usize> {
    let i: i64 = key.parse().ok()?;
    let len = i64::try_from(len).ok()?;
    let i = if i < 0 { i + len } else { i };
    (0..len).contains(&i).then_some(usize::try_from(i).ok()?)
}

/// An absent member of an object reads as null.
fn get(doc: &mut Value, path: &str) -> Applied<Value> {
    let (container, key) = parent(doc, path)?;
    match container {
        Value::Object(map) => Some(map.get(&key).cloned().unwrap_or_default()),
        Value::Array(items) => items.get(index(&key, items.len())?).cloned(),
        _ => None,
    }
}

fn add(doc: &mut Value, path: &str, value: Value) -> Applied {
    let (container, key) = parent(doc, path)?;
    if let Some(map) = container.as_object_mut() {
        map.insert(key, value);
        return Some(());
    }
    let items = container.as_array_mut()?;
    let at = if key == "-" {
        items.len()
    } else {
        index(&key, items.len() + 1)?
    };
    items.insert(at, value);
    Some(())
}

fn remove(doc: &mut Value, path: &str) -> Applied<Value> {
    let (container, key) = parent(doc, path)?;
    if let Some(map) = container.as_object_mut() {
        return map.remove(&key);
    }
    let items = container.as_array_mut()?;
    let at = index(&key, items.len())?;
    Some(items.remove(at))
}

fn replace(doc: &mut Value, path: &str, value: Value) -> Applied {
    if path.is_empty() {
        if !matches!(value, Value::Object(_) | Value::Array(_)) {
            return None;
        }
        *doc = value;
        return Some(());
    }
    let (container, key) = parent(doc, path)?;
    if let Some(map) = container.as_object_mut() {
        map.insert(key, value);
        return Some(());
    }
    let items = container.as_array_mut()?;
    let at = index(&key, items.len())?;
    items[at] = value;
    Some(())
}
