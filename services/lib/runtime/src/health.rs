//! `/livez`, `/readyz` and `/metrics` of a process that has no public port, for
//! probes and scrapers.
//!
//! Plain HTTP without authentication: what is told are names of checks and
//! numbers. Who reaches the port is a matter of the network policy.

mod http;
#[cfg(test)]
mod tests;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use crate::net::{Endpoint, Listener};

/// Where a process tells how it is.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct HealthFlags {
    /// Where /livez, /readyz and /metrics are served, without TLS: host:port or the path of a unix socket.
    #[arg(long)]
    pub listen_http: Option<Endpoint>,
}

/// How a process is: alive as long as it answers, ready from [`Health::ready`]
/// until it is told to stop. Neither asks other processes: with storage away, all
/// replicas would turn unready at once, and the front would find none of them
/// when it is back. The front's own readiness covers storage.
#[derive(Clone)]
pub struct Health {
    started: Arc<AtomicBool>,
    stop: CancellationToken,
}

impl Health {
    /// Listens from now on, so that probes see a long start as alive and not ready.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn start(flags: &HealthFlags, stop: &CancellationToken) -> anyhow::Result<Self> {
        let health = Self {
            started: Arc::default(),
            stop: stop.clone(),
        };
        if let Some(at) = &flags.listen_http {
            let listener = Listener::bind(at)
                .await
                .with_context(|| format!("--listen-http {at}"))?;
            // Until the process ends: its drain is watched too.
            tokio::spawn(http::serve(listener, health.clone()));
        }
        Ok(health)
    }

    /// The process serves.
    pub fn ready(&self) {
        self.started.store(true, Ordering::Release);
    }

    /// Checks of readiness by kube-apiserver's names where it has them.
    fn checks(&self) -> [(&'static str, bool); 3] {
        [
            ("ping", true),
            (
                "poststarthook/serving",
                self.started.load(Ordering::Acquire),
            ),
            ("shutdown", !self.stop.is_cancelled()),
        ]
    }
}
