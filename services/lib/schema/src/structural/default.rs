//! Defaults of a schema, and what null means.

use catena_objects::Value;

use crate::{Node, node::NodeRef};

fn wants_default(value: Option<&Value>, node: &Node) -> bool {
    match value {
        None => true,
        Some(v) => v.is_null() && !node.nullable,
    }
}

/// Fills in defaults, also within those filled in.
pub fn default(node: &Node, value: &mut Value) {
    match value {
        Value::Object(_) if !node.fields.is_empty() || node.additional.is_some() => {
            for f in &node.fields {
                let child = f.node.get();
                if let Some(d) = &child.default
                    && wants_default(value.get(&f.name), child)
                    && let Some(map) = value.as_object_mut()
                {
                    map.insert(f.name.clone(), d.clone());
                }
            }
            for (key, v) in value.as_object_mut().into_iter().flat_map(|m| m.iter_mut()) {
                match (node.field(key), &node.additional) {
                    (Some(f), _) => default(f.node.get(), v),
                    (None, Some(other)) => element(other, v),
                    (None, None) => {}
                }
            }
        }
        Value::Array(_) => {
            let Some(item) = &node.items else { return };
            for v in value.as_array_mut().into_iter().flatten() {
                element(item, v);
            }
        }
        _ => {}
    }
}

fn element(node: &NodeRef, value: &mut Value) {
    let node = node.get();
    if value.is_null() && !node.nullable {
        *value = node.default.clone().unwrap_or_default();
    }
    default(node, value);
}

/// Removes members that are null though they may not be and have no default.
pub fn prune_nulls(node: &Node, value: &mut Value) {
    match value {
        Value::Object(_) => {
            let Some(map) = value.as_object_mut() else {
                return;
            };
            map.retain(|key, v| match node.member(key) {
                Some(n) if v.is_null() => n.nullable || n.default.is_some(),
                Some(n) => {
                    prune_nulls(n, v);
                    true
                }
                None => true,
            });
        }
        Value::Array(_) => {
            let Some(item) = &node.items else { return };
            for v in value.as_array_mut().into_iter().flatten() {
                prune_nulls(item.get(), v);
            }
        }
        _ => {}
    }
}
