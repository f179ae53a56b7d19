//! One node: a task keeps a session to it, whatever happens to the others.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use catena_proto::tunnel::v1::Stage;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    failure::Failure,
    health, limits,
    link::Link,
    metrics::Metrics,
    reverse,
    ssh::{Session, Settings},
    target::Target,
};

/// A node as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeSpec {
    pub name: String,
    /// Its sshd; none when the node is to dial in.
    pub ssh: Option<Target>,
    /// Hosts in dials that mean this node.
    pub hosts: Vec<String>,
}

/// What nodes have in common.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) metrics: Arc<Metrics>,
    /// Where the kubelet's healthz is, as the node sees it.
    pub(crate) healthz: Target,
    pub(crate) health_every: Duration,
}

/// A node's SSH session, or why there is none.
#[derive(Clone)]
pub(crate) enum State {
    Connecting,
    Up(Arc<Session>),
    Down(Failure),
}

/// A node that is kept connected until this is dropped. Streams that are open
/// then run to their own end.
pub(crate) struct Node {
    pub(crate) spec: NodeSpec,
    pub(crate) state: watch::Receiver<State>,
    guests: reverse::Sessions,
    pub(crate) pending: Arc<Semaphore>,
    _stop: DropGuard,
}

impl Node {
    /// `guests`: its sessions that it dialed in with.
    pub(crate) fn start(spec: NodeSpec, shared: Arc<Shared>, guests: reverse::Sessions) -> Self {
        let (tx, state) = watch::channel(State::Connecting);
        let stop = CancellationToken::new();
        let _stop = stop.clone().drop_guard();
        let keeper = Keeper {
            spec: spec.clone(),
            shared,
            state: tx,
            guests: guests.clone(),
        };
        tokio::spawn(async move {
            tokio::select! {
                () = keeper.run() => {}
                () = stop.cancelled() => {
                    tracing::info!(node = keeper.spec.name, "Removing tunnel to deleted node");
                }
            }
            keeper.set(State::Down(Failure::new(
                Stage::NoTunnel,
                "the node is gone",
            )));
        });
        Self {
            spec,
            state,
            guests,
            pending: Arc::new(Semaphore::new(limits::PENDING_NODE)),
            _stop,
        }
    }

    /// A session that is up: one that the node dialed in with, the newest first.
    pub(crate) fn session(&self) -> Option<Link> {
        let guests = self.guests.borrow();
        if let Some(newest) = guests.iter().rev().find(|s| s.is_usable()) {
            return Some(Link::Reverse(Arc::clone(newest)));
        }
        match &*self.state.borrow() {
            State::Up(session) if !session.is_closed() => Some(Link::Ssh(Arc::clone(session))),
            _ => None,
        }
    }

    /// Waits until the first try to connect ended, or the node dialed in.
    pub(crate) async fn settled(&self) {
        let (mut state, mut guests) = (self.state.clone(), self.guests.clone());
        tokio::select! {
            _ = state.wait_for(|s| !matches!(s, State::Connecting)) => {}
            _ = guests.wait_for(|g| !g.is_empty()) => {}
        }
    }
}

struct Keeper {
    spec: NodeSpec,
    shared: Arc<Shared>,
    state: watch::Sender<State>,
    guests: reverse::Sessions,
}

impl Keeper {
    fn set(&self, state: State) {
        let up = |s: &State| i64::from(matches!(s, State::Up(_)));
        let gained = up(&state);
        let lost = up(&self.state.send_replace(state));
        self.shared.metrics.sessions.add(gained - lost);
    }

    async fn run(&self) {
        let absent = || Failure::new(Stage::NoTunnel, "the node has no session");
        let Some(ssh) = &self.spec.ssh else {
            self.set(State::Down(absent()));
            return std::future::pending().await;
        };
        let mut guests = self.guests.clone();
        let mut pause = limits::BACKOFF_FIRST;
        loop {
            // A node that dialed in is not connected to.
            if !guests.borrow().is_empty() {
                self.set(State::Down(absent()));
            }
            let _ = guests.wait_for(Vec::is_empty).await;
            match self.connect(ssh).await {
                Ok(session) => {
                    let since = Instant::now();
                    self.hold(session, ssh).await;
                    if since.elapsed() > limits::STABLE {
                        // It is likely to come back: dials wait for this try.
                        self.set(State::Connecting);
                        pause = limits::BACKOFF_FIRST;
                    }
                }
                Err(f) => {
                    tracing::warn!(node = self.spec.name, address = %ssh, failure = %f, "Failed to open tunnel");
                    self.set(State::Down(f));
                }
            }
            tokio::time::sleep(jittered(pause)).await;
            pause = (pause * 2).min(limits::BACKOFF_MOST);
        }
    }

    async fn connect(&self, ssh: &Target) -> Result<Arc<Session>, Failure> {
        let metrics = &self.shared.metrics;
        metrics.opens.inc();
        let opened = Session::connect(
            ssh,
            &self.spec.name,
            &self.shared.settings,
            Arc::clone(metrics),
        )
        .await;
        if let Err(f) = &opened {
            metrics.open_failures.inc();
            metrics.failed(f);
        }
        opened
    }

    /// Until the session ends. One that is not healthy is replaced when its
    /// successor is there; its streams may go on.
    async fn hold(&self, mut session: Arc<Session>, ssh: &Target) {
        tracing::info!(node = self.spec.name, address = %ssh, "Successfully added tunnel");
        // Checks of nodes that connected at once are spread.
        let mut wait = self.shared.health_every.mul_f64(rand::random::<f64>());
        loop {
            self.set(State::Up(Arc::clone(&session)));
            tokio::select! {
                () = session.closed() => {
                    tracing::warn!(node = self.spec.name, streams = session.streams(), "the tunnel ended");
                    self.set(State::Down(crate::ssh::ended()));
                    return;
                }
                () = tokio::time::sleep(wait) => {}
            }
            wait = self.shared.health_every;
            let checked =
                health::check(&Link::Ssh(Arc::clone(&session)), &self.shared.healthz).await;
            let Err(f) = checked else { continue };
            self.shared.metrics.health_failures.inc();
            tracing::warn!(node = self.spec.name, failure = %f, "Healthcheck failed for tunnel; attempting once to re-establish it");
            match self.connect(ssh).await {
                Ok(new) => session = new,
                Err(f) => {
                    tracing::warn!(node = self.spec.name, failure = %f, "the tunnel was not replaced");
                    self.set(State::Down(f));
                    return;
                }
            }
        }
    }
}

/// Between half of it and all of it: nodes that were lost together do not come
/// back together.
pub(crate) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + rand::random::<f64>() / 2.0)
}
