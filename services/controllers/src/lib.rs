//! Controllers that a control plane without kube-controller-manager cannot do without.
//!
//! A client of the front like any other: deletes the content of terminating
//! namespaces, collects garbage by owner references, keeps the default
//! service account and the root CA config map of every namespace, and the rules
//! of aggregated cluster roles.

mod api;
mod cluster_role;
mod garbage;
mod namespace;
mod options;
mod service_account;

pub use options::Options;

use std::sync::Arc;

use anyhow::Context as _;
use catena_client::Lease;
use catena_runtime::health::Health;
use tokio_util::sync::CancellationToken;

/// Runs until `stop` is cancelled or leadership is lost; the latter is an error,
/// so that the process is started anew with empty state.
///
/// # Errors
/// When the kubeconfig cannot be read, or leadership or a watch is lost for good.
pub async fn run(options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    let health = Health::start(&options.health, &stop).await?;
    let client = options.kube.client().await?;
    let root_ca = match &options.root_ca_file {
        Some(path) => Some(
            tokio::fs::read_to_string(path)
                .await
                .with_context(|| format!("--root-ca-file: {}", path.display()))?,
        ),
        None => None,
    };
    // One that waits for the lease is as it should be.
    health.ready();
    let lease = Lease::new(client.clone(), "kube-system", "catena-controllers");
    if options.leader_elect && !lease.acquire(&stop).await {
        return Ok(());
    }
    tracing::info!("controllers are starting");
    let catalog = Arc::new(api::Catalog::new(client.clone()));
    tokio::select! {
        () = stop.cancelled() => {}
        r = lease.hold(), if options.leader_elect => r?,
        r = namespace::run(client.clone(), Arc::clone(&catalog)) => r?,
        r = service_account::run(client.clone(), root_ca) => r?,
        r = cluster_role::run(client.clone()) => r?,
        r = garbage::run(client.clone(), catalog) => r?,
    }
    if options.leader_elect {
        lease.release().await;
    }
    Ok(())
}
