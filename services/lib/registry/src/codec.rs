//! Between stored bytes and value trees.

use bytes::Bytes;
use catena_objects::{Map, Status, Value, json};
use catena_storage::KeyValue;

use crate::Resource;

/// The object in a stored value (JSON or the protobuf envelope), in the storage
/// version, with its resourceVersion.
pub fn decode(resource: &Resource, kv: &KeyValue) -> Result<Value, Status> {
    let mut object = parse(&kv.value).map_err(|why| {
        Status::internal(format!(
            "unable to decode the stored {} at {:?}: {why}",
            resource.kind,
            String::from_utf8_lossy(&kv.key)
        ))
    })?;
    let stored = object.str_at(&["apiVersion"]).to_owned();
    if stored != resource.storage_api_version() {
        let version = stored.rsplit('/').next().unwrap_or_default();
        if let Some(c) = resource
            .version(version)
            .and_then(|v| v.conversion.as_ref())
        {
            object = c.to_storage(object);
        }
        object.set(&["apiVersion"], resource.storage_api_version());
    }
    set_revision(&mut object, kv.mod_revision, resource.custom);
    Ok(object)
}

/// Sets the resourceVersion where Go prints it: members of built-in kinds stand in
/// the order of their fields, those of custom resources in the order of names.
pub fn set_revision(object: &mut Value, revision: i64, custom: bool) {
    const NAME: &str = "resourceVersion";
    let Some(metadata) = object.get("metadata").and_then(Value::as_object) else {
        object.set(&["metadata", NAME], revision.to_string());
        return;
    };
    let at = metadata.keys().position(|k| {
        if custom {
            k.as_str() >= NAME
        } else {
            !["name", "generateName", "namespace", "selfLink", "uid"].contains(&k.as_str())
        }
    });
    let mut out = Map::with_capacity(metadata.len() + 1);
    for (i, (k, v)) in metadata.iter().enumerate() {
        if Some(i) == at {
            out.insert(NAME, revision.to_string());
        }
        if k != NAME {
            out.insert(k.clone(), v.clone());
        }
    }
    if at.is_none() {
        out.insert(NAME, revision.to_string());
    }
    object.set(&["metadata"], out);
}

fn parse(value: &Bytes) -> Result<Value, String> {
    if value.starts_with(catena_protobuf::MAGIC) {
        return catena_protobuf::decode_envelope(value).map_err(|e| e.to_string());
    }
    json::parse(value).map_err(|e| e.to_string())
}

/// What is written for an object: JSON without resourceVersion.
pub fn encode(object: &Value) -> Bytes {
    let mut object = object.clone();
    object.unset(&["metadata", "resourceVersion"]);
    object.unset(&["metadata", "selfLink"]);
    json::to_vec(&object).into()
}

/// A failure of storage as the API reports it.
pub fn storage_error(e: catena_storage::Error) -> Status {
    use catena_storage::Error::*;
    match e {
        Compacted { .. } => Status::expired(
            "The provided continue parameter is too old to display a consistent list result.",
        ),
        FutureRevision => Status::timeout("Too large resource version", 1),
        TooLarge => Status::new(
            catena_objects::Reason::RequestEntityTooLarge,
            "etcdserver: request is too large",
        ),
        Timeout => Status::timeout("the storage did not answer in time", 1),
        Unavailable(why) => {
            tracing::warn!(%why, "storage is unavailable");
            Status::unavailable("storage is unavailable").retry_after(1)
        }
        Internal(why) => Status::internal(why),
    }
}
