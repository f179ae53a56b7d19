//! The operator: makes and keeps what a `ControlPlane` asks for.
//!
//! Objects are those of `charts/catena`, rendered by [`catena_chart`] from the
//! chart that is part of this binary, and applied in the safe order
//! ([`rollout::ORDER`]). What the chart leaves to others the operator does
//! itself: certificates, backups, upgrades that go back when they fail.

#![recursion_limit = "256"]

pub mod api;
mod apply;
mod certificates;
mod cleanup;
mod conditions;
mod error;
mod events;
mod kubeconfig;
mod metrics;
mod objects;
mod options;
mod reconcile;
mod render;
mod revision;
mod rollout;
mod scale;
mod snapshot;
mod storage;
mod values;
mod watch;

pub use options::{BackupImage, BackupOptions, Command, Options};

use std::{io::Write as _, sync::Arc};

use anyhow::Context as _;
use catena_client::Lease;
use catena_runtime::health::Health;
use tokio_util::sync::CancellationToken;

/// Runs until `stop` is cancelled or leadership is lost; the latter is an error,
/// so that the process is started anew with empty state.
///
/// # Errors
/// When the API server cannot be reached with the flags, or leadership is lost.
pub async fn run(options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    match &options.command {
        Some(Command::Backup(backup)) => snapshot::take(backup).await,
        Some(Command::Definitions) => definitions(),
        None => operate(options, stop).await,
    }
}

fn definitions() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for definition in api::definitions()? {
        writeln!(out, "---\n{}", serde_saphyr::to_string(&definition)?)?;
    }
    Ok(())
}

/// The chart of this binary for a spec: the objects that are applied for it.
///
/// # Errors
/// What is wrong with the spec.
pub fn rendered(
    plane: &api::ControlPlane,
    kube_version: &str,
) -> anyhow::Result<Vec<serde_json::Value>> {
    Ok(reconcile::rendered(plane, kube_version)?)
}

async fn operate(options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    metrics::register()?;
    let health = Health::start(&options.health, &stop).await?;
    let config = options.kube.config().await?;
    let namespace = match options.leader_elect_namespace.as_str() {
        "" => config.default_namespace.clone(),
        given => given.to_owned(),
    };
    let client = kube::Client::try_from(config).context("the API server")?;
    // One that waits for the lease is as it should be.
    health.ready();
    let lease = Lease::new(client.clone(), &namespace, "catena-operator");
    if options.leader_elect && !lease.acquire(&stop).await {
        return Ok(());
    }
    tracing::info!("the operator is starting");
    let context = Arc::new(reconcile::Context::new(client, &options, &stop).await);
    tokio::select! {
        () = stop.cancelled() => {}
        r = lease.hold(), if options.leader_elect => r?,
        () = watch::run(context, &options.watch_namespaces) => {}
    }
    if options.leader_elect {
        lease.release().await;
    }
    Ok(())
}
