//! Rules of embedded resources (`schemaobjectmeta.Validate`).

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    meta,
    names::{dns1035_label, path_segment},
};
use catena_schema::{Node, node::NodeRef};

/// Whether a schema embeds resources below its root.
pub(super) fn any(node: &Node) -> bool {
    node.embedded_resource
        || node.fields.iter().any(|f| any(f.node.get()))
        || [&node.items, &node.additional]
            .into_iter()
            .flatten()
            .any(|n| any(n.get()))
}

pub(super) fn validate(node: &Node, value: &Value) -> Errors {
    let mut errors = Errors::new();
    walk(node, value, &Path::default(), &mut errors);
    errors
}

fn walk(node: &Node, value: &Value, path: &Path, errors: &mut Errors) {
    match value {
        Value::Object(map) => {
            if node.embedded_resource {
                resource(value, path, errors);
            }
            for (key, v) in map.iter() {
                match (node.field(key), &node.additional) {
                    (Some(f), _) => walk(f.node.get(), v, &path.child(key), errors),
                    (None, Some(n)) => walk(n.get(), v, &path.key(key), errors),
                    (None, None) => {}
                }
            }
        }
        Value::Array(items) => {
            let Some(item) = node.items.as_ref().map(NodeRef::get) else {
                return;
            };
            for (i, v) in items.iter().enumerate() {
                walk(item, v, &path.index(i), errors);
            }
        }
        _ => {}
    }
}

fn resource(value: &Value, path: &Path, errors: &mut Errors) {
    let api = path.child("apiVersion");
    match value.get("apiVersion") {
        None => errors.push(Error::required(&api, "")),
        Some(v) => match v.as_str() {
            None => errors.push(Error::invalid(&api, v.clone(), "must be a string")),
            Some("") => errors.push(Error::invalid(&api, "", "must not be empty")),
            Some(s) if s.matches('/').count() > 1 => {
                let why = format!("unexpected GroupVersion string: {s}");
                errors.push(Error::invalid(&api, s, why));
            }
            Some(_) => {}
        },
    }
    let kind = path.child("kind");
    match value.get("kind") {
        None => errors.push(Error::required(&kind, "")),
        Some(v) => match v.as_str() {
            None => errors.push(Error::invalid(&kind, v.clone(), "must be a string")),
            Some("") => errors.push(Error::invalid(&kind, "", "must not be empty")),
            Some(s) => {
                let why = dns1035_label(&s.to_lowercase(), false);
                if !why.is_empty() {
                    let text = format!(
                        "may have mixed case, but should otherwise match: {}",
                        why.join(",")
                    );
                    errors.push(Error::invalid(&kind, s, text));
                }
            }
        },
    }
    if let Some(metadata) = value.get("metadata") {
        let mut metadata = metadata.clone();
        if metadata.str_at(&["name"]).is_empty() {
            // A name is not required here.
            metadata.set(&["name"], "fakename");
        }
        let namespaced = !metadata.str_at(&["namespace"]).is_empty();
        errors.extend(meta::validate_object_meta(
            &metadata,
            namespaced,
            &path_segment,
            &path.child("metadata"),
        ));
    }
}
