//! Single objects straight from storage: for what is asked rarely.

use std::sync::Arc;

use catena_objects::Value;
use catena_storage::{RangeRequest, Storage};

use crate::follow::decode;

/// Reads objects of the core group.
#[derive(Clone)]
pub(crate) struct Objects {
    storage: Arc<dyn Storage>,
}

impl Objects {
    pub(crate) fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage }
    }

    /// Storage failing is not told apart from an absent object: both refuse.
    pub(crate) async fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        let key = match namespace {
            "" => format!("/registry/{resource}/{name}"),
            _ => format!("/registry/{resource}/{namespace}/{name}"),
        };
        self.range(RangeRequest::key(key)).await.pop()
    }

    async fn range(&self, request: RangeRequest) -> Vec<Value> {
        match self.storage.range(request).await {
            Ok(answer) => answer
                .kvs
                .iter()
                .filter_map(|kv| decode(&kv.value))
                .collect(),
            Err(e) => {
                tracing::warn!(error = %e, "an object was not read");
                Vec::new()
            }
        }
    }
}
