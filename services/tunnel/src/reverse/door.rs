//! Where agents dial in.

use std::{io, sync::Arc};

use catena_runtime::net::Listener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    guests::Guest,
    session::{Replica, Session},
};
use crate::{
    accept::{self, Connection, Guard},
    failure::Failure,
    health, limits,
    link::Link,
    pool::Pool,
};

/// What agents are told, and what their sessions join.
pub(crate) struct Door {
    pub(crate) pool: Arc<Pool>,
    replica: Replica,
}

impl Door {
    /// `replicas`: how many there are of this process; 0: not said.
    pub(crate) fn new(pool: Arc<Pool>, replicas: u32) -> Arc<Self> {
        let id = format!("{:032x}", rand::random::<u128>());
        let replica = Replica { id, of: replicas };
        Arc::new(Self { pool, replica })
    }

    async fn serve(&self, connection: Connection, cut: CancellationToken) -> Result<(), Failure> {
        let Some(guest) = connection.guest().cloned() else {
            return Ok(());
        };
        let metrics = self.pool.metrics();
        metrics.reverse_opens.inc();
        let started = Session::start(connection, &self.replica, Arc::clone(metrics), cut).await;
        let session = started.inspect_err(|f| metrics.failed(f))?;
        tracing::info!(node = guest.name, "a node dialed in");
        self.pool.join(guest.clone(), Arc::clone(&session));
        metrics.reverse_sessions.inc();
        self.hold(&guest, &session).await;
        self.pool.leave(&guest.name, &session);
        metrics.reverse_sessions.dec();
        tracing::info!(
            node = guest.name,
            streams = session.streams(),
            "a node's session ended"
        );
        Ok(())
    }

    /// Until the session ends, or one that is not healthy should have been
    /// replaced.
    async fn hold(&self, guest: &Guest, session: &Arc<Session>) {
        let shared = self.pool.shared();
        let link = Link::Reverse(Arc::clone(session));
        // Checks of nodes that connected at once are spread.
        let mut wait = shared.health_every.mul_f64(rand::random::<f64>());
        loop {
            tokio::select! {
                () = session.done() => return,
                () = tokio::time::sleep(wait) => {}
            }
            wait = shared.health_every;
            if !session.is_usable() {
                return;
            }
            let checked = health::check(&link, &shared.healthz).await;
            let Err(f) = checked else { continue };
            shared.metrics.health_failures.inc();
            tracing::warn!(node = guest.name, failure = %f, "Healthcheck failed for tunnel; the agent is asked for another");
            let _ = session.renew().await;
            let _ = tokio::time::timeout(limits::RENEWAL, session.done()).await;
            return;
        }
    }
}

/// Serves until `stop`, and sessions that have streams until `cut`.
pub(crate) async fn serve_on(
    listener: Listener,
    guard: Guard,
    door: Arc<Door>,
    stop: CancellationToken,
    cut: CancellationToken,
) -> io::Result<()> {
    let mut incoming = accept::connections(listener, Some(guard), stop.clone());
    let open = TaskTracker::new();
    while let Some(connection) = incoming.recv().await {
        let (connection, door, cut) = (connection?, Arc::clone(&door), cut.clone());
        open.spawn(async move {
            if let Err(f) = door.serve(connection, cut).await {
                tracing::debug!(failure = %f, "an agent was not admitted");
            }
        });
    }
    // Sessions without streams end now: their agents look for another replica.
    door.pool.guests().clear();
    open.close();
    open.wait().await;
    Ok(())
}
