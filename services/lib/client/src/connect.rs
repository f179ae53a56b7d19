//! The connection, by kubeconfig or from inside of a cluster.

use std::path::PathBuf;

use anyhow::Context as _;
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

/// How the API server is reached.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct KubeFlags {
    /// How to reach the API server; without it, in-cluster configuration.
    #[arg(long)]
    pub kubeconfig: Option<PathBuf>,
}

impl KubeFlags {
    /// The configuration of the flags; it holds the namespace of a pod, too.
    ///
    /// # Errors
    /// When the kubeconfig, or what the cluster mounts, cannot be read.
    pub async fn config(&self) -> anyhow::Result<Config> {
        Ok(match &self.kubeconfig {
            Some(path) => {
                let kubeconfig = Kubeconfig::read_from(path)
                    .with_context(|| format!("--kubeconfig: {}", path.display()))?;
                Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?
            }
            None => Config::infer().await?,
        })
    }

    /// A client that connects when it is first used.
    ///
    /// # Errors
    /// As [`KubeFlags::config`].
    pub async fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::try_from(self.config().await?)?)
    }
}
