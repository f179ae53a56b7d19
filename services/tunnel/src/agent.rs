//! The process on a node that nobody can connect to: it dials in to every
//! replica of the tunnel, and connects to what they ask for.

mod allow;
mod metrics;
mod options;
mod servers;
mod session;
mod stream;

use std::sync::Arc;

use catena_runtime::{net::Listener, tls::ClientTls};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use options::Options;

use crate::{http, limits};
use allow::Allowed;
use metrics::Metrics;
use servers::Servers;

/// What the parts have in common.
struct Agent {
    tls: Arc<ClientTls>,
    server_name: rustls_pki_types::ServerName<'static>,
    allowed: Allowed,
    metrics: Metrics,
    servers: Servers,
    /// Connections that are being made.
    pending: Semaphore,
    /// Sessions end when their streams did.
    stop: CancellationToken,
    /// Sessions end now.
    cut: CancellationToken,
    tasks: TaskTracker,
}

/// Runs the process until `stop`; connections that are open then have ten
/// seconds to end.
///
/// # Errors
/// When certificates or addresses cannot be had, or serving fails.
pub async fn run(options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    let agent = Arc::new(Agent {
        tls: options.tls()?,
        server_name: options.name_of_servers()?,
        allowed: options.allowed().map_err(anyhow::Error::msg)?,
        metrics: Metrics::new()?,
        servers: Servers::default(),
        pending: Semaphore::new(limits::PENDING_NODE),
        stop: stop.clone(),
        cut: CancellationToken::new(),
        tasks: TaskTracker::new(),
    });
    let listener = Listener::bind(&options.listen_http).await?;
    tracing::info!(address = %listener.local()?, "health and metrics");
    let (checked, shown) = (Arc::clone(&agent), Arc::clone(&agent));
    let health = Arc::new(http::Health {
        check: "tunnel-connected",
        holds: Box::new(move || checked.servers.check()),
        metrics: Box::new(move || shown.metrics.text()),
    });
    let serving = tokio::spawn(http::serve_on(listener, health, stop.clone()));
    tokio::select! {
        () = stop.cancelled() => {}
        () = servers::follow(&agent, &options.server) => {}
    }
    agent.tasks.close();
    if tokio::time::timeout(limits::DRAIN, agent.tasks.wait())
        .await
        .is_err()
    {
        agent.cut.cancel();
        let _ = tokio::time::timeout(limits::CUT, agent.tasks.wait()).await;
    }
    Ok(serving.await??)
}
