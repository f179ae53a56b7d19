//! What is done about one object.

use std::sync::Arc;

use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, Preconditions, PropagationPolicy},
};
use serde_json::json;

use super::graph::{Graph, Node, Owner};
use crate::api::{Catalog, code};

/// State of an owner.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Solid,
    /// Deleted in the foreground: it waits for its dependents.
    Waiting,
    Absent,
}

pub(super) struct Collector {
    client: Client,
    catalog: Arc<Catalog>,
}

impl Collector {
    pub(super) fn new(client: Client, catalog: Arc<Catalog>) -> Self {
        Self { client, catalog }
    }

    /// # Errors
    /// When something could not be read or written; nothing is concluded from that.
    pub(super) async fn work(&self, graph: &mut Graph, uid: &str) -> kube::Result<()> {
        let Some(node) = graph.get(uid).cloned() else {
            return Ok(());
        };
        if node.deleting && node.orphan {
            return self.orphan(graph, &node).await;
        }
        if node.deleting && node.foreground {
            return self.foreground(graph, &node).await;
        }
        if node.deleting || node.owners.is_empty() {
            return Ok(());
        }
        let mut states = Vec::with_capacity(node.owners.len());
        for owner in &node.owners {
            states.push(self.state(graph, &node, owner).await?);
        }
        if states.contains(&State::Solid) {
            let stale: Vec<&str> = node
                .owners
                .iter()
                .zip(&states)
                .filter(|(_, s)| **s != State::Solid)
                .map(|(o, _)| o.uid.as_str())
                .collect();
            if stale.is_empty() {
                return Ok(());
            }
            return self.drop_owners(&node, &stale).await;
        }
        let waited_for = states.contains(&State::Waiting);
        let foreground = waited_for && !graph.dependents(&node.uid).is_empty();
        let policy = if node.foreground || foreground {
            PropagationPolicy::Foreground
        } else if node.orphan {
            PropagationPolicy::Orphan
        } else {
            PropagationPolicy::Background
        };
        self.delete(&node, policy).await
    }

    async fn state(&self, graph: &Graph, node: &Node, owner: &Owner) -> kube::Result<State> {
        if let Some(known) = graph.get(&owner.uid) {
            // A reference must name its owner in full, in the same namespace or in none.
            let same_scope = known.namespace.is_none() || known.namespace == node.namespace;
            if !same_scope || known.kind != owner.kind || known.name != owner.name {
                return Ok(State::Absent);
            }
            return Ok(if known.deleting && known.foreground {
                State::Waiting
            } else {
                State::Solid
            });
        }
        let Some(resource) = self
            .catalog
            .of_kind(&owner.api_version, &owner.kind)
            .await?
        else {
            // A kind that nobody serves: its objects may come back with it.
            return Ok(State::Solid);
        };
        if resource.namespaced && node.namespace.is_none() {
            return Ok(State::Absent);
        }
        let objects = resource.objects(&self.client, node.namespace.as_deref());
        match objects.get_metadata(&owner.name).await {
            Ok(o) if o.uid().as_deref() == Some(&owner.uid) => {
                let waits = o.metadata.deletion_timestamp.is_some()
                    && o.finalizers().iter().any(|f| f == "foregroundDeletion");
                Ok(if waits { State::Waiting } else { State::Solid })
            }
            Ok(_) => Ok(State::Absent),
            Err(e) if code(&e) == Some(404) => Ok(State::Absent),
            Err(e) => Err(e),
        }
    }

    async fn objects(&self, node: &Node) -> kube::Result<Option<Api<DynamicObject>>> {
        let resource = self.catalog.of_kind(&node.api_version, &node.kind).await?;
        Ok(resource.map(|r| r.objects(&self.client, node.namespace.as_deref())))
    }

