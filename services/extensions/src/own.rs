//! Storage of definitions: what this server writes is in its catalog at once,
//! before the watch tells of it.

use std::sync::Arc;

use async_trait::async_trait;
use catena_storage::{
    KeyValue, Op, OpResponse, RangeRequest, RangeResponse, Result, Storage, StorageStatus,
    TxnRequest, TxnResponse, Watch, WatchRequest,
};

use crate::catalog::Catalog;

pub(crate) struct OwnWrites {
    pub(crate) inner: Arc<dyn Storage>,
    pub(crate) catalog: Arc<Catalog>,
}

impl OwnWrites {
    fn note(&self, op: &Op, response: Option<&OpResponse>, revision: i64) {
        let prefix = self.catalog.storage_prefix.as_bytes();
        match op {
            Op::Put { key, value, lease } if key.starts_with(prefix) => {
                self.catalog.put(&KeyValue {
                    key: key.clone(),
                    value: value.clone(),
                    mod_revision: revision,
                    lease: *lease,
                    ..KeyValue::default()
                });
            }
            Op::Delete { key }
                if key.starts_with(prefix)
                    && !matches!(response, Some(OpResponse::Delete(None))) =>
            {
                self.catalog.remove(key, revision);
            }
            _ => {}
        }
    }
}

#[async_trait]
impl Storage for OwnWrites {
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse> {
        self.inner.range(request).await
    }

    async fn txn(&self, request: TxnRequest) -> Result<TxnResponse> {
        let (success, failure) = (request.success.clone(), request.failure.clone());
        let answer = self.inner.txn(request).await?;
        let ops = if answer.succeeded { success } else { failure };
        for (i, op) in ops.iter().enumerate() {
            self.note(op, answer.responses.get(i), answer.revision);
        }
        Ok(answer)
    }

    async fn watch(&self, request: WatchRequest) -> Result<Watch> {
        self.inner.watch(request).await
    }

    async fn compact(&self, revision: i64) -> Result<()> {
        self.inner.compact(revision).await
    }

    async fn lease_grant(&self, ttl_seconds: i64) -> Result<i64> {
        self.inner.lease_grant(ttl_seconds).await
    }

    async fn status(&self) -> Result<StorageStatus> {
        self.inner.status().await
    }
}
