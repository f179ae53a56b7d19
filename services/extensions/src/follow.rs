//! Keeps the catalog current: one list, then one watch, for as long as the server runs.

use std::{sync::Arc, time::Duration};

use catena_storage::{
    Error, EventKind, RangeRequest, Storage, WatchMessage, WatchRequest, prefix_end,
};
use futures_util::StreamExt;
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::catalog::Catalog;

const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Follows the definitions until `stop`; `synced` turns true after the first list.
pub(crate) async fn run(
    storage: Arc<dyn Storage>,
    catalog: Arc<Catalog>,
    synced: watch::Sender<bool>,
    stop: CancellationToken,
) {
    let mut pause = SHORTEST_PAUSE;
    let mut from = None;
    loop {
        let attempt = follow(&*storage, &catalog, &synced, &mut from);
        let began = Instant::now();
        let ended = tokio::select! {
            () = stop.cancelled() => return,
            done = attempt => done,
        };
        if let Err(e) = ended {
            tracing::warn!(why = %e, "the watch of definitions ended");
            if !e.retryable() {
                from = None;
            }
        }
        if began.elapsed() > LONGEST_PAUSE {
            pause = SHORTEST_PAUSE;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Lists unless a revision is known to go on from, and applies what the watch
/// reports until it ends.
async fn follow(
    storage: &dyn Storage,
    catalog: &Catalog,
    synced: &watch::Sender<bool>,
    from: &mut Option<i64>,
) -> Result<(), Error> {
    let start = match *from {
        Some(revision) => revision,
        None => {
            let list = storage
                .range(RangeRequest::prefix(&catalog.storage_prefix))
                .await?;
            catalog.replace(&list.kvs, list.revision);
            synced.send_replace(true);
            *from.insert(list.revision)
        }
    };
    let prefix = &catalog.storage_prefix;
    let mut watch = storage
        .watch(WatchRequest {
            key: prefix.clone().into(),
            end: prefix_end(prefix.as_bytes()),
            start_revision: start + 1,
            prev_kv: false,
            progress_notify: true,
        })
        .await?;
    while let Some(message) = watch.messages.next().await {
        match message? {
            WatchMessage::Events { revision, events } => {
                for event in events {
                    match event.kind {
                        EventKind::Put => catalog.put(&event.kv),
                        EventKind::Delete => {
                            catalog.remove(&event.kv.key, event.kv.mod_revision);
                        }
                    }
                }
                catalog.passed(revision);
                *from = Some(revision);
            }
            WatchMessage::Progress { revision } => {
                catalog.passed(revision);
                *from = Some(revision);
            }
            WatchMessage::Created { .. } => {}
        }
    }
    Ok(())
}
