//! Where the events of a watch come from: the cache, or storage for what is
//! older than the cache.

use std::sync::Arc;

use catena_cache::{Change, Watcher};
use catena_objects::Status;
use catena_registry::{Cached, Store, codec};
use catena_storage::{Event, Watch, WatchMessage, WatchRequest, prefix_end};
use futures_util::StreamExt as _;

pub(super) type Changes = Vec<Arc<Change<Cached>>>;

pub(super) enum Source {
    Cache(Watcher<Cached>),
    Storage { watch: Watch, seen: i64 },
}

/// Why there are no more events.
pub(super) enum End {
    /// The client comes back and goes on where it was.
    Quiet,
    Failed(Status),
}

impl Source {
    /// What happens after `revision` to keys with a prefix.
    pub(super) async fn open(store: &Store, prefix: &str, revision: i64) -> Result<Self, Status> {
        if let Some(cache) = &store.cache {
            match cache.watch(revision).await {
                Ok(watcher) => return Ok(Self::Cache(watcher)),
                Err(e) => tracing::debug!(error = %e, "a watch is served from storage"),
            }
        }
        let request = WatchRequest {
            end: prefix_end(prefix.as_bytes()),
            key: prefix.to_owned().into(),
            start_revision: revision + 1,
            prev_kv: true,
            progress_notify: true,
        };
        let mut watch = store
            .storage
            .watch(request)
            .await
            .map_err(codec::storage_error)?;
        // The first message tells whether history goes back so far.
        match watch.messages.next().await {
            Some(Ok(_)) | None => {}
            Some(Err(e)) => return Err(failure(e, revision)),
        }
        let seen = revision;
        Ok(Self::Storage { watch, seen })
    }

    /// The next changes; nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Result<Changes, End> {
        match self {
            // It was too slow for the ring: where it was, storage may still be.
            Self::Cache(watcher) => {
                let news = watcher.next().await.map_err(|_| End::Quiet)?;
                Ok(news.iter().flat_map(|b| b.changes.clone()).collect())
            }
            Self::Storage { watch, seen } => loop {
                match watch.messages.next().await {
                    Some(Ok(WatchMessage::Events { revision, events })) => {
                        let changes = changes(&events, *seen)?;
                        *seen = (*seen).max(revision);
                        return Ok(changes);
                    }
                    Some(Ok(WatchMessage::Progress { revision })) => *seen = (*seen).max(revision),
                    Some(Ok(WatchMessage::Created { .. })) => {}
                    Some(Err(e @ catena_storage::Error::Compacted { .. })) => {
                        return Err(End::Failed(failure(e, *seen)));
                    }
                    Some(Err(_)) | None => return Err(End::Quiet),
                }
            },
        }
    }

    /// The revision up to which every event was handed over.
    pub(super) fn seen(&mut self) -> i64 {
        match self {
            Self::Cache(watcher) => watcher.seen(),
            Self::Storage { seen, .. } => *seen,
        }
    }

    /// Makes [`Self::seen`] move on soon.
    pub(super) fn ask_progress(&self) {
        match self {
            Self::Cache(watcher) => watcher.ask_progress(),
            Self::Storage { watch, .. } => watch.progress.request(),
        }
    }
}

/// What a change does to a selection needs what was before it: without that the
/// client has to list anew, or it would miss that an object left.
fn changes(events: &[Event], seen: i64) -> Result<Changes, End> {
    let told = |event| match Change::new(event) {
        Some(change) => Ok(Arc::new(change)),
        None => {
            let oldest = event.kv.mod_revision + 1;
            let why = catena_storage::Error::Compacted { oldest };
            Err(End::Failed(failure(why, seen)))
        }
    };
    events.iter().map(told).collect()
}

fn failure(e: catena_storage::Error, revision: i64) -> Status {
    match e {
        catena_storage::Error::Compacted { oldest } => Status::expired(format!(
            "too old resource version: {revision} ({})",
            oldest - 1
        )),
        other => codec::storage_error(other),
    }
}
