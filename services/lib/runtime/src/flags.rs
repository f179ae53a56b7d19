//! Flags that several processes have, named as kube-apiserver's.

use std::{path::PathBuf, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    net::Endpoint,
    pki::{PROCESS_PREFIX, Pki},
    tls::ServerFiles,
};

/// Go's durations, as flags have them.
///
/// # Errors
/// What is wrong, in Go's words.
pub fn duration(text: &str) -> Result<Duration, String> {
    let nanos = catena_objects::duration::parse(text)?;
    u64::try_from(nanos)
        .map(Duration::from_nanos)
        .map_err(|_| format!("{text:?} can not be negative value"))
}

/// Where storage is.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Etcd {
    /// Servers of the etcd v3 API: http://, https:// or unix:// addresses.
    #[arg(long, value_delimiter = ',')]
    pub etcd_servers: Vec<String>,

    /// Authority of these servers.
    #[arg(long)]
    pub etcd_cafile: Option<PathBuf>,

    /// Certificate shown to them.
    #[arg(long)]
    pub etcd_certfile: Option<PathBuf>,

    /// Its key.
    #[arg(long)]
    pub etcd_keyfile: Option<PathBuf>,

    /// What every key starts with.
    #[arg(long, default_value = "/registry")]
    pub etcd_prefix: String,
}

impl Etcd {
    pub fn problems(&self) -> Vec<String> {
        let mut out = Vec::new();
        if self.etcd_servers.is_empty() {
            out.push("--etcd-servers must be specified".to_owned());
        }
        for server in &self.etcd_servers {
            let known = ["http://", "https://", "unix:"];
            if !known.iter().any(|k| server.starts_with(k)) {
                out.push(format!(
                    "--etcd-servers {server:?} must start with http://, https:// or unix://"
                ));
            }
        }
        if self.etcd_certfile.is_some() != self.etcd_keyfile.is_some() {
            out.push("--etcd-certfile and --etcd-keyfile must be specified together".to_owned());
        }
        if self.etcd_prefix != "/registry" {
            // Keys are written by many places; another prefix is not offered yet.
            out.push("--etcd-prefix other than /registry is not supported".to_owned());
        }
        out
    }
}

/// How a delegate listens and proves itself, and who may call it.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Internal {
    /// Address for the front: host:port, or the path of a unix socket.
    #[arg(long)]
    pub listen: Endpoint,

    /// Directory of certificates; what is missing in it is made.
    #[arg(long)]
    pub pki_dir: Option<PathBuf>,

    /// Certificate of this process, instead of one of --pki-dir.
    #[arg(long)]
    pub tls_cert_file: Option<PathBuf>,

    /// Its key.
    #[arg(long)]
    pub tls_private_key_file: Option<PathBuf>,

    /// Authority of the processes that may call.
    #[arg(long)]
    pub internal_ca_file: Option<PathBuf>,

    /// Time between readiness turning red and the drain: fronts must have seen
    /// that the address is gone, and where its successor is.
    #[arg(long, default_value = "0s", value_parser = duration)]
    pub shutdown_delay_duration: Duration,

    /// Names in certificates of the processes that may call.
    #[arg(long, value_delimiter = ',', default_values_t = fronts())]
    pub allowed_front_names: Vec<String>,
}

fn fronts() -> [String; 2] {
    ["aggregator", "core"].map(|p| format!("{PROCESS_PREFIX}{p}"))
}

impl Internal {
    pub fn problems(&self) -> Vec<String> {
        let files = [
            &self.tls_cert_file,
            &self.tls_private_key_file,
            &self.internal_ca_file,
        ];
        let given = files.iter().filter(|f| f.is_some()).count();
        let mut out = Vec::new();
        if given != 0 && given != files.len() {
            out.push("--tls-cert-file, --tls-private-key-file and --internal-ca-file must be specified together".to_owned());
        }
        if given == 0 && self.pki_dir.is_none() {
            out.push(
                "either --pki-dir or --tls-cert-file, --tls-private-key-file and --internal-ca-file must be specified"
                    .to_owned(),
            );
        }
        out
    }

    /// Cancelled when it is time to drain.
    pub fn drain(&self, stop: CancellationToken) -> CancellationToken {
        let drain = CancellationToken::new();
        let (delay, due) = (self.shutdown_delay_duration, drain.clone());
        tokio::spawn(async move {
            stop.cancelled().await;
            tokio::time::sleep(delay).await;
            due.cancel();
        });
        drain
    }

    /// The files of this process, made where they are missing.
    ///
    /// # Errors
    /// When certificates cannot be made.
    pub fn files(&self, process: &str) -> anyhow::Result<ServerFiles> {
        identity(
            process,
            self.pki_dir.as_ref(),
            (&self.tls_cert_file, &self.tls_private_key_file),
            &self.internal_ca_file,
        )
    }
}

/// Identity of a process and the authority of its peers: files that are given,
/// or those of a directory of certificates.
///
/// # Errors
/// When certificates cannot be made, or nothing is given.
pub fn identity(
    process: &str,
    pki_dir: Option<&PathBuf>,
    (cert, key): (&Option<PathBuf>, &Option<PathBuf>),
    ca: &Option<PathBuf>,
) -> anyhow::Result<ServerFiles> {
    if let (Some(cert), Some(key), Some(ca)) = (cert, key, ca) {
        return Ok(ServerFiles {
            cert: cert.clone(),
            key: key.clone(),
            client_ca: Some(ca.clone()),
        });
    }
    let Some(dir) = pki_dir else {
        anyhow::bail!("{process} has no certificate: --pki-dir is missing");
    };
    let pki = Pki::open(dir)?;
    let pair = pki.process(process, &[])?;
    Ok(ServerFiles {
        cert: pair.cert,
        key: pair.key,
        client_ca: Some(pki.internal_ca()?),
    })
}
