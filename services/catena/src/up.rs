//! `catena up`: all processes as children of this one, on this machine.

mod children;
mod commands;
mod kubeconfig;
mod ready;

use std::{io::Write as _, net::IpAddr, path::PathBuf, time::Instant};

use anyhow::Context as _;
use catena_runtime::{features::FeatureGates, files, log, pki::Pki};
use children::Children;
use tokio_util::sync::CancellationToken;

/// Flags of `catena up`.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Everything that is kept: data, certificates, sockets, kubeconfig.
    #[arg(long, default_value = ".run")]
    data_dir: PathBuf,

    /// Address of the HTTPS port.
    #[arg(long, default_value = "127.0.0.1")]
    bind_address: IpAddr,

    /// Port of HTTPS.
    #[arg(long, default_value_t = 6443)]
    secure_port: u16,

    /// Addresses of an etcd to use instead of the embedded store.
    #[arg(long, value_delimiter = ',')]
    etcd_servers: Vec<String>,

    /// Range of cluster addresses of Services.
    #[arg(long, default_value = "10.0.0.0/24")]
    service_cluster_ip_range: String,

    /// Containers may ask for the rights of their host.
    #[arg(long, default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    allow_privileged: bool,

    #[command(flatten)]
    features: FeatureGates,

    /// CSV file of static tokens: token,user,uid,"group1,group2".
    #[arg(long)]
    token_auth_file: Option<PathBuf>,

    /// How requests are authorized.
    #[arg(long, default_value = "Node,RBAC")]
    authorization_mode: String,

    // For core and the aggregator.
    #[command(flatten)]
    egress: catena_egress::EgressFlags,

    /// false leaves the small controllers out, for kube-controller-manager.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    controllers: bool,

    /// Replicas of core and of extensions.
    #[arg(long, default_value_t = 1)]
    replicas: usize,
}

/// Longest path of a socket (`sun_path` without its end).
const SOCKET_PATH: usize = 107;

impl Options {
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut out = self.features.problems();
        out.extend(self.egress.problems());
        if !(1..=16).contains(&self.replicas) {
            out.push(format!(
                "--replicas {} must be between 1 and 16",
                self.replicas
            ));
        }
        out
    }
}

/// Starts everything, says how to reach it, and restarts what dies.
///
/// # Errors
/// When a directory, a certificate or a process cannot be made.
pub(crate) async fn run(
    options: Options,
    log: log::Options,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let started = Instant::now();
    files::private_dir(&options.data_dir)
        .with_context(|| format!("--data-dir {}", options.data_dir.display()))?;
    let plan = Plan::new(&options)?;
    let admin = kubeconfig::write(&plan, "admin", "kubernetes-admin", Some("system:masters"))?;
    kubeconfig::write(
        &plan,
        "controllers",
        "system:catena:controllers",
        Some("system:masters"),
    )?;
    let mut children = Children::start(commands::all(&options, &plan, &log)?, stop.clone())?;
    tokio::select! {
        ready = ready::wait(&plan) => {
            ready?;
            say(&options, &admin, started);
            if options.controllers {
                children.add(commands::controllers(&plan, &log)?)?;
            }
        }
        () = stop.cancelled() => {}
        () = children.supervise() => {}
    }
    tokio::select! {
        () = stop.cancelled() => {}
        () = children.supervise() => {}
    }
    children.end().await;
    Ok(())
}

/// What the user is to do next. Nobody may be reading.
fn say(options: &Options, admin: &std::path::Path, started: Instant) {
    let ms = started.elapsed().as_millis();
    let url = format!("https://{}:{}", options.bind_address, options.secure_port);
    let text = format!(
        "Catena serves {url}, ready after {ms} ms. In another terminal:

  export KUBECONFIG={}
  kubectl get namespaces

Ctrl-C stops it; data stays in {}.
",
        admin.display(),
        options.data_dir.display()
    );
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Where things are.
pub(crate) struct Plan {
    dir: PathBuf,
    pki: Pki,
    pki_dir: PathBuf,
    address: std::net::SocketAddr,
    etcd: Vec<String>,
}

impl Plan {
    fn new(options: &Options) -> anyhow::Result<Self> {
        let dir = std::path::absolute(&options.data_dir)?;
        let pki_dir = dir.join("pki");
        let pki = Pki::open(&pki_dir)?;
        let etcd = if options.etcd_servers.is_empty() {
            vec![format!("unix://{}", dir.join("store.sock").display())]
        } else {
            options.etcd_servers.clone()
        };
        let longest = dir.join("extensions-99.sock");
        anyhow::ensure!(
            longest.as_os_str().len() <= SOCKET_PATH,
            "--data-dir {} is too long for sockets in it",
            dir.display()
        );
        Ok(Self {
            dir,
            pki,
            pki_dir,
            address: (options.bind_address, options.secure_port).into(),
            etcd,
        })
    }

    fn sockets(&self, process: &str, replicas: usize) -> Vec<String> {
        let one = |i| {
            self.dir
                .join(format!("{process}-{i}.sock"))
                .display()
                .to_string()
        };
        (0..replicas).map(one).collect()
    }
}
