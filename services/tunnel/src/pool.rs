//! All nodes, and which of them carries a dial.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use catena_proto::tunnel::v1::Stage;
use catena_telemetry::trace;
use parking_lot::{Mutex, RwLock};
use tokio::{sync::Semaphore, time::timeout_at};

use crate::{
    failure::Failure,
    limits,
    metrics::Metrics,
    node::{Node, NodeSpec, Shared, State},
    reverse::{self, Guest, Guests},
    stream::Stream,
    target::Target,
};

/// Nodes by name.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    nodes: RwLock<HashMap<String, Arc<Node>>>,
    listed: Mutex<Vec<NodeSpec>>,
    guests: Guests,
    /// Nodes that dial in need not be listed.
    open: bool,
    pending: Arc<Semaphore>,
}

impl Pool {
    pub(crate) fn new(shared: Arc<Shared>, open: bool) -> Self {
        Self {
            shared,
            nodes: RwLock::default(),
            listed: Mutex::default(),
            guests: Guests::default(),
            open,
            pending: Arc::new(Semaphore::new(limits::PENDING_ALL)),
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.shared.metrics
    }

    /// Sessions of nodes that dialed in.
    pub(crate) fn guests(&self) -> &Guests {
        &self.guests
    }

    /// Makes the nodes those of `wanted`; a node that is listed as before is left
    /// alone. Of two with one name the first counts.
    pub(crate) fn update(&self, wanted: Vec<NodeSpec>) {
        *self.listed.lock() = wanted;
        self.rebuild();
    }

    /// A node dialed in.
    pub(crate) fn join(&self, guest: Guest, session: Arc<reverse::Session>) {
        self.guests.join(guest, session);
        if self.open {
            self.rebuild();
        }
    }

    /// A session of a node serves no new streams.
    pub(crate) fn leave(&self, name: &str, session: &Arc<reverse::Session>) {
        self.guests.leave(name, session);
        if self.open {
            self.rebuild();
        }
    }

    fn rebuild(&self) {
        let mut wanted = self.listed.lock();
        let listed = wanted.len();
        if self.open {
            let guests = self.guests.all().into_iter();
            wanted.extend(guests.map(|g| NodeSpec {
                name: g.name,
                ssh: None,
                hosts: g.hosts,
            }));
        }
        let mut nodes = self.nodes.write();
        let mut old = std::mem::take(&mut *nodes);
        for spec in wanted.iter() {
            if nodes.contains_key(&spec.name) {
                continue;
            }
            let node = match old.remove(&spec.name) {
                Some(node) if node.spec == *spec => node,
                _ => {
                    if let Some(address) = &spec.ssh {
                        tracing::info!(node = spec.name, %address, "Trying to add tunnel");
                    }
                    let guests = self.guests.of(&spec.name);
                    let shared = Arc::clone(&self.shared);
                    Arc::new(Node::start(spec.clone(), shared, guests))
                }
            };
            nodes.insert(spec.name.clone(), node);
        }
        wanted.truncate(listed);
        let count = i64::try_from(nodes.len()).unwrap_or(i64::MAX);
        self.shared.metrics.nodes.set(count);
    }

    /// Connects to `target`, through the node it names, else through any.
    ///
    /// # Errors
    /// The stage that failed, and why.
    pub(crate) async fn dial(
        &self,
        target: &Target,
        limit: Duration,
    ) -> Result<(String, Stream), Failure> {
        let began = Instant::now();
        let dialed = self.try_dial(target, limit.min(limits::DIAL)).await;
        let took = began.elapsed();
        match &dialed {
            Ok((node, _)) => {
                self.metrics().dial_duration.observe(took.as_secs_f64());
                tracing::debug!(%target, node, ?took, "Dialed");
            }
            Err(f) => {
                self.metrics().failed(f);
                tracing::warn!(%target, failure = %f, ?took, "Dialing failed");
            }
        }
        dialed
    }

    async fn try_dial(
        &self,
        target: &Target,
        limit: Duration,
    ) -> Result<(String, Stream), Failure> {
        let end = tokio::time::Instant::now() + limit;
        let all = Arc::clone(&self.pending)
            .try_acquire_owned()
            .map_err(|_| Failure::new(Stage::NoTunnel, "too many dials are waiting"))?;
        let span = trace::span("choose node");
        let node = span.run(self.choose(target, end)).await?;
        let one = Arc::clone(&node.pending).try_acquire_owned().map_err(|_| {
            let why = format!("too many dials are waiting for node {}", node.spec.name);
            Failure::new(Stage::NoTunnel, why)
        })?;
        let session = node.session().ok_or_else(ended)?;
        let left = end.saturating_duration_since(tokio::time::Instant::now());
        let span = trace::span("SSH channel open");
        span.set("node", || node.spec.name.clone());
        let opened = session.open(target, left, (all, one));
        let stream = span.run(opened).await?;
        Ok((node.spec.name.clone(), stream))
    }

    /// The node that the target names, else a random one with a session (as
    /// kube-apiserver does: pods and services are reached from every node).
    async fn choose(
        &self,
        target: &Target,
        end: tokio::time::Instant,
    ) -> Result<Arc<Node>, Failure> {
        let (named, all) = self.candidates(target);
        if let Some(node) = &named {
            // One that hangs leaves time for the others.
            let now = tokio::time::Instant::now();
            settled(node, now + end.saturating_duration_since(now) / 2).await;
            if node.session().is_some() {
                return Ok(Arc::clone(node));
            }
        }
        if !any_up(&all) {
            // At the start, or with every node lost at once: the first that is
            // there will do.
            let waits: Vec<_> = all.iter().map(|n| Box::pin(settled_up(n, end))).collect();
            if !waits.is_empty() {
                let _ = futures_util::future::select_ok(waits).await;
            }
        }
        let up: Vec<_> = all.iter().filter(|n| n.session().is_some()).collect();
        if let Some(node) = up.get(rand::random_range(0..up.len().max(1))) {
            tracing::debug!(%target, node = node.spec.name, "SSH tunnel not found for address, picked a random node");
            return Ok(Arc::clone(node));
        }
        let last = named
            .as_ref()
            .or(all.first())
            .map(|n| n.state.borrow().clone());
        match last {
            Some(State::Down(f)) => Err(f),
            Some(State::Up(_)) => Err(ended()),
            _ if self.shared.settings.user.is_empty() => {
                Err(Failure::new(Stage::NoTunnel, "no node has dialed in"))
            }
            _ => Err(Failure::new(
                Stage::NoTunnel,
                format!(
                    "No SSH tunnels currently open. Were the targets able to accept an ssh-key for user \"{}\"?",
                    self.shared.settings.user
                ),
            )),
        }
    }

    fn candidates(&self, target: &Target) -> (Option<Arc<Node>>, Vec<Arc<Node>>) {
        let nodes = self.nodes.read();
        let named = nodes
            .values()
            .find(|n| n.spec.hosts.contains(&target.host))
            .map(Arc::clone);
        (named, nodes.values().map(Arc::clone).collect())
    }
}

fn any_up(nodes: &[Arc<Node>]) -> bool {
    nodes.iter().any(|n| n.session().is_some())
}

/// A node that was chosen lost its session.
fn ended() -> Failure {
    Failure::new(Stage::Stream, "the session with the node ended")
}

/// Waits until the first try to connect ended.
async fn settled(node: &Node, end: tokio::time::Instant) {
    let _ = timeout_at(end, node.settled()).await;
}

/// Waits until the first try to connect ended, and fails unless it connected.
async fn settled_up(node: &Node, end: tokio::time::Instant) -> Result<(), ()> {
    settled(node, end).await;
    node.session().map(drop).ok_or(())
}
