//! A custom resource of a request: defaulted, pruned, metadata coerced, sorted.

use catena_objects::{Value, field::Path};

use super::{default, prune, prune_nulls};
use crate::{DecodeError, Decoded, Node, message, node::NodeRef};

const OBJECT_META: &str = "k8s.io.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// Decodes an object of a custom resource as the server's codec does.
///
/// # Errors
/// Metadata, kind or version of a wrong type.
pub fn decode(root: &Node, mut value: Value) -> Result<Decoded, DecodeError> {
    let mut unknown = Vec::new();
    default(root, &mut value);
    if let Some(metadata) = value.get("metadata") {
        let coerced = object_meta(metadata.clone())?;
        unknown.extend(coerced.unknown.into_iter().map(|p| format!("metadata.{p}")));
        value.set(&["metadata"], coerced.value);
    }
    unknown.extend(prune(root, &mut value));
    prune_nulls(root, &mut value);
    let before = unknown.len();
    if has_embedded(root) {
        embedded(root, &mut value, &Path::default(), &mut unknown)?;
    }
    unknown[before..].sort_unstable();
    sorted(&mut value);
    Ok(Decoded { value, unknown })
}

/// Members of every object by name, as Go prints a map.
pub fn sorted(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let ordered = map.keys().zip(map.keys().skip(1)).all(|(a, b)| a <= b);
            let leaves = map
                .values()
                .all(|v| !matches!(v, Value::Object(_) | Value::Array(_)));
            if ordered && leaves {
                return;
            }
            if let Some(map) = value.as_object_mut() {
                map.sort_keys();
                for (_, v) in map.iter_mut() {
                    sorted(v);
                }
            }
        }
        Value::Array(items) => {
            if items
                .iter()
                .all(|v| !matches!(v, Value::Object(_) | Value::Array(_)))
            {
                return;
            }
            for v in value.as_array_mut().into_iter().flatten() {
                sorted(v);
            }
        }
        _ => {}
    }
}

fn object_meta(metadata: Value) -> Result<Decoded, DecodeError> {
    match message(OBJECT_META) {
        Some(node) => crate::decode(&node, metadata),
        None => Ok(Decoded {
            value: metadata,
            unknown: Vec::new(),
        }),
    }
}

/// Coerces kind, version and metadata of embedded resources.
fn embedded(
    node: &Node,
    value: &mut Value,
    path: &Path,
    unknown: &mut Vec<String>,
) -> Result<(), DecodeError> {
    match value {
        Value::Object(_) => {
            if node.embedded_resource {
                for key in ["apiVersion", "kind"] {
                    if let Some(v) = value.get(key).filter(|v| v.as_str().is_none()) {
                        let e = catena_objects::field::Error::invalid(
                            &path.child(key),
                            v.clone(),
                            "must be a string",
                        );
                        return Err(DecodeError(e.to_string()));
                    }
                }
                if let Some(metadata) = value.get("metadata") {
                    let at = path.child("metadata");
                    let coerced = object_meta(metadata.clone()).map_err(|e| {
                        let e = catena_objects::field::Error::invalid(&at, metadata.clone(), e.0);
                        DecodeError(e.to_string())
                    })?;
                    unknown.extend(coerced.unknown.into_iter().map(|p| format!("{at}.{p}")));
                    value.set(&["metadata"], coerced.value);
                }
            }
            for (key, v) in value.as_object_mut().into_iter().flat_map(|m| m.iter_mut()) {
                match (node.field(key), &node.additional) {
                    (Some(f), _) => embedded(f.node.get(), v, &path.child(key), unknown)?,
                    (None, Some(n)) => embedded(n.get(), v, &path.key(key), unknown)?,
                    (None, None) => {}
                }
            }
        }
        Value::Array(_) => {
            let Some(item) = &node.items else {
                return Ok(());
            };
            for (i, v) in value.as_array_mut().into_iter().flatten().enumerate() {
                embedded(item.get(), v, &path.index(i), unknown)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Keeps the walk out of the many trees that embed nothing.
pub(super) fn has_embedded(node: &Node) -> bool {
    node.embedded_resource
        || node.fields.iter().any(|f| has_embedded(f.node.get()))
        || [&node.items, &node.additional]
            .into_iter()
            .flatten()
            .map(NodeRef::get)
            .any(|n| has_embedded(n))
}
