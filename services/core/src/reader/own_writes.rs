//! Storage that remembers what this process wrote last under some prefixes.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicI64, Ordering},
};

use async_trait::async_trait;
use catena_storage::{
    Op, OpResponse, RangeRequest, RangeResponse, Result, Storage, StorageStatus, TxnRequest,
    TxnResponse, Watch, WatchRequest,
};

/// A prefix of keys, and the revision of the last write of this process to one of them.
struct Last {
    prefix: String,
    revision: AtomicI64,
}

pub(crate) struct OwnWrites {
    inner: Arc<dyn Storage>,
    last: OnceLock<Vec<Last>>,
}

impl OwnWrites {
    pub(super) fn new(inner: Arc<dyn Storage>) -> Self {
        Self {
            inner,
            last: OnceLock::new(),
        }
    }

    /// Tells which prefixes matter; the first call counts. Writes before it are
    /// older than any cache.
    pub(super) fn follow(&self, prefixes: impl Iterator<Item = String>) {
        let last = prefixes.map(|prefix| Last {
            prefix,
            revision: AtomicI64::new(0),
        });
        let _ = self.last.set(last.collect());
    }

    /// What a reader that shall see this process' writes must have reached.
    pub(super) fn revision(&self, prefix: &str) -> i64 {
        let all = self.last.get().map_or(&[][..], Vec::as_slice);
        all.iter()
            .find(|l| l.prefix == prefix)
            .map_or(0, |l| l.revision.load(Ordering::Acquire))
    }

    fn matters(&self, op: &Op) -> bool {
        key(op).is_some_and(|k| self.prefixes(k).next().is_some())
    }

    fn prefixes<'a>(&'a self, key: &'a [u8]) -> impl Iterator<Item = &'a Last> {
        let all = self.last.get().map_or(&[][..], Vec::as_slice);
        all.iter().filter(|l| key.starts_with(l.prefix.as_bytes()))
    }

    fn note(&self, ops: &[Op], answer: &TxnResponse) {
        for (i, op) in ops.iter().enumerate() {
            // What was not there was not deleted: no write, no event.
            let written = !matches!(answer.responses.get(i), Some(OpResponse::Delete(None)));
            for last in key(op)
                .filter(|_| written)
                .into_iter()
                .flat_map(|k| self.prefixes(k))
            {
                last.revision.fetch_max(answer.revision, Ordering::AcqRel);
            }
        }
    }
}

/// The key that an operation writes.
fn key(op: &Op) -> Option<&[u8]> {
    match op {
        Op::Put { key, .. } | Op::Delete { key } => Some(key),
        Op::Get { .. } => None,
    }
}

#[async_trait]
impl Storage for OwnWrites {
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse> {
        self.inner.range(request).await
    }

    async fn txn(&self, request: TxnRequest) -> Result<TxnResponse> {
        let (success, failure) = (&request.success, &request.failure);
        if !success.iter().chain(failure).any(|op| self.matters(op)) {
            return self.inner.txn(request).await;
        }
        let (success, failure) = (success.clone(), failure.clone());
        let answer = self.inner.txn(request).await?;
        let taken = if answer.succeeded { success } else { failure };
        self.note(&taken, &answer);
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
