//! Single objects straight from storage: for what is asked rarely.

use std::sync::Arc;

use catena_objects::Value;
use catena_storage::{RangeRequest, Storage};

use crate::follow::decode;

/// Reads objects as they are stored.
#[derive(Clone)]
pub(crate) struct Objects {
    storage: Arc<dyn Storage>,
}

impl Objects {
    pub(crate) fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage }
    }

    /// An object by the name of its resource in keys; "" for no namespace.
    ///
    /// # Errors
    /// When storage does not answer: the object may be there or not.
    pub(crate) async fn get(
        &self,
        resource: &str,
        namespace: &str,
        name: &str,
    ) -> catena_storage::Result<Option<Value>> {
        // Names come from tokens and requests: none may reach another key.
        if name.is_empty() || name.contains('/') || namespace.contains('/') {
            return Ok(None);
        }
        let key = match namespace {
            "" => format!("/registry/{resource}/{name}"),
            _ => format!("/registry/{resource}/{namespace}/{name}"),
        };
        let answer = self.storage.range(RangeRequest::key(key)).await?;
        Ok(answer.kvs.first().and_then(|kv| decode(&kv.value)))
    }

    /// As [`Self::get`]; what cannot be read is not there.
    pub(crate) async fn find(&self, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        match self.get(resource, namespace, name).await {
            Ok(found) => found,
            Err(e) => {
                tracing::warn!(error = %e, resource, "an object was not read");
                None
            }
        }
    }
}
