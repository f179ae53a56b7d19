//! Schemas of custom resources with their metadata, for apply and patches.

use std::sync::Arc;

use catena_objects::map::Key;

use crate::{
    Node, Type, message,
    node::{Field, NodeRef, PatchStrategy},
};

/// The schema with `apiVersion`, `kind` and `metadata` as every object has
/// them, at the root and in embedded resources.
pub fn typed(root: &Node) -> Node {
    let mut node = with_embedded(root);
    add_meta(&mut node);
    node
}

fn with_embedded(node: &Node) -> Node {
    let mut out = node.clone();
    for f in &mut out.fields {
        f.node = child(&f.node);
    }
    out.items = out.items.as_ref().map(child);
    out.additional = out.additional.as_ref().map(child);
    if out.embedded_resource {
        add_meta(&mut out);
    }
    out
}

/// Subtrees that embed nothing are shared with the original.
fn child(node: &NodeRef) -> NodeRef {
    if super::decode::has_embedded(node.get()) {
        NodeRef::new(with_embedded(node.get()))
    } else {
        node.clone()
    }
}

fn add_meta(node: &mut Node) {
    let text = NodeRef::new(Node::of(Type::String));
    let meta = message("k8s.io.apimachinery.pkg.apis.meta.v1.ObjectMeta")
        .unwrap_or_else(|| Arc::new(Node::of(Type::Any)));
    for (name, child) in [
        ("apiVersion", text.clone()),
        ("kind", text),
        ("metadata", NodeRef::from(meta)),
    ] {
        node.fields.retain(|f| f.name != name);
        node.fields.push(Field {
            name: Key::from(name),
            node: child,
            always_printed: false,
            patch: PatchStrategy::default(),
            patch_merge_key: None,
        });
    }
    node.fields.sort_by(|a, b| a.name.cmp(&b.name));
}
