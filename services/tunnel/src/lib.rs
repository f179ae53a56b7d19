//! Connections to the network of the nodes, through one session a node.
//!
//! `dial` and `connect` are the doors, `pool` chooses a node, `node` keeps it
//! connected, `ssh` is a session and its streams, `reverse` those of nodes that
//! dial in, `agent` is the process on such a node. See docs/tunnel.md.

mod accept;
mod agent;
mod cli;
mod connect;
mod dial;
mod discover;
mod failure;
mod health;
mod http;
mod installer;
mod limits;
mod link;
mod metrics;
mod node;
mod options;
mod piece;
mod pool;
mod reverse;
mod ssh;
mod stream;
mod target;

use std::{future::Future, io, os::unix::fs::PermissionsExt as _, sync::Arc, time::Instant};

use anyhow::Context as _;
use catena_runtime::net::{Endpoint, Listener};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use agent::{Options as AgentOptions, run as run_agent};
pub use cli::Cli;
pub use options::Options;

use metrics::Metrics;
use node::Shared;
use pool::Pool;

/// Who may connect to a unix socket: the owner and the group of the process.
const SOCKET_MODE: u32 = 0o660;

/// Runs the process until `stop`; connections that are open then have ten
/// seconds to end.
///
/// # Errors
/// When keys, certificates or addresses cannot be had, or serving fails.
pub async fn run(options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    let settings = options.settings();
    let identity = settings.identity.clone();
    tokio::task::spawn_blocking(move || identity.ensure()).await??;
    let metrics = Arc::new(Metrics::new()?);
    let shared = Arc::new(Shared {
        settings: settings.clone(),
        metrics: Arc::clone(&metrics),
        healthz: target::Target::parse(&options.healthz)?,
        health_every: options.health_every(),
    });
    let pool = Arc::new(Pool::new(shared, options.open()));
    let mut tasks = JoinSet::new();
    let cut = CancellationToken::new();
    serve(&options, &pool, &mut tasks, (&stop, &cut)).await?;
    if options.ssh_insecure_ignore_host_key {
        tracing::warn!("host keys are not checked: --ssh-insecure-ignore-host-key");
    }
    let user = &settings.user;
    if !user.is_empty() {
        tracing::info!(user, keyfile = ?settings.identity.keyfile, "Setting up proxy");
    }
    follow(&options, &pool, &mut tasks, &stop).await?;
    if let Some(installer) = options.installer()? {
        let installing = installer::run(installer, settings, metrics);
        tasks.spawn(until(stop.clone(), installing));
    }
    let all = async {
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok(())
    };
    let limit = async {
        stop.cancelled().await;
        tokio::time::sleep(limits::DRAIN).await;
        cut.cancel();
        tokio::time::sleep(limits::CUT).await;
    };
    let ended = tokio::select! {
        ended = all => ended,
        // Clients who take nothing do not take the news either.
        () = limit => Ok(()),
    };
    pool.update(Vec::new());
    ended
}

/// Opens the doors.
async fn serve(
    options: &Options,
    pool: &Arc<Pool>,
    tasks: &mut JoinSet<io::Result<()>>,
    (stop, cut): (&CancellationToken, &CancellationToken),
) -> anyhow::Result<()> {
    if let Some(at) = &options.listen {
        let guard = options.guard(at, true)?;
        let (listener, pool) = (bind("--listen", at).await?, Arc::clone(pool));
        tasks.spawn(dial::serve_on(
            listener,
            guard,
            pool,
            stop.clone(),
            cut.clone(),
        ));
    }
    if let Some(at) = &options.listen_connect {
        let guard = options.guard(at, false)?;
        let (listener, pool) = (bind("--listen-connect", at).await?, Arc::clone(pool));
        tasks.spawn(connect::serve_on(
            listener,
            guard,
            pool,
            stop.clone(),
            cut.clone(),
        ));
    }
    if let Some(at) = &options.listen_agents {
        let guard = options.guard_of_agents()?;
        let listener = bind("--listen-agents", at).await?;
        let door = reverse::Door::new(Arc::clone(pool), options.replicas);
        tasks.spawn(reverse::serve_on(
            listener,
            guard,
            door,
            stop.clone(),
            cut.clone(),
        ));
    }
    let (checked, shown) = (Arc::clone(pool.metrics()), Arc::clone(pool.metrics()));
    let health = Arc::new(http::Health {
        check: "SSH Tunnel Check",
        holds: Box::new(move || checked.check()),
        metrics: Box::new(move || shown.text()),
    });
    let listener = bind("--listen-http", &options.listen_http).await?;
    tasks.spawn(http::serve_on(listener, health, stop.clone()));
    Ok(())
}

async fn bind(flag: &str, at: &Endpoint) -> anyhow::Result<Listener> {
    let listener = Listener::bind(at)
        .await
        .with_context(|| format!("{flag} {at}"))?;
    if let Listener::Unix(_, path) = &listener {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))
            .with_context(|| format!("{flag} {at}"))?;
    }
    tracing::info!(address = %listener.local()?, flag, "listening");
    Ok(listener)
}

/// Keeps the nodes those that are listed.
async fn follow(
    options: &Options,
    pool: &Arc<Pool>,
    tasks: &mut JoinSet<io::Result<()>>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let fixed = options.nodes().map_err(anyhow::Error::msg)?;
    pool.update(fixed.clone());
    let Some(kubeconfig) = &options.kubeconfig else {
        let metrics = Arc::clone(pool.metrics());
        // A list that does not change is always in order.
        tasks.spawn(until(stop.clone(), async move {
            loop {
                *metrics.synced.lock() = Instant::now();
                tokio::time::sleep(limits::SYNC_EVERY).await;
            }
        }));
        return Ok(());
    };
    let client = discover::client(kubeconfig).await?;
    let following = discover::run(client, options.addresses(), fixed, Arc::clone(pool));
    tasks.spawn(until(stop.clone(), following));
    Ok(())
}

async fn until(stop: CancellationToken, work: impl Future<Output = ()> + Send) -> io::Result<()> {
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
    Ok(())
}
