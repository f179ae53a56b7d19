//! Pods by their nodes, kept by one watch that the first question starts.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use catena_objects::Value;
use parking_lot::RwLock;

use super::references::{Kind, Pod};
use crate::follow::Sink;

/// Which pods run where, and what they refer to.
#[derive(Default)]
pub(super) struct Graph(RwLock<State>);

#[derive(Default)]
struct State {
    pods: HashMap<String, Arc<Pod>>,
    /// Keys of pods by node.
    nodes: HashMap<String, HashSet<String>>,
}

impl State {
    fn put(&mut self, key: String, pod: Pod) {
        self.remove(&key);
        if pod.node.is_empty() {
            return;
        }
        let keys = self.nodes.entry(pod.node.clone()).or_default();
        keys.insert(key.clone());
        self.pods.insert(key, Arc::new(pod));
    }

    fn remove(&mut self, key: &str) {
        let Some(old) = self.pods.remove(key) else {
            return;
        };
        if let Some(keys) = self.nodes.get_mut(&old.node) {
            keys.remove(key);
            if keys.is_empty() {
                self.nodes.remove(&old.node);
            }
        }
    }
}

impl Sink for Graph {
    fn replace(&self, all: Vec<(String, Value)>) {
        let mut state = State::default();
        for (key, v) in all {
            state.put(key, Pod::parse(&v));
        }
        *self.0.write() = state;
    }

    fn change(&self, changes: Vec<(String, Option<Value>)>) {
        let parsed: Vec<(String, Option<Pod>)> = changes
            .into_iter()
            .map(|(key, v)| (key, v.as_ref().map(Pod::parse)))
            .collect();
        let mut state = self.0.write();
        for (key, pod) in parsed {
            match pod {
                Some(pod) => state.put(key, pod),
                None => state.remove(&key),
            }
        }
    }
}

impl Graph {
    /// The pods of a node; at most as many as a kubelet runs.
    fn of(&self, node: &str) -> Vec<Arc<Pod>> {
        let state = self.0.read();
        let keys = state.nodes.get(node).into_iter().flatten();
        keys.filter_map(|k| state.pods.get(k).cloned()).collect()
    }

    /// Whether the pod runs on the node.
    pub(super) fn runs(&self, node: &str, namespace: &str, name: &str) -> bool {
        let mut pods = self.of(node).into_iter();
        pods.any(|p| p.namespace == namespace && p.name == name)
    }

    /// Whether a pod of the node refers to this object of its namespace.
    pub(super) fn refers(&self, node: &str, kind: Kind, namespace: &str, name: &str) -> bool {
        let mut pods = self.of(node).into_iter();
        pods.any(|p| p.namespace == namespace && p.has(kind, name))
    }

    /// Namespaces and names of the claims that pods of the node use.
    pub(super) fn claims(&self, node: &str) -> HashSet<(String, String)> {
        let mut out = HashSet::new();
        for pod in self.of(node) {
            let claims = pod.refers.iter().filter(|(kind, _)| *kind == Kind::Claim);
            out.extend(claims.map(|(_, name)| (pod.namespace.clone(), name.clone())));
        }
        out
    }
}
