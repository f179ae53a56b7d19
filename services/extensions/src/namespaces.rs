//! Namespaces, which core writes, as this server needs them.

use std::sync::Arc;

use bytes::Bytes;
use catena_cache::{Cache, Options};
use catena_objects::{Status, Value, json};
use catena_registry::codec;
use catena_storage::{RangeRequest, Storage};

const PREFIX: &str = "/registry/namespaces/";

/// What is known of namespaces. One that is not known is asked of storage: it may
/// be new. One that goes is heard of as soon as storage tells, as the informers of
/// kube-apiserver hear of it.
pub(crate) struct Namespaces {
    storage: Arc<dyn Storage>,
    cache: Cache<()>,
}

impl Namespaces {
    pub(crate) fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            cache: Cache::new(storage.clone(), PREFIX, Options::default()),
            storage,
        }
    }

    /// The namespace as core stores it; `None` when there is none.
    pub(crate) async fn get(&self, name: &str) -> Result<Option<Value>, Status> {
        let key = format!("{PREFIX}{name}");
        if let Ok(known) = self.cache.snapshot().await
            && let Some(entry) = known.get(key.as_bytes())
        {
            return decode(&entry.kv().value).map(Some);
        }
        let answer = self.storage.range(RangeRequest::key(key)).await;
        let answer = answer.map_err(codec::storage_error)?;
        answer.kvs.first().map(|kv| decode(&kv.value)).transpose()
    }
}

fn decode(value: &Bytes) -> Result<Value, Status> {
    if value.starts_with(catena_protobuf::MAGIC) {
        let decoded = catena_protobuf::decode_envelope(value);
        return decoded.map_err(|e| Status::internal(e.to_string()));
    }
    json::parse(value).map_err(|e| Status::internal(e.to_string()))
}
