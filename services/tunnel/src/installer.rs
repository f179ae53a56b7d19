//! The hook that brings our key to the nodes: a command or a web hook of the
//! operator, as cloud providers were kube-apiserver's.

mod webhook;

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Instant,
};

use anyhow::Context as _;
use tokio::{
    process::Command,
    time::{sleep, timeout},
};

use crate::{limits, metrics::Metrics, ssh::Settings};

pub(crate) use webhook::Webhook;

/// What is run.
pub(crate) enum Installer {
    Command(PathBuf),
    Webhook(Box<Webhook>),
}

/// Installs now and then every five minutes, until dropped. What fails is tried
/// again for half a minute (as by kube-apiserver's provider for GCE).
pub(crate) async fn run(installer: Installer, settings: Settings, metrics: Arc<Metrics>) {
    *metrics.keys_synced.lock() = Some(Instant::now());
    loop {
        let began = Instant::now();
        loop {
            let Err(e) = installer.install(&settings).await else {
                *metrics.keys_synced.lock() = Some(Instant::now());
                break;
            };
            tracing::error!(error = format!("{e:#}"), "Failed to install ssh key");
            if began.elapsed() + limits::INSTALL_RETRY > limits::INSTALL_RETRIES {
                break;
            }
            sleep(limits::INSTALL_RETRY).await;
        }
        sleep(limits::INSTALL_EVERY.saturating_sub(began.elapsed())).await;
    }
}

impl Installer {
    async fn install(&self, settings: &Settings) -> anyhow::Result<()> {
        let line = settings.identity.authorized_line()?;
        let (user, line) = (settings.user.as_str(), line.trim_end());
        let (name, done) = match self {
            Self::Command(command) => (
                format!("--ssh-key-installer-command {}", command.display()),
                timeout(limits::INSTALL_TIMEOUT, by_command(command, user, line)).await,
            ),
            Self::Webhook(hook) => (
                format!("--ssh-key-installer-webhook {}", hook.url()),
                timeout(limits::INSTALL_TIMEOUT, hook.install(user, line)).await,
            ),
        };
        done.with_context(|| format!("it did not end in {:?}", limits::INSTALL_TIMEOUT))
            .and_then(|r| r)
            .context(name)
    }
}

/// The command has the user and the line of `authorized_keys` as arguments.
async fn by_command(command: &Path, user: &str, line: &str) -> anyhow::Result<()> {
    let run = Command::new(command)
        .args([user, line])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .status();
    let status = run.await?;
    anyhow::ensure!(status.success(), "{status}");
    Ok(())
}
