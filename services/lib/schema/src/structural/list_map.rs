//! Uniqueness in lists of type set and map.

use catena_objects::{
    Map, Value,
    field::{Error, Errors, Path},
    json,
};

use crate::{Node, node::ListType};

/// Items that stand twice where a list says they may not.
pub fn validate_lists(node: &Node, value: &Value) -> Errors {
    let mut errors = Errors::new();
    walk(node, value, &Path::default(), &mut errors);
    errors
}

fn walk(node: &Node, value: &Value, path: &Path, errors: &mut Errors) {
    match value {
        Value::Object(map) => {
            for (key, v) in map.iter() {
                if !matches!(v, Value::Object(_) | Value::Array(_)) {
                    continue;
                }
                match (node.field(key), &node.additional) {
                    (Some(f), _) => walk(f.node.get(), v, &path.child(key), errors),
                    (None, Some(n)) => walk(n.get(), v, &path.key(key), errors),
                    (None, None) => {}
                }
            }
        }
        Value::Array(items) => {
            match node.list_type {
                ListType::Set => {
                    for i in repeated(items) {
                        errors.push(Error::duplicate(&path.index(i), items[i].clone()));
                    }
                }
                ListType::Map => map_keys(node, items, path, errors),
                ListType::Atomic => {}
            }
            if let Some(item) = &node.items {
                for (i, v) in items.iter().enumerate() {
                    walk(item.get(), v, &path.index(i), errors);
                }
            }
        }
        _ => {}
    }
}

fn map_keys(node: &Node, items: &[Value], path: &Path, errors: &mut Errors) {
    let odd = items
        .iter()
        .position(|v| !v.is_null() && v.as_object().is_none());
    if let Some(i) = odd {
        let why = "must be an object for an array of list-type map";
        errors.push(Error::invalid(&path.index(i), items[i].clone(), why));
        return;
    }
    let keys: Vec<Value> = items
        .iter()
        .map(|item| {
            let mut key = Map::new();
            for name in &node.list_map_keys {
                if let Some(v) = item.get(name) {
                    key.insert(name.clone(), v.clone());
                }
            }
            key.sort_keys();
            key.into()
        })
        .collect();
    for i in repeated(&keys) {
        errors.push(Error::duplicate(&path.index(i), keys[i].clone()));
    }
}

/// Positions at which something stands for the second time.
fn repeated(items: &[Value]) -> Vec<usize> {
    if items.len() <= 1 {
        return Vec::new();
    }
    let mut seen: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    let mut out = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let mut item = item.clone();
        super::sorted(&mut item);
        let times = seen.entry(json::to_string(&item)).or_default();
        *times += 1;
        if *times == 2 {
            out.push(i);
        }
    }
    out
}
