//! The servers that are measured.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use catena_tests_it::{ControlPlane, free_port};

use crate::client::{Client, TOKEN};

const START: Duration = Duration::from_secs(120);

/// A running server.
pub(crate) enum Target {
    Catena(Box<ControlPlane>),
    Kubernetes(Box<Kubernetes>),
}

impl Target {
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Catena(plane) => plane.url(),
            Self::Kubernetes(k) => format!("https://127.0.0.1:{}", k.port),
        }
    }

    /// All processes of the server, storage included.
    pub(crate) fn pids(&self) -> Vec<u32> {
        match self {
            Self::Catena(plane) => {
                let all = ["store", "core", "extensions", "aggregator", "controllers"];
                all.iter().flat_map(|p| plane.pids(p)).collect()
            }
            Self::Kubernetes(k) => vec![k.etcd.id(), k.server.id()],
        }
    }

    /// Kills everything but storage; it is started again.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Catena(plane) => {
                for process in ["aggregator", "core", "extensions"] {
                    plane.kill(process);
                }
                Ok(())
            }
            Self::Kubernetes(k) => {
                k.server.kill()?;
                k.server.wait()?;
                k.server = k.start()?;
                Ok(())
            }
        }
    }
}

/// kube-apiserver on etcd, as the recordings were made: RBAC, no controllers.
pub(crate) struct Kubernetes {
    binary: String,
    dir: tempfile::TempDir,
    port: u16,
    etcd_port: u16,
    etcd: Child,
    server: Child,
}

impl Kubernetes {
    /// Of the binaries that `KUBE_APISERVER` and `ETCD` name; `None` without them.
    pub(crate) fn start_if_given() -> anyhow::Result<Option<Self>> {
        let Ok(binary) = std::env::var("KUBE_APISERVER") else {
            return Ok(None);
        };
        let etcd = std::env::var("ETCD").unwrap_or_else(|_| "etcd".to_owned());
        let dir = tempfile::tempdir()?;
        let (port, etcd_port, peer) = (free_port(), free_port(), free_port());
        std::fs::write(
            dir.path().join("tokens.csv"),
            format!("{TOKEN},admin,admin,\"system:masters\"\n"),
        )?;
        let key = Command::new("openssl")
            .args(["genrsa", "-out"])
            .arg(dir.path().join("sa.key"))
            .arg("2048")
            .stderr(Stdio::null())
            .status()?;
        anyhow::ensure!(key.success(), "openssl makes a key");
        let etcd = Command::new(etcd)
            .arg(format!("--data-dir={}", dir.path().join("etcd").display()))
            .arg(format!("--listen-client-urls=http://127.0.0.1:{etcd_port}"))
            .arg(format!(
                "--advertise-client-urls=http://127.0.0.1:{etcd_port}"
            ))
            .arg(format!("--listen-peer-urls=http://127.0.0.1:{peer}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("etcd")?;
        let server = run(&binary, dir.path(), port, etcd_port)?;
        Ok(Some(Self {
            binary,
            dir,
            port,
            etcd_port,
            etcd,
            server,
        }))
    }

    fn start(&self) -> anyhow::Result<Child> {
        run(&self.binary, self.dir.path(), self.port, self.etcd_port)
    }
}

fn run(binary: &str, dir: &Path, port: u16, etcd: u16) -> anyhow::Result<Child> {
    let key = dir.join("sa.key").display().to_string();
    Command::new(binary)
        .arg(format!("--etcd-servers=http://127.0.0.1:{etcd}"))
        .arg(format!("--secure-port={port}"))
        .arg(format!("--cert-dir={}", dir.join("certs").display()))
        .arg(format!(
            "--token-auth-file={}",
            dir.join("tokens.csv").display()
        ))
        .arg(format!("--service-account-key-file={key}"))
        .arg(format!("--service-account-signing-key-file={key}"))
        .arg("--service-account-issuer=https://kubernetes.default.svc")
        .arg("--service-cluster-ip-range=10.0.0.0/24")
        .arg("--authorization-mode=RBAC")
        .arg("--disable-admission-plugins=ServiceAccount")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("kube-apiserver")
}

impl Drop for Kubernetes {
    fn drop(&mut self) {
        for child in [&mut self.server, &mut self.etcd] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Time until the server says that it is ready.
pub(crate) async fn ready(client: &Client) -> anyhow::Result<Duration> {
    let start = Instant::now();
    loop {
        let answer = client.send("GET", "/readyz", &[], "").await;
        if answer.is_ok_and(|(status, _)| status.is_success()) {
            return Ok(start.elapsed());
        }
        anyhow::ensure!(start.elapsed() < START, "the server does not become ready");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
