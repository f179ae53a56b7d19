//! Garbage collection by owner references.

mod collect;
mod graph;
mod monitor;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use kube::Client;
use tokio::{sync::mpsc, task::JoinHandle, time::Instant};

use crate::api::{Catalog, Resource};
use collect::Collector;
use graph::Graph;
use monitor::{Change, Monitor};

/// Changes that wait for the collector before watches stop reading ahead.
const AHEAD: usize = 4096;
/// How often discovery is asked for new kinds while nothing says that there are some.
const REDISCOVER: Duration = Duration::from_secs(10);
/// Pause before work that failed is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Watches the metadata of everything that can be deleted and deletes what lost its owners.
///
/// # Errors
/// Never by itself; the future ends only with its process.
pub(crate) async fn run(client: Client, catalog: Arc<Catalog>) -> anyhow::Result<()> {
    let (changes, mut inbox) = mpsc::channel(AHEAD);
    let mut monitors: HashMap<String, JoinHandle<()>> = HashMap::new();
    let mut graph = Graph::default();
    let collector = Collector::new(client.clone(), Arc::clone(&catalog));
    let mut rediscover = Instant::now();
    let mut retry: Vec<(Instant, String)> = Vec::new();
    loop {
        let next_retry = retry.iter().map(|(at, _)| *at).min();
        tokio::select! {
            change = inbox.recv() => {
                if let Some(change) = change {
                    absorb(&mut graph, change);
                }
                while let Ok(change) = inbox.try_recv() {
                    absorb(&mut graph, change);
                }
            }
            () = tokio::time::sleep_until(rediscover) => {
                rediscover = Instant::now() + REDISCOVER;
                refresh(&client, &catalog, &changes, &mut monitors, &mut graph).await;
            }
            () = tokio::time::sleep_until(next_retry.unwrap_or_else(Instant::now)), if next_retry.is_some() => {}
        }
        let now = Instant::now();
        retry.retain(|(at, uid)| {
            let due = *at <= now;
            if due {
                graph.queue(uid);
            }
            !due
        });
        if !graph.synced() {
            continue;
        }
        while let Some(uid) = graph.next() {
            if let Err(e) = collector.work(&mut graph, &uid).await {
                tracing::debug!(uid, error = %e, "garbage is tried again");
                retry.push((Instant::now() + AGAIN, uid));
            }
        }
    }
}

fn absorb(graph: &mut Graph, change: Change) {
    match change {
        Change::Seen(node) => graph.observe(*node),
        Change::Gone(uid) => graph.forget(&uid),
        Change::Listed { resource, uids } => graph.listed(&resource, &uids),
    }
}

/// Starts monitors for new resources and ends those of resources that are no more.
async fn refresh(
    client: &Client,
    catalog: &Catalog,
    changes: &mpsc::Sender<Change>,
    monitors: &mut HashMap<String, JoinHandle<()>>,
    graph: &mut Graph,
) {
    let resources = match catalog.preferred().await {
        Ok(list) => list,
        Err(e) => {
            tracing::debug!(error = %e, "discovery failed; monitors stay as they are");
            return;
        }
    };
    let wanted: HashMap<String, Resource> = resources
        .into_iter()
        .filter(|r| r.collectable() && r.api.plural != "events")
        .map(|r| (format!("{}/{}", r.api.api_version, r.api.plural), r))
        .collect();
    monitors.retain(|key, task| {
        let keep = wanted.contains_key(key);
        if !keep {
            task.abort();
            graph.drop_resource(key);
        }
        keep
    });
    for (key, resource) in wanted {
        if let Entry::Vacant(place) = monitors.entry(key) {
            let key = place.key();
            graph.expect(key);
            let monitor = Monitor::new(key.clone(), resource, client.clone(), changes.clone());
            place.insert(tokio::spawn(monitor.run()));
        }
    }
}
