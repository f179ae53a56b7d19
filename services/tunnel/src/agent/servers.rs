//! Replicas of the tunnel: which there are, and which have a session of ours.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    net::SocketAddr,
    sync::Arc,
    time::Instant,
};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::{Agent, session};
use crate::{limits, node::jittered, options::REPLICAS};

/// Sessions by replica.
#[derive(Default)]
pub(super) struct Servers {
    live: watch::Sender<Live>,
    next: Mutex<u64>,
}

#[derive(Default)]
struct Live {
    replicas: BTreeMap<String, Replica>,
    /// How many there are, as they say; 0: they do not.
    of: u32,
}

struct Replica {
    /// Which session it is.
    session: u64,
    /// All addresses that led to it.
    addresses: HashSet<SocketAddr>,
}

impl Live {
    /// Whether a session by this address is wanted: none leads there, or a
    /// replica is missing, which a load balancer may have behind it.
    fn wants(&self, at: SocketAddr) -> bool {
        let known = |r: &Replica| r.addresses.contains(&at);
        !self.replicas.values().any(known) || self.replicas.len() < self.of as usize
    }
}

/// A session with a replica, until it is dropped.
pub(super) struct Place {
    agent: Arc<Agent>,
    pub(super) replica: String,
    session: u64,
}

impl Place {
    /// None when the replica has a session already.
    pub(super) fn take(
        agent: &Arc<Agent>,
        replica: String,
        of: u32,
        at: SocketAddr,
    ) -> Option<Self> {
        let session = agent.servers.join(&replica, of, at)?;
        Some(Self {
            agent: Arc::clone(agent),
            replica,
            session,
        })
    }

    /// Another session is to take it.
    pub(super) fn give_up(&self) {
        self.agent.servers.leave(&self.replica, self.session);
    }

    /// Ends when another session has taken it.
    pub(super) async fn taken(&self) {
        let other = |live: &Live| {
            let replica = live.replicas.get(&self.replica);
            replica.is_some_and(|r| r.session != self.session)
        };
        let _ = self.agent.servers.live.subscribe().wait_for(other).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl Servers {
    fn join(&self, id: &str, of: u32, at: SocketAddr) -> Option<u64> {
        let mut number = None;
        self.live.send_modify(|live| {
            live.of = of.min(REPLICAS);
            if let Some(replica) = live.replicas.get_mut(id) {
                replica.addresses.insert(at);
                return;
            }
            let mut next = self.next.lock();
            *next += 1;
            number = Some(*next);
            let replica = Replica {
                session: *next,
                addresses: HashSet::from([at]),
            };
            live.replicas.insert(id.to_owned(), replica);
        });
        number
    }

    fn leave(&self, id: &str, session: u64) {
        self.live.send_if_modified(|live| {
            let own = live.replicas.get(id).is_some_and(|r| r.session == session);
            if own {
                live.replicas.remove(id);
            }
            own
        });
    }

    /// # Errors
    /// When no replica can ask for anything.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.live.borrow().replicas.is_empty() {
            return Err("no replica of the tunnel is connected".to_owned());
        }
        Ok(())
    }
}

/// Keeps a session with every replica, until dropped.
pub(super) async fn follow(agent: &Arc<Agent>, servers: &[String]) {
    let addresses = watch::Sender::new(BTreeSet::new());
    let mut followed = BTreeSet::new();
    loop {
        let found = resolve(servers).await;
        // Without an answer those that are known stay.
        if let Some(found) = found {
            // Before tasks start, which look at it.
            addresses.send_replace(found.clone());
            for at in found.difference(&followed) {
                tracing::info!(server = %at, "a replica of the tunnel");
                let gone = addresses.subscribe();
                agent.tasks.spawn(one(Arc::clone(agent), *at, gone));
            }
            followed = found;
        }
        tokio::time::sleep(jittered(limits::RESOLVE_EVERY)).await;
    }
}

async fn resolve(servers: &[String]) -> Option<BTreeSet<SocketAddr>> {
    let mut out = BTreeSet::new();
    for server in servers {
        match tokio::net::lookup_host(server).await {
            Ok(found) => out.extend(found.take(REPLICAS as usize)),
            Err(e) => {
                tracing::warn!(server, error = %e, "--server cannot be resolved");
                return None;
            }
        }
    }
    Some(out)
}

/// Keeps a session by one address while it is one of the tunnel's.
async fn one(
    agent: Arc<Agent>,
    at: SocketAddr,
    mut addresses: watch::Receiver<BTreeSet<SocketAddr>>,
) {
    let connecting = async {
        let mut live = agent.servers.live.subscribe();
        let mut pause = limits::BACKOFF_FIRST;
        loop {
            if live.wait_for(|l| l.wants(at)).await.is_err() {
                return;
            }
            let began = Instant::now();
            if connect(&agent, at).await {
                // It is likely to last; when it does not, the pause grows.
                let _ = tokio::time::timeout(limits::STABLE, live.wait_for(|l| l.wants(at))).await;
            }
            if began.elapsed() >= limits::STABLE {
                pause = limits::BACKOFF_FIRST;
            }
            tokio::time::sleep(jittered(pause)).await;
            pause = (pause * 2).min(limits::BACKOFF_MOST);
        }
    };
    tokio::select! {
        () = connecting => {}
        () = agent.stop.cancelled() => {}
        _ = addresses.wait_for(|a| !a.contains(&at)) => {
            tracing::info!(server = %at, "no longer a replica of the tunnel");
        }
    }
}

/// Whether there is a session now.
async fn connect(agent: &Arc<Agent>, at: SocketAddr) -> bool {
    agent.metrics.opens.inc();
    match session::open(agent, at).await {
        Ok(Some(session)) => {
            tracing::info!(server = %at, "connected to the tunnel");
            let agent = Arc::clone(agent);
            agent.clone().tasks.spawn(session.serve(agent));
            true
        }
        Ok(None) => false,
        Err(why) => {
            agent.metrics.open_failures.inc();
            tracing::warn!(server = %at, why, "Failed to open tunnel");
            false
        }
    }
}
