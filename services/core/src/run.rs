//! The core process: its delegate over mTLS.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context as _;
use catena_auth::{Trust, tokens::Issuer};
use catena_delegate::grpc::server::DelegateServer;
use catena_runtime::{
    features::FeatureGates,
    flags,
    health::{Health, HealthFlags},
    net::Listener,
    tls::{ALPN_H2, ClientAuth, ServerTls},
};
use catena_storage::Storage;
use catena_storage_etcd::EtcdStorage;
use clap::ArgAction;
use tokio_util::sync::CancellationToken;

use crate::Options;

/// Flags of the core process.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Flags {
    #[command(flatten)]
    pub options: Options,

    #[command(flatten)]
    pub tokens: TokenFlags,

    // The front's authorities: core publishes them.
    #[command(flatten)]
    pub trust: Trust,

    /// The front's list: with AlwaysAllow everybody may also grant rights.
    #[arg(long, value_delimiter = ',', default_value = "RBAC")]
    pub authorization_mode: Vec<String>,

    #[command(flatten)]
    pub features: FeatureGates,

    #[command(flatten)]
    pub internal: flags::Internal,

    #[command(flatten)]
    pub health: HealthFlags,

    #[command(flatten)]
    pub etcd: flags::Etcd,
}

/// How service account tokens are signed.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct TokenFlags {
    /// Issuer of service account tokens.
    #[arg(long)]
    pub service_account_issuer: Vec<String>,

    /// Private key that signs them.
    #[arg(long)]
    pub service_account_signing_key_file: Option<PathBuf>,

    /// Audiences of tokens that name none; the issuers otherwise.
    #[arg(long, value_delimiter = ',')]
    pub api_audiences: Vec<String>,

    /// Tokens that kubelets mount live on for a year after the time when they should be renewed.
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub service_account_extend_token_expiration: bool,
}

impl TokenFlags {
    fn issuer(&self) -> anyhow::Result<Option<Issuer>> {
        let (Some(name), Some(key)) = (
            self.service_account_issuer.first(),
            &self.service_account_signing_key_file,
        ) else {
            return Ok(None);
        };
        let audiences = match self.api_audiences.as_slice() {
            [] => self.service_account_issuer.clone(),
            some => some.to_vec(),
        };
        let issuer = Issuer::open(name, key, audiences)?;
        Ok(Some(
            issuer.extending(self.service_account_extend_token_expiration),
        ))
    }
}

impl Flags {
    /// What is wrong with the values, all at once.
    pub fn problems(&self) -> Vec<String> {
        let mut out = self.options.problems();
        out.extend(self.trust.problems());
        out.extend(self.features.problems());
        out.extend(self.internal.problems());
        out.extend(self.etcd.problems());
        out
    }
}

/// Serves until `stop` and the drain that follows it.
///
/// # Errors
/// When storage, a certificate or the address cannot be had.
pub async fn run(flags: Flags, stop: CancellationToken) -> anyhow::Result<()> {
    flags.features.install();
    let health = Health::start(&flags.health, &stop).await?;
    let storage: Arc<dyn Storage> = Arc::new(EtcdStorage::connect(&flags.etcd)?);
    catena_storage_etcd::wait(&*storage).await?;
    let files = flags.internal.files("core")?;
    let tls = ServerTls::new(files, ClientAuth::Require, &[ALPN_H2])?;
    let issuer = flags.tokens.issuer()?;
    let mut options = flags.options;
    let modes = &flags.authorization_mode;
    options.admission.everything_is_allowed = modes.iter().any(|m| m == "AlwaysAllow");
    let trust = flags.trust.published()?;
    let delegate = crate::start(&options, issuer, trust, storage).await?;
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
