//! One metadata watch a resource.

use std::collections::HashSet;

use futures_util::StreamExt;
use kube::{
    Api, Client, ResourceExt,
    api::{DynamicObject, PartialObjectMeta},
    runtime::watcher::{self, Event, watcher},
};
use tokio::sync::mpsc;

use super::graph::{Node, Owner};
use crate::api::Resource;

/// What a monitor tells.
pub(super) enum Change {
    Seen(Box<Node>),
    Gone(String),
    /// All objects of a resource have been told of.
    Listed {
        resource: String,
        uids: HashSet<String>,
    },
}

pub(super) struct Monitor {
    key: String,
    resource: Resource,
    client: Client,
    out: mpsc::Sender<Change>,
}

impl Monitor {
    pub(super) fn new(
        key: String,
        resource: Resource,
        client: Client,
        out: mpsc::Sender<Change>,
    ) -> Self {
        Self {
            key,
            resource,
            client,
            out,
        }
    }

    pub(super) async fn run(self) {
        let objects: Api<PartialObjectMeta<DynamicObject>> =
            Api::all_with(self.client.clone(), &self.resource.api);
        let events = watcher(objects, watcher::Config::default());
        tokio::pin!(events);
        let mut seen = HashSet::new();
        while let Some(event) = events.next().await {
            let change = match event {
                Ok(Event::Init) => {
                    seen.clear();
                    continue;
                }
                Ok(Event::InitApply(o)) => {
                    seen.extend(o.uid());
                    self.node(&o).map(|n| Change::Seen(Box::new(n)))
                }
                Ok(Event::InitDone) => Some(Change::Listed {
                    resource: self.key.clone(),
                    uids: std::mem::take(&mut seen),
                }),
                Ok(Event::Apply(o)) => self.node(&o).map(|n| Change::Seen(Box::new(n))),
                Ok(Event::Delete(o)) => o.uid().map(Change::Gone),
                Err(e) => {
                    tracing::debug!(resource = self.key, error = %e, "watch is interrupted");
                    tokio::time::sleep(super::AGAIN).await;
                    continue;
                }
            };
            if let Some(change) = change
                && self.out.send(change).await.is_err()
            {
                return;
            }
        }
    }

    fn node(&self, o: &PartialObjectMeta<DynamicObject>) -> Option<Node> {
        let finalizers = o.finalizers();
        Some(Node {
            uid: o.uid()?,
            resource: self.key.clone(),
            api_version: self.resource.api.api_version.clone(),
            kind: self.resource.api.kind.clone(),
            namespace: o.namespace(),
            name: o.name_any(),
            owners: o
                .owner_references()
                .iter()
                .map(|r| Owner {
                    api_version: r.api_version.clone(),
                    kind: r.kind.clone(),
                    name: r.name.clone(),
                    uid: r.uid.clone(),
                    blocks: r.block_owner_deletion.unwrap_or(false),
                })
                .collect(),
            deleting: o.metadata.deletion_timestamp.is_some(),
            foreground: finalizers.iter().any(|f| f == "foregroundDeletion"),
            orphan: finalizers.iter().any(|f| f == "orphan"),
        })
    }
}
