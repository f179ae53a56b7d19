//! Follows a prefix of storage by one watch.

use std::{sync::Arc, time::Duration};

use catena_objects::{Value, json};
use catena_storage::{
    Event, EventKind, KeyValue, RangeRequest, Storage, WatchMessage, WatchRequest, prefix_end,
};
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const AGAIN: Duration = Duration::from_millis(50);
/// Keys of one read.
const PAGE: i64 = 1_000;

/// Takes what stands below a prefix, by key.
pub(crate) trait Sink: Send + Sync + 'static {
    /// Everything there is.
    fn replace(&self, all: Vec<(String, Value)>);
    /// What changed since; `None` for what is gone.
    fn change(&self, changes: Vec<(String, Option<Value>)>);
}

/// Feeds a sink until `stop`. While storage is away the sink keeps what it has.
/// The answer counts its states; 0 until storage was read.
pub(crate) fn follow(
    storage: Arc<dyn Storage>,
    prefix: &'static str,
    sink: Arc<dyn Sink>,
    stop: CancellationToken,
) -> watch::Receiver<u64> {
    let (tx, changes) = watch::channel(0);
    tokio::spawn(stop.run_until_cancelled_owned(async move {
        loop {
            if let Err(e) = once(&*storage, prefix, &*sink, &tx).await {
                tracing::debug!(prefix, error = %e, "prefix is read again");
            }
            tokio::time::sleep(AGAIN).await;
        }
    }));
    changes
}

async fn once(
    storage: &dyn Storage,
    prefix: &str,
    sink: &dyn Sink,
    tx: &watch::Sender<u64>,
) -> catena_storage::Result<()> {
    let (all, revision) = list(storage, prefix).await?;
    sink.replace(all);
    tx.send_modify(|n| *n += 1);
    let request = WatchRequest {
        key: prefix.as_bytes().to_vec().into(),
        end: prefix_end(prefix.as_bytes()),
        start_revision: revision + 1,
        ..WatchRequest::default()
    };
    let mut watch = storage.watch(request).await?;
    while let Some(message) = watch.messages.next().await {
        if let WatchMessage::Events { events, .. } = message? {
            sink.change(events.iter().map(change).collect());
            tx.send_modify(|n| *n += 1);
        }
    }
    Ok(())
}

/// All objects of a prefix as of one revision.
async fn list(
    storage: &dyn Storage,
    prefix: &str,
) -> catena_storage::Result<(Vec<(String, Value)>, i64)> {
    let mut request = RangeRequest {
        limit: PAGE,
        ..RangeRequest::prefix(prefix)
    };
    let mut all = Vec::new();
    loop {
        let page = storage.range(request.clone()).await?;
        all.extend(page.kvs.iter().filter_map(entry));
        if request.revision == 0 {
            request.revision = page.revision;
        }
        match page.kvs.last() {
            Some(last) if page.more => request.key = [last.key.as_ref(), &[0]].concat().into(),
            _ => return Ok((all, request.revision)),
        }
    }
}

fn entry(kv: &KeyValue) -> Option<(String, Value)> {
    Some((text(&kv.key), decode(&kv.value)?))
}

fn change(event: &Event) -> (String, Option<Value>) {
    let value = match event.kind {
        EventKind::Put => decode(&event.kv.value),
        EventKind::Delete => None,
    };
    (text(&event.kv.key), value)
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
