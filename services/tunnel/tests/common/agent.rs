//! Agents of nodes, and what they prove themselves with.

use std::{net::SocketAddr, path::Path};

use catena_runtime::pki::{Pair, Pki};
use clap::Parser as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{PATIENCE, Tunnel, eventually, free_port, get, metric, prepare};

#[derive(clap::Parser)]
struct Args {
    #[command(flatten)]
    options: catena_tunnel::AgentOptions,
}

/// An agent in this process.
pub struct Agent {
    pub http: SocketAddr,
    stop: CancellationToken,
    running: Option<JoinHandle<anyhow::Result<()>>>,
}

pub fn pki(dir: &Path) -> Pki {
    Pki::open(dir.join("pki")).expect("a directory")
}

/// A certificate of a node, as kubelets have it.
pub fn certificate(dir: &Path, name: &str) -> Pair {
    let (user, group) = (format!("system:node:{name}"), Some("system:nodes"));
    let pair = pki(dir).client(&format!("node-{name}"), &user, group);
    pair.expect("a certificate")
}

/// Flags of the agent of a node, but for its servers.
pub fn flags(dir: &Path, name: &str) -> Vec<String> {
    let pair = certificate(dir, name);
    let ca = pki(dir).internal_ca().expect("an authority");
    vec![
        format!("--server-ca-file={}", ca.display()),
        format!("--tls-cert-file={}", pair.cert.display()),
        format!("--tls-private-key-file={}", pair.key.display()),
    ]
}

impl Agent {
    pub async fn start(dir: &Path, name: &str, more: &[String]) -> Self {
        catena_runtime::tls::install_provider();
        let http = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut args = flags(dir, name);
        args.insert(0, "agent".to_owned());
        args.push(format!("--listen-http={http}"));
        args.extend(more.iter().cloned());
        let options = Args::try_parse_from(args).expect("flags").options;
        assert_eq!(options.problems(), Vec::<String>::new());
        let stop = CancellationToken::new();
        let running = tokio::spawn(catena_tunnel::run_agent(options, stop.clone()));
        let agent = Self {
            http,
            stop,
            running: Some(running),
        };
        let alive = async || get(http, "/livez").await.is_some();
        eventually("the agent lives", alive).await;
        agent
    }

    pub async fn metric(&self, name: &str) -> f64 {
        metric(self.http, name).await
    }

    pub async fn is_ready(&self) -> bool {
        get(self.http, "/readyz").await.is_some()
    }

    pub async fn stop(mut self) {
        self.stop.cancel();
        let running = self.running.take().expect("it runs");
        let ended = tokio::time::timeout(PATIENCE, running).await;
        ended
            .expect("an end in time")
            .expect("no panic")
            .expect("no failure");
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A tunnel that nodes dial in to, at this port.
pub async fn tunnel_at(port: u16, more: &[String]) -> Tunnel {
    let dir = prepare();
    std::fs::write(dir.path().join("agents"), port.to_string()).expect("a file");
    tunnel_in(dir, port, more).await
}

/// The same, with what is in `dir`.
pub async fn tunnel_in(dir: tempfile::TempDir, port: u16, more: &[String]) -> Tunnel {
    let mut flags = vec![
        format!("--listen-agents=127.0.0.1:{port}"),
        format!("--pki-dir={}", dir.path().join("pki").display()),
    ];
    flags.extend_from_slice(more);
    Tunnel::start(dir, &flags).await
}

/// A tunnel, and a node that dialed in.
pub async fn one() -> (Agent, Tunnel) {
    let port = free_port();
    let tunnel = tunnel_at(port, &[]).await;
    let server = format!("--server=127.0.0.1:{port}");
    let agent = Agent::start(tunnel.dir.path(), "n1", &[server]).await;
    tunnel.guests(1).await;
    (agent, tunnel)
}
