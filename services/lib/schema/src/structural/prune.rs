//! Removal of members that the schema does not specify.

use std::fmt::Write;

use catena_objects::Value;

use crate::{Node, node::NodeRef};

const META: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Prunes an object at the root of a resource. Returns the paths of what was
/// removed, sorted.
pub fn prune(root: &Node, value: &mut Value) -> Vec<String> {
    let mut p = Pruner::default();
    if root.preserve_unknown {
        p.skip(root, true, value);
    } else {
        p.run(Some(root), true, value);
    }
    p.unknown.sort_unstable();
    p.unknown
}

/// Prunes a default below its node.
pub fn prune_default(node: &Node, value: &mut Value) {
    Pruner {
        path: "default".to_owned(),
        ..Pruner::default()
    }
    .run(Some(node), false, value);
}

#[derive(Default)]
struct Pruner {
    path: String,
    unknown: Vec<String>,
}

impl Pruner {
    fn enter(&mut self, key: &str) -> usize {
        let length = self.path.len();
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(key);
        length
    }

    fn run(&mut self, node: Option<&Node>, embedded: bool, value: &mut Value) {
        if let Some(n) = node.filter(|n| n.preserve_unknown) {
            return self.skip(n, embedded, value);
        }
        let embedded = embedded || node.is_some_and(|n| n.embedded_resource);
        match value {
            Value::Object(_) => self.object(node, embedded, value),
            Value::Array(items) => {
                if items
                    .iter()
                    .all(|v| !matches!(v, Value::Object(_) | Value::Array(_)))
                {
                    return;
                }
                let item = node.and_then(|n| n.items.as_ref()).map(NodeRef::get);
                let length = self.path.len();
                for (i, v) in value.as_array_mut().into_iter().flatten().enumerate() {
                    let _ = write!(self.path, "[{i}]");
                    self.run(item.map(|n| &**n), false, v);
                    self.path.truncate(length);
                }
            }
            _ => {}
        }
    }

    fn object(&mut self, node: Option<&Node>, embedded: bool, value: &mut Value) {
        let Some(map) = value.as_object_mut() else {
            return;
        };
        let at_root = self.path.is_empty();
        map.retain(|key, v| {
            if embedded && META.contains(&key.as_str()) {
                return true;
            }
            let length = self.enter(key);
            let member = node.and_then(|n| n.member(key));
            if let Some(n) = member {
                self.run(Some(n), false, v);
            } else if !at_root || !META.contains(&key.as_str()) {
                self.unknown.push(self.path.clone());
            }
            self.path.truncate(length);
            member.is_some()
        });
    }

    /// Below `x-kubernetes-preserve-unknown-fields` only what is specified is pruned.
    fn skip(&mut self, node: &Node, embedded: bool, value: &mut Value) {
        let embedded = embedded || node.embedded_resource;
        let length = self.path.len();
        match value {
            Value::Object(_) if !node.fields.is_empty() || node.additional.is_some() => {
                for (key, v) in value.as_object_mut().into_iter().flat_map(|m| m.iter_mut()) {
                    if embedded && META.contains(&key.as_str()) {
                        continue;
                    }
                    if let Some(n) = node.member(key) {
                        self.enter(key);
                        self.run(Some(n), false, v);
                        self.path.truncate(length);
                    }
                }
            }
            Value::Array(_) => {
                let Some(item) = &node.items else { return };
                for (i, v) in value.as_array_mut().into_iter().flatten().enumerate() {
                    let _ = write!(self.path, "[{i}]");
                    self.skip(item.get(), false, v);
                    self.path.truncate(length);
                }
            }
            _ => {}
        }
    }
}
