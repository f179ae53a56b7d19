//! What this server claims and has, published again when definitions change.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use catena_delegate::{Description, GroupVersion};
use catena_endpoints::discovery;
use catena_objects::Status;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::watch;

use crate::{
    catalog::Snapshot,
    definition::{GROUP, VERSION},
    documents,
    server::CustomResources,
};

/// Changes that come this close together are told together.
const QUIET: Duration = Duration::from_millis(50);

/// Priorities of the groups of custom resources, and of the definitions' own.
const CUSTOM: (i32, i32) = (1000, 100);
const OWN: (i32, i32) = (16_700, 15);

/// The parts of [`CustomResources`] that a stream outlives.
struct Reader {
    resources: Arc<CustomResources>,
    changes: watch::Receiver<u64>,
    synced: watch::Receiver<bool>,
    last: Option<Description>,
    /// Documents by path, with the state of the definitions that they are of.
    made: HashMap<String, (u64, GroupVersion)>,
}

pub(crate) fn stream(
    resources: &CustomResources,
) -> BoxStream<'static, Result<Description, Status>> {
    let reader = Reader {
        changes: resources.catalog.changes(),
        synced: resources.synced.clone(),
        resources: Arc::new(resources.clone()),
        last: None,
        made: HashMap::new(),
    };
    stream::unfold(reader, next).map(Ok).boxed()
}

async fn next(mut reader: Reader) -> Option<(Description, Reader)> {
    loop {
        if reader.last.is_some() {
            tokio::select! {
                r = reader.changes.changed() => r.ok()?,
                r = reader.synced.changed() => r.ok()?,
            }
            tokio::time::sleep(QUIET).await;
        }
        reader.changes.borrow_and_update();
        let ready = *reader.synced.borrow_and_update();
        let now = reader.description(ready);
        if reader.last.as_ref() != Some(&now) {
            reader.last = Some(now.clone());
            return Some((now, reader));
        }
    }
}

impl Reader {
    fn description(&mut self, ready: bool) -> Description {
        let snapshot = self.resources.catalog.snapshot();
        let mut states: BTreeMap<(&str, &str), DefaultHasher> = BTreeMap::new();
        for e in snapshot.values().filter(|e| e.established) {
            for v in e.versions.iter().filter(|v| v.served) {
                let state = states.entry((&e.group, &v.name)).or_default();
                (&e.name, e.revision).hash(state);
            }
        }
        let root = format!("/apis/{GROUP}");
        let mut d = Description {
            name: "extensions".to_owned(),
            paths: vec![root.clone(), format!("{root}/{VERSION}")],
            prefixes: vec![root],
            ready,
            checks: checks(ready),
            ..Description::default()
        };
        d.groups
            .push(group(&self.resources, &snapshot, (GROUP, VERSION), OWN));
        let mut made = HashMap::with_capacity(states.len());
        let mut last = "";
        for ((name, version), state) in states {
            if name != last {
                d.paths.push(format!("/apis/{name}"));
                last = name;
            }
            let path = format!("/apis/{name}/{version}");
            d.prefixes.push(path.clone());
            d.paths.push(path.clone());
            let state = state.finish();
            let known = self.made.remove(&path).filter(|(s, _)| *s == state);
            let (_, document) = known.unwrap_or_else(|| {
                let of = (name, version);
                (state, group(&self.resources, &snapshot, of, CUSTOM))
            });
            d.groups.push(document.clone());
            made.insert(path, (state, document));
        }
        self.made = made;
        d
    }
}

fn group(
    resources: &CustomResources,
    snapshot: &Snapshot,
    (name, version): (&str, &str),
    (group_priority, version_priority): (i32, i32),
) -> GroupVersion {
    GroupVersion {
        openapi_etag: documents::etag(snapshot, name, version),
        group_priority,
        version_priority,
        ..discovery::group_version(resources, name, version)
    }
}

/// Health checks under the names of kube-apiserver.
fn checks(ready: bool) -> Vec<(String, String)> {
    let synced = if ready { "" } else { "not synced" };
    let started = [
        "poststarthook/start-apiextensions-informers",
        "poststarthook/start-apiextensions-controllers",
    ];
    let mut all: Vec<(String, String)> = started
        .iter()
        .map(|n| ((*n).to_owned(), String::new()))
        .collect();
    all.push((
        "poststarthook/crd-informer-synced".to_owned(),
        synced.to_owned(),
    ));
    all
}
