//! The objects of a prefix of storage in memory, kept by one watch.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Context as _;
use arc_swap::ArcSwap;
use catena_objects::{Value, json};
use catena_storage::{EventKind, RangeRequest, Storage, WatchMessage, WatchRequest, prefix_end};
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const AGAIN: Duration = Duration::from_millis(200);
/// Bound on the first read at start.
const FIRST: Duration = Duration::from_secs(60);

type Objects = BTreeMap<String, Arc<Value>>;

/// A prefix, current up to the watch's delay. The last state stays while
/// storage is away.
#[derive(Clone)]
pub(crate) struct Mirror {
    objects: Arc<ArcSwap<Objects>>,
    /// Counts the states; 0 until storage was read.
    changes: watch::Receiver<u64>,
}

impl Mirror {
    pub(crate) fn follow(
        storage: Arc<dyn Storage>,
        prefix: &'static str,
        stop: CancellationToken,
    ) -> Self {
        let objects = Arc::new(ArcSwap::default());
        let (tx, changes) = watch::channel(0);
        let target = objects.clone();
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            loop {
                if let Err(e) = once(&*storage, prefix, &target, &tx).await {
                    tracing::debug!(prefix, error = %e, "prefix is read again");
                }
                tokio::time::sleep(AGAIN).await;
            }
        }));
        Self { objects, changes }
    }

    pub(crate) fn get(&self) -> Arc<Objects> {
        self.objects.load_full()
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }
}

/// Waits until every mirror was filled once.
pub(crate) async fn synced(mirrors: &[Mirror]) -> anyhow::Result<()> {
    for m in mirrors {
        let mut changes = m.changes();
        tokio::time::timeout(FIRST, changes.wait_for(|n| *n > 0))
            .await
            .context("storage did not answer")?
            .context("storage is not followed any more")?;
    }
    Ok(())
}

async fn once(
    storage: &dyn Storage,
    prefix: &str,
    target: &ArcSwap<Objects>,
    tx: &watch::Sender<u64>,
) -> catena_storage::Result<()> {
    let listed = storage.range(RangeRequest::prefix(prefix)).await?;
    let mut objects = Objects::new();
    for kv in &listed.kvs {
        if let Some(v) = decode(&kv.value) {
            objects.insert(text(&kv.key), Arc::new(v));
        }
    }
    target.store(Arc::new(objects.clone()));
    tx.send_modify(|n| *n += 1);
    let request = WatchRequest {
        key: prefix.as_bytes().to_vec().into(),
        end: prefix_end(prefix.as_bytes()),
        start_revision: listed.revision + 1,
        ..WatchRequest::default()
    };
    let mut watch = storage.watch(request).await?;
    while let Some(message) = watch.messages.next().await {
        let WatchMessage::Events { events, .. } = message? else {
            continue;
        };
        for event in events {
            let key = text(&event.kv.key);
            match (event.kind, decode(&event.kv.value)) {
                (EventKind::Put, Some(v)) => objects.insert(key, Arc::new(v)),
                _ => objects.remove(&key),
            };
        }
        target.store(Arc::new(objects.clone()));
        tx.send_modify(|n| *n += 1);
    }
    Ok(())
}

fn text(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}

/// An object as it is stored, in JSON or protobuf.
pub(crate) fn decode(bytes: &[u8]) -> Option<Value> {
    if bytes.starts_with(catena_protobuf::MAGIC) {
        return catena_protobuf::decode_envelope(bytes).ok();
    }
    json::parse(bytes).ok()
}
