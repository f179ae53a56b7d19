//! All APIServices as the router needs them, kept current by one watch.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use catena_objects::Value;
use catena_registry::{Resource, codec};
use catena_storage::{
    EventKind, KeyValue, RangeRequest, Storage, WatchMessage, WatchRequest, prefix_end,
};
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::local::entries;
use crate::link::Link;

const AGAIN: Duration = Duration::from_millis(50);

/// A service inside the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceRef {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) port: u16,
}

/// What routing and discovery need of one APIService.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) version: String,
    /// `None`: served by the chain.
    pub(crate) service: Option<ServiceRef>,
    pub(crate) ca_bundle: String,
    pub(crate) insecure: bool,
    pub(crate) group_priority: i64,
    pub(crate) version_priority: i64,
    pub(crate) available: bool,
    pub(crate) object: Value,
}

/// An immutable set of APIServices by name.
#[derive(Default)]
pub(crate) struct View {
    pub(crate) by_name: BTreeMap<String, Arc<Entry>>,
}

impl View {
    /// The entry of a group version.
    pub(crate) fn find(&self, group: &str, version: &str) -> Option<&Arc<Entry>> {
        self.by_name.get(&format!("{version}.{group}"))
    }
}

/// The current [`View`]; reading takes no lock.
#[derive(Clone)]
pub(crate) struct Views {
    current: Arc<ArcSwap<View>>,
    /// Counts the views; 0 until the first one is there.
    changes: watch::Receiver<u64>,
}

impl Views {
    /// Starts to follow storage until `stop`.
    pub(crate) fn follow(
        resource: Arc<Resource>,
        storage: Arc<dyn Storage>,
        stop: CancellationToken,
    ) -> Self {
        let current = Arc::new(ArcSwap::default());
        let (tx, changes) = watch::channel(0);
        let target = current.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = keep(&resource, &*storage, &target, &tx) => {}
            }
        });
        Self { current, changes }
    }

    /// Made of what the links announce, without APIServices, until `stop`.
    pub(crate) fn of_links(links: Vec<Link>, stop: CancellationToken) -> Self {
        let current = Arc::new(ArcSwap::default());
        let (tx, changes) = watch::channel(0);
        let target = current.clone();
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            let mut changes: Vec<_> = links.iter().map(Link::changes).collect();
            loop {
                target.store(Arc::new(entries(&links)));
                tx.send_modify(|n| *n += 1);
                let changed = changes.iter_mut().map(|c| Box::pin(c.changed()));
                let _ = futures_util::future::select_all(changed).await;
                for c in &mut changes {
                    c.mark_unchanged();
                }
            }
        }));
        Self { current, changes }
    }

    pub(crate) fn get(&self) -> Arc<View> {
        self.current.load_full()
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    /// Whether storage was read once.
    pub(crate) fn synced(&self) -> bool {
        *self.changes.borrow() > 0
    }
}

async fn keep(
    resource: &Resource,
    storage: &dyn Storage,
    target: &ArcSwap<View>,
    tx: &watch::Sender<u64>,
) {
    loop {
        if let Err(e) = once(resource, storage, target, tx).await {
            tracing::warn!(error = %e, "APIServices are not followed");
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Lists and watches until the watch ends.
async fn once(
    resource: &Resource,
    storage: &dyn Storage,
    target: &ArcSwap<View>,
    tx: &watch::Sender<u64>,
) -> catena_storage::Result<()> {
    let prefix = resource.list_prefix("");
    let listed = storage.range(RangeRequest::prefix(&prefix)).await?;
    let mut by_name = BTreeMap::new();
    for kv in &listed.kvs {
        if let Some(entry) = entry(resource, kv) {
            by_name.insert(entry.name.clone(), Arc::new(entry));
        }
    }
    let publish = |by_name: &BTreeMap<String, Arc<Entry>>| {
        target.store(Arc::new(View {
            by_name: by_name.clone(),
        }));
        tx.send_modify(|n| *n += 1);
    };
    publish(&by_name);
    let request = WatchRequest {
        key: prefix.clone().into_bytes().into(),
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
            let key = String::from_utf8_lossy(&event.kv.key).into_owned();
            let name = key.strip_prefix(&prefix).unwrap_or(&key).to_owned();
            match (event.kind, entry(resource, &event.kv)) {
                (EventKind::Put, Some(entry)) => by_name.insert(name, Arc::new(entry)),
                _ => by_name.remove(&name),
            };
        }
        publish(&by_name);
    }
    Ok(())
}

fn entry(resource: &Resource, kv: &KeyValue) -> Option<Entry> {
    if kv.value.is_empty() {
        return None;
    }
    let object = codec::decode(resource, kv).ok()?;
    let text = |path: &[&str]| object.str_at(path).to_owned();
    let service = object
        .at(&["spec", "service"])
        .filter(|s| !s.is_null())
        .map(|s| ServiceRef {
            namespace: s.str_at(&["namespace"]).to_owned(),
            name: s.str_at(&["name"]).to_owned(),
            port: s
                .i64_at(&["port"])
                .and_then(|p| u16::try_from(p).ok())
                .unwrap_or(443),
        });
    let available = object
        .items_at(&["status", "conditions"])
        .iter()
        .any(|c| c.str_at(&["type"]) == "Available" && c.str_at(&["status"]) == "True");
    Some(Entry {
        name: text(&["metadata", "name"]),
        group: text(&["spec", "group"]),
        version: text(&["spec", "version"]),
        available: available || service.is_none(),
        service,
        ca_bundle: text(&["spec", "caBundle"]),
        insecure: object.bool_at(&["spec", "insecureSkipTLSVerify"]) == Some(true),
        group_priority: object
            .i64_at(&["spec", "groupPriorityMinimum"])
            .unwrap_or(0),
        version_priority: object.i64_at(&["spec", "versionPriority"]).unwrap_or(0),
        object,
    })
}
