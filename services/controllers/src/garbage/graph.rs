//! Who owns whom, as far as the watches have told.

use std::collections::{HashMap, HashSet, VecDeque};

/// An owner reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) blocks: bool,
}

/// An object with what garbage collection needs of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) uid: String,
    /// Key of the monitor that saw it: `apps/v1/deployments`.
    pub(super) resource: String,
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    pub(super) owners: Vec<Owner>,
    pub(super) deleting: bool,
    pub(super) foreground: bool,
    pub(super) orphan: bool,
}

#[derive(Default)]
pub(super) struct Graph {
    nodes: HashMap<String, Node>,
    dependents: HashMap<String, HashSet<String>>,
    queue: VecDeque<String>,
    queued: HashSet<String>,
    /// Monitors that have not listed yet.
    waiting: HashSet<String>,
    started: bool,
}

impl Graph {
    pub(super) fn expect(&mut self, resource: &str) {
        self.started = true;
        self.waiting.insert(resource.to_owned());
    }

    /// Whether every monitor has listed: before that, an absent owner means nothing.
    pub(super) fn synced(&self) -> bool {
        self.started && self.waiting.is_empty()
    }

    pub(super) fn get(&self, uid: &str) -> Option<&Node> {
        self.nodes.get(uid)
    }

    pub(super) fn dependents(&self, uid: &str) -> Vec<&Node> {
        self.dependents
            .get(uid)
            .into_iter()
            .flatten()
            .filter_map(|u| self.nodes.get(u))
            .collect()
    }

    pub(super) fn queue(&mut self, uid: &str) {
        if self.queued.insert(uid.to_owned()) {
            self.queue.push_back(uid.to_owned());
        }
    }

    pub(super) fn next(&mut self) -> Option<String> {
        let uid = self.queue.pop_front()?;
        self.queued.remove(&uid);
        Some(uid)
    }

    pub(super) fn observe(&mut self, node: Node) {
        let uid = node.uid.clone();
        if let Some(old) = self.nodes.remove(&uid) {
            self.unlink(&old);
        }
        for owner in &node.owners {
            self.dependents
                .entry(owner.uid.clone())
                .or_default()
                .insert(uid.clone());
            // An owner that waits for its dependents looks again whenever one changes.
            if self.nodes.get(&owner.uid).is_some_and(|o| o.deleting) {
                let owner = owner.uid.clone();
                self.queue(&owner);
            }
        }
        let work = !node.owners.is_empty() || (node.deleting && (node.foreground || node.orphan));
        self.nodes.insert(uid.clone(), node);
        if work {
            self.queue(&uid);
        }
    }

    pub(super) fn forget(&mut self, uid: &str) {
        let Some(old) = self.nodes.remove(uid) else {
            return;
        };
        self.unlink(&old);
        for owner in &old.owners {
            self.queue(&owner.uid);
        }
        let dependents: Vec<String> = self
            .dependents
            .get(uid)
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        for d in dependents {
            self.queue(&d);
        }
    }

    /// A complete list of a resource: what is not in it is gone.
    pub(super) fn listed(&mut self, resource: &str, uids: &HashSet<String>) {
        let gone: Vec<String> = self
            .nodes
            .values()
            .filter(|n| n.resource == resource && !uids.contains(&n.uid))
            .map(|n| n.uid.clone())
            .collect();
        for uid in gone {
            self.forget(&uid);
        }
        if self.waiting.remove(resource) {
            self.queue_of_unknown();
        }
    }

    /// Dependents of owners that no monitor has seen. Such an owner may have been
    /// there when its dependents were judged, and have gone before the monitor of
    /// its kind began: nothing else would tell of that.
    fn queue_of_unknown(&mut self) {
        let unknown = self
            .dependents
            .iter()
            .filter(|(o, _)| !self.nodes.contains_key(*o));
        let dependents: Vec<String> = unknown.flat_map(|(_, d)| d).cloned().collect();
        for uid in dependents {
            self.queue(&uid);
        }
    }

    /// The resource is served no more. Its objects are forgotten without
    /// consequences: an API that is away is no proof that its objects are.
    pub(super) fn drop_resource(&mut self, resource: &str) {
        self.waiting.remove(resource);
        let uids: Vec<String> = self
            .nodes
            .values()
            .filter(|n| n.resource == resource)
            .map(|n| n.uid.clone())
            .collect();
        for uid in uids {
            if let Some(old) = self.nodes.remove(&uid) {
                self.unlink(&old);
            }
        }
    }

    fn unlink(&mut self, node: &Node) {
        for owner in &node.owners {
            if let Some(set) = self.dependents.get_mut(&owner.uid) {
                set.remove(&node.uid);
                if set.is_empty() {
                    self.dependents.remove(&owner.uid);
                }
            }
        }
    }
}
