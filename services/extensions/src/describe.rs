//! What this server claims and has, published again when definitions change.

use std::{sync::Arc, time::Duration};

use catena_delegate::{Description, GroupVersion};
use catena_endpoints::discovery;
use catena_objects::Status;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::watch;

use crate::{
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
}

pub(crate) fn stream(
    resources: &CustomResources,
) -> BoxStream<'static, Result<Description, Status>> {
    let reader = Reader {
        changes: resources.catalog.changes(),
        synced: resources.synced.clone(),
        resources: Arc::new(resources.clone()),
        last: None,
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
        let now = description(&reader.resources, ready);
        if reader.last.as_ref() != Some(&now) {
            reader.last = Some(now.clone());
            return Some((now, reader));
        }
    }
}

fn description(resources: &CustomResources, ready: bool) -> Description {
    let snapshot = resources.catalog.snapshot();
    let mut groups: Vec<(&str, &str)> = snapshot
        .values()
        .filter(|e| e.established)
        .flat_map(|e| {
            let versions = e.versions.iter().filter(|v| v.served);
            versions.map(|v| (e.group.as_str(), v.name.as_str()))
        })
        .collect();
    groups.sort_unstable();
    groups.dedup();
    let root = format!("/apis/{GROUP}");
    let mut d = Description {
        name: "extensions".to_owned(),
        paths: vec![root.clone(), format!("{root}/{VERSION}")],
        prefixes: vec![root],
        ready,
        checks: checks(ready),
        ..Description::default()
    };
    d.groups.push(group(resources, (GROUP, VERSION), OWN));
    let mut last = "";
    for (name, version) in groups {
        if name != last {
            d.paths.push(format!("/apis/{name}"));
            last = name;
        }
        let path = format!("/apis/{name}/{version}");
        d.prefixes.push(path.clone());
        d.paths.push(path);
        d.groups.push(group(resources, (name, version), CUSTOM));
    }
    d
}

fn group(
    resources: &CustomResources,
    (name, version): (&str, &str),
    (group_priority, version_priority): (i32, i32),
) -> GroupVersion {
    GroupVersion {
        openapi_etag: documents::etag(&resources.catalog.snapshot(), name, version),
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
