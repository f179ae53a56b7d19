//! The extensions process: its delegate over mTLS.

use std::sync::Arc;

use anyhow::Context as _;
use catena_delegate::grpc::server::DelegateServer;
use catena_runtime::{
    flags,
    health::{Health, HealthFlags},
    net::Listener,
    tls::{ALPN_H2, ClientAuth, ServerTls},
};
use catena_storage::Storage;
use catena_storage_etcd::EtcdStorage;
use tokio_util::sync::CancellationToken;

/// Flags of the extensions process.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Flags {
    #[command(flatten)]
    pub options: crate::Options,

    #[command(flatten)]
    pub internal: flags::Internal,

    #[command(flatten)]
    pub health: HealthFlags,

    #[command(flatten)]
    pub etcd: flags::Etcd,
}

impl Flags {
    /// What is wrong with the values, all at once.
    pub fn problems(&self) -> Vec<String> {
        let mut out = self.options.features.problems();
        out.extend(self.internal.problems());
        out.extend(self.etcd.problems());
        out
    }
}

/// Serves until `stop` and the drain that follows it.
///
/// # Errors
/// When a certificate or the address cannot be had.
pub async fn run(flags: Flags, stop: CancellationToken) -> anyhow::Result<()> {
    flags.options.features.install();
    let health = Health::start(&flags.health, &stop).await?;
    let storage: Arc<dyn Storage> = Arc::new(EtcdStorage::connect(&flags.etcd)?);
    let files = flags.internal.files("extensions")?;
    let tls = ServerTls::new(files, ClientAuth::Require, &[ALPN_H2])?;
    let background = CancellationToken::new();
    let _end = background.clone().drop_guard();
    let delegate = crate::build(&flags.options, storage, background.clone()).await?;
    let listener = Listener::bind(&flags.internal.listen)
        .await
        .with_context(|| format!("--listen {}", flags.internal.listen))?;
    health.ready();
    tracing::info!("serving on {}", flags.internal.listen);
    let drain = flags.internal.drain(stop);
    DelegateServer::new(delegate, &flags.internal.allowed_front_names)
        .serve(listener, Arc::new(tls), drain)
        .await?;
    Ok(())
}