    async fn delete(&self, node: &Node, policy: PropagationPolicy) -> kube::Result<()> {
        let Some(objects) = self.objects(node).await? else {
            return Ok(());
        };
        // What the watch showed may be old: the live object decides.
        let live = match objects.get_metadata(&node.name).await {
            Ok(o) => o,
            Err(e) if code(&e) == Some(404) => return Ok(()),
            Err(e) => return Err(e),
        };
        let same = live.uid().as_deref() == Some(&node.uid)
            && live.owner_references().len() == node.owners.len()
            && live
                .owner_references()
                .iter()
                .zip(&node.owners)
                .all(|(a, b)| a.uid == b.uid);
        if !same {
            return Ok(());
        }
        let options = DeleteParams {
            propagation_policy: Some(policy),
            ..DeleteParams::default()
        }
        .preconditions(Preconditions {
            uid: Some(node.uid.clone()),
            resource_version: live.resource_version(),
        });
        tracing::info!(
            kind = node.kind,
            namespace = node.namespace,
            name = node.name,
            "deleting garbage"
        );
        ignore_gone(objects.delete(&node.name, &options).await.map(drop))
    }

    /// Removes references to these owners.
    async fn drop_owners(&self, node: &Node, uids: &[&str]) -> kube::Result<()> {
        let Some(objects) = self.objects(node).await? else {
            return Ok(());
        };
        let live = match objects.get_metadata(&node.name).await {
            Ok(o) if o.uid().as_deref() == Some(&node.uid) => o,
            Ok(_) => return Ok(()),
            Err(e) if code(&e) == Some(404) => return Ok(()),
            Err(e) => return Err(e),
        };
        let kept: Vec<_> = live
            .owner_references()
            .iter()
            .filter(|r| !uids.contains(&r.uid.as_str()))
            .collect();
        let patch = json!({"metadata": {
            "uid": node.uid,
            "resourceVersion": live.resource_version(),
            "ownerReferences": kept,
        }});
        self.patch(&objects, &node.name, &patch).await
    }

    async fn patch(
        &self,
        objects: &Api<DynamicObject>,
        name: &str,
        patch: &serde_json::Value,
    ) -> kube::Result<()> {
        let done = objects
            .patch_metadata(name, &PatchParams::default(), &Patch::Merge(patch))
            .await;
        ignore_gone(done.map(drop))
    }

    /// Takes a finalizer of garbage collection off.
    async fn release(&self, node: &Node, finalizer: &str) -> kube::Result<()> {
        let Some(objects) = self.objects(node).await? else {
            return Ok(());
        };
        let live = match objects.get_metadata(&node.name).await {
            Ok(o) if o.uid().as_deref() == Some(&node.uid) => o,
            Ok(_) => return Ok(()),
            Err(e) if code(&e) == Some(404) => return Ok(()),
            Err(e) => return Err(e),
        };
        let kept: Vec<&String> = live
            .finalizers()
            .iter()
            .filter(|f| *f != finalizer)
            .collect();
        let patch = json!({"metadata": {
            "uid": node.uid,
            "resourceVersion": live.resource_version(),
            "finalizers": kept,
        }});
        self.patch(&objects, &node.name, &patch).await
    }

    async fn orphan(&self, graph: &Graph, node: &Node) -> kube::Result<()> {
        for dependent in graph.dependents(&node.uid) {
            self.drop_owners(dependent, &[&node.uid]).await?;
        }
        self.release(node, "orphan").await
    }

    /// An owner deleted in the foreground goes when nothing blocks it any more.
    async fn foreground(&self, graph: &mut Graph, node: &Node) -> kube::Result<()> {
        let dependents: Vec<Node> = graph.dependents(&node.uid).into_iter().cloned().collect();
        let blocks = |d: &Node| d.owners.iter().any(|o| o.uid == node.uid && o.blocks);
        if !dependents.iter().any(blocks) {
            return self.release(node, "foregroundDeletion").await;
        }
        for d in dependents.iter().filter(|d| !d.deleting) {
            graph.queue(&d.uid);
        }
        Ok(())
    }
}

/// The object is gone or changed in between: a new event will follow.
fn ignore_gone(r: kube::Result<()>) -> kube::Result<()> {
    match r {
        Err(e) if matches!(code(&e), Some(404)) => Ok(()),
        other => other,
    }
}
