//! The hook that brings our key to the nodes: a command of the operator, as
//! cloud providers were kube-apiserver's.

use std::{path::PathBuf, process::Stdio, sync::Arc, time::Instant};

use anyhow::Context as _;
use tokio::{process::Command, time::timeout};

use crate::{limits, metrics::Metrics, ssh::Settings};

/// Runs the command now and then every five minutes, until dropped.
pub(crate) async fn run(command: PathBuf, settings: Settings, metrics: Arc<Metrics>) {
    *metrics.keys_synced.lock() = Some(Instant::now());
    loop {
        match install(&command, &settings).await {
            Ok(()) => *metrics.keys_synced.lock() = Some(Instant::now()),
            Err(e) => tracing::error!(error = format!("{e:#}"), "Failed to install ssh key"),
        }
        tokio::time::sleep(limits::INSTALL_EVERY).await;
    }
}

/// The command has the user and the line of `authorized_keys` as arguments.
async fn install(command: &PathBuf, settings: &Settings) -> anyhow::Result<()> {
    let line = settings.identity.authorized_line()?;
    let run = Command::new(command)
        .arg(&settings.user)
        .arg(line.trim_end())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .status();
    let ran = timeout(limits::INSTALL_TIMEOUT, run)
        .await
        .with_context(|| format!("it did not end in {:?}", limits::INSTALL_TIMEOUT))
        .and_then(|r| Ok(r?));
    let status =
        ran.with_context(|| format!("--ssh-key-installer-command {}", command.display()))?;
    anyhow::ensure!(
        status.success(),
        "--ssh-key-installer-command {}: {status}",
        command.display()
    );
    Ok(())
}
