//! Keeps one APIService for each group version of the chain
//! (`kube-aggregator/pkg/controllers/autoregister`).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use catena_objects::{Reason, Status, Value, obj};
use catena_registry::{Context, Store, options::DeleteOptions};
use tokio_util::sync::CancellationToken;

use super::{Entry, View, Views};
use crate::link::Link;

/// Changes that come together are answered together.
const SETTLE: Duration = Duration::from_millis(20);
const AGAIN: Duration = Duration::from_secs(1);

const MANAGED: &str = "kube-aggregator.kubernetes.io/automanaged";
/// Made once at start, and whenever it is missing; never deleted by us.
const ON_START: &str = "onstart";
/// Follows a custom resource definition.
const ALWAYS: &str = "true";

/// What an APIService of the chain says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    group: String,
    version: String,
    group_priority: i64,
    version_priority: i64,
    managed: &'static str,
}

/// Registers what the links announce until `stop`. Several fronts may do it at
/// once: every write is a compare-and-swap.
pub(crate) async fn register_local(
    links: Vec<Link>,
    views: Views,
    store: Store,
    stop: CancellationToken,
) {
    let mut changes: Vec<_> = links.iter().map(Link::changes).collect();
    let mut viewed = views.changes();
    loop {
        let mut pause = None;
        if views.synced() {
            let wanted = wanted(&links);
            if let Err(e) = reconcile(&wanted, &links, &views.get(), &store).await {
                tracing::warn!(error = %e.message, "APIServices of the chain are not registered");
                pause = Some(AGAIN);
            }
        }
        let changed =
            futures_util::future::select_all(changes.iter_mut().map(|c| Box::pin(c.changed())));
        tokio::select! {
            () = stop.cancelled() => return,
            _ = changed => {}
            _ = viewed.changed() => {}
            () = tokio::time::sleep(pause.unwrap_or(Duration::MAX)), if pause.is_some() => {}
        }
        tokio::time::sleep(SETTLE).await;
        for c in &mut changes {
            c.mark_unchanged();
        }
        viewed.mark_unchanged();
    }
}

fn wanted(links: &[Link]) -> BTreeMap<String, Wanted> {
    let mut out = BTreeMap::new();
    for fact in catena_facts::api_services() {
        let known = links.iter().any(|l| {
            l.state().description.is_some_and(|d| {
                d.groups
                    .iter()
                    .any(|g| g.group == fact.group && g.version == fact.version)
            })
        });
        if known {
            let w = Wanted {
                group: fact.group.to_owned(),
                version: fact.version.to_owned(),
                group_priority: fact.group_priority_minimum.into(),
                version_priority: fact.version_priority.into(),
                managed: ON_START,
            };
            out.insert(fact.name.to_owned(), w);
        }
    }
    for link in links {
        let Some(description) = link.state().description else {
            continue;
        };
        for g in &description.groups {
            let name = format!("{}.{}", g.version, g.group);
            out.entry(name).or_insert_with(|| Wanted {
                group: g.group.clone(),
                version: g.version.clone(),
                group_priority: i64::from(g.group_priority).max(1_000),
                version_priority: i64::from(g.version_priority).max(100),
                managed: ALWAYS,
            });
        }
    }
    out
}

/// What the links announce, as the view of a front that keeps no APIServices.
pub(super) fn entries(links: &[Link]) -> View {
    let by_name = wanted(links)
        .into_iter()
        .map(|(name, w)| {
            let entry = Entry {
                object: object(&name, &w),
                group: w.group,
                version: w.version,
                service: None,
                ca_bundle: String::new(),
                insecure: false,
                group_priority: w.group_priority,
                version_priority: w.version_priority,
                available: true,
                name: name.clone(),
            };
            (name, Arc::new(entry))
        })
        .collect();
    View { by_name }
}

async fn reconcile(
    wanted: &BTreeMap<String, Wanted>,
    links: &[Link],
    view: &View,
    store: &Store,
) -> Result<(), Status> {
    let ctx = Context {
        version: "v1".to_owned(),
        now: catena_objects::time::now(),
        ..Context::default()
    };
    for (name, w) in wanted {
        if view.by_name.contains_key(name) {
            continue;
        }
        match store.create(&ctx, object(name, w)).await {
            Err(e) if e.reason != Reason::AlreadyExists => return Err(e),
            _ => {}
        }
    }
    // What nobody can be asked about may still be there.
    let all_known = links.iter().all(|l| l.state().reachable);
    if !all_known {
        return Ok(());
    }
    for (name, entry) in &view.by_name {
        let managed = entry.object.str_at(&["metadata", "labels", MANAGED]);
        if managed == ALWAYS && entry.service.is_none() && !wanted.contains_key(name) {
            match store.delete(&ctx, name, &DeleteOptions::default()).await {
                Err(e) if e.reason != Reason::NotFound => return Err(e),
                _ => {}
            }
        }
    }
    Ok(())
}

fn object(name: &str, w: &Wanted) -> Value {
    let mut spec = Value::object();
    if !w.group.is_empty() {
        spec.set(&["group"], w.group.as_str());
    }
    spec.set(&["version"], w.version.as_str());
    spec.set(&["groupPriorityMinimum"], w.group_priority);
    spec.set(&["versionPriority"], w.version_priority);
    obj!({
        "kind": "APIService",
        "apiVersion": "apiregistration.k8s.io/v1",
        "metadata": { "name": name, "labels": { MANAGED: (w.managed) } },
        "spec": spec
    })
}
