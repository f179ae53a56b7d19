//! An embedded server of the etcd v3 API: one process, one disk, no quorum.
//!
//! `engine` is the store, usable in the process of its user too; `server` is
//! the API over it.

mod engine;
mod options;
mod server;

use std::path::Path;

use anyhow::Context as _;
use catena_runtime::health::Health;
use catena_runtime::net::{Endpoint, Listener};
use tokio_util::sync::CancellationToken;

pub use engine::{Engine, EngineOptions, Error, LeaseInfo, Report, WatchOptions, Watcher};
pub use options::Options;
pub use server::serve_on;

fn open(dir: &Path, snapshot: Option<&Path>, options: EngineOptions) -> anyhow::Result<Engine> {
    if let Some(file) = snapshot
        && !Engine::exists(dir)
    {
        let restore = || -> anyhow::Result<()> {
            let from = std::io::BufReader::new(std::fs::File::open(file)?);
            Ok(Engine::restore(dir, from)?)
        };
        restore().with_context(|| format!("--initial-snapshot {}", file.display()))?;
        tracing::info!(snapshot = %file.display(), "the store begins with a snapshot");
    }
    Ok(Engine::open(dir, options)?)
}

/// Runs the process until `stop`, or until the disk fails.
///
/// # Errors
/// When data, certificates or the address cannot be had, or the disk fails.
pub async fn run(options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    let tls = options.tls()?;
    let health = Health::start(&options.health, &stop).await?;
    let (dir, settings) = (options.data_dir.clone(), options.engine());
    let snapshot = options.initial_snapshot.clone();
    let engine = tokio::task::spawn_blocking(move || open(&dir, snapshot.as_deref(), settings))
        .await?
        .with_context(|| format!("--data-dir {}", options.data_dir.display()))?;
    let listener = Listener::bind(&options.listen)
        .await
        .with_context(|| format!("--listen {}", options.listen))?;
    if tls.is_none() && matches!(options.listen, Endpoint::Host(..)) {
        tracing::warn!("clients are not authenticated: no --cert-file");
    }
    let (address, revision) = (listener.local()?, engine.revision());
    tracing::info!(%address, revision, "serving the etcd v3 API");
    health.ready();
    let serving = serve_on(listener, engine.clone(), tls, stop);
    tokio::select! {
        served = serving => Ok(served?),
        // A restart finds what is on disk; going on would serve what is not.
        () = engine.failed() => anyhow::bail!("the disk failed; see the log"),
    }
}
