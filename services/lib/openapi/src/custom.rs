//! Schemas of custom resources as documents show them.

use catena_objects::{Map, Value};

use crate::{
    CustomKind,
    definitions::{Definitions, group_version_kind, reference, string},
    names,
};

const META: &str = "k8s.io.apimachinery.pkg.apis.meta.v1";

/// References to a kind and its list.
pub(crate) fn references(
    group: &str,
    version: &str,
    kind: &CustomKind<'_>,
) -> (Value, Option<Value>) {
    let list = names::custom(group, version, kind.list_kind);
    (
        reference(&names::custom(group, version, kind.kind)),
        Some(reference(&list)),
    )
}

pub(crate) fn define(
    definitions: &mut Definitions<'_>,
    group: &str,
    version: &str,
    kinds: &[CustomKind<'_>],
) {
    let object_meta = definitions.refer(&format!("{META}.ObjectMeta"));
    let list_meta = definitions.refer(&format!("{META}.ListMeta"));
    for k in kinds {
        let name = names::custom(group, version, k.kind);
        let mut object = k.schema.clone();
        if object.as_object().is_none() {
            object = Value::object();
            object.set(&["x-kubernetes-preserve-unknown-fields"], true);
        }
        object.set(&["type"], "object");
        types(&mut object);
        object.set(
            &["properties", "metadata"],
            described(object_meta.clone(), "Standard metadata of the object."),
        );
        embedded(&mut object, &object_meta, true);
        let gvk = group_version_kind(group, version, k.kind);
        object.set(&["x-kubernetes-group-version-kind"], vec![gvk]);
        definitions.add(name.clone(), object);

        let mut items = Map::new();
        items.insert("description", format!("Objects of kind {}.", k.kind));
        items.insert("items", reference(&name));
        items.insert("type", "array");
        let mut list = Value::object();
        list.set(
            &["description"],
            format!("{} is a list of {}", k.list_kind, k.kind),
        );
        types(&mut list);
        list.set(&["properties", "items"], items);
        list.set(
            &["properties", "metadata"],
            described(list_meta.clone(), "Standard metadata of the list."),
        );
        list.set(&["required"], vec![Value::from("items")]);
        list.set(&["type"], "object");
        let gvk = group_version_kind(group, version, k.list_kind);
        list.set(&["x-kubernetes-group-version-kind"], vec![gvk]);
        definitions.add(names::custom(group, version, k.list_kind), list);
    }
}

/// `apiVersion` and `kind`, unless the schema says something of its own about them.
fn types(object: &mut Value) {
    for (key, text) in [
        (
            "apiVersion",
            "Group and version of the schema of this object.",
        ),
        ("kind", "Kind of this object, in CamelCase."),
    ] {
        if object.at(&["properties", key, "description"]).is_none() {
            object.set(&["properties", key], described(string(), text));
        }
    }
}

fn described(schema: Value, text: &str) -> Value {
    let mut m = Map::new();
    m.insert("description", text);
    let own = schema.as_object().cloned().unwrap_or_default();
    if own.contains_key("$ref") {
        m.insert("allOf", vec![schema]);
    } else {
        for (k, v) in own.iter() {
            m.insert(k.clone(), v.clone());
        }
    }
    m.into()
}

/// Embedded resources have metadata too.
fn embedded(schema: &mut Value, object_meta: &Value, root: bool) {
    if !root && schema.bool_at(&["x-kubernetes-embedded-resource"]) == Some(true) {
        types(schema);
        schema.set(&["properties", "metadata"], object_meta.clone());
    }
    let mut next: Vec<&mut Value> = Vec::new();
    let Some(map) = schema.as_object_mut() else {
        return;
    };
    for (key, v) in map.iter_mut() {
        match key.as_str() {
            "properties" => next.extend(
                v.as_object_mut()
                    .into_iter()
                    .flat_map(|m| m.iter_mut().map(|(_, v)| v)),
            ),
            "items" | "additionalProperties" => next.push(v),
            _ => {}
        }
    }
    for v in next {
        embedded(v, object_meta, false);
    }
}
