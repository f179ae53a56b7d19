//! Flags of the front, named and defaulted as kube-apiserver's.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use catena_delegate::grpc::client::Endpoints;
use catena_egress::EgressFlags;
use catena_runtime::{features::FeatureGates, flags, tls::ServerFiles};

use crate::proxy::ClientPair;

/// Flags of the aggregator process.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Options {
    #[command(flatten)]
    pub serving: Serving,

    #[command(flatten)]
    pub auth: catena_auth::Options,

    #[command(flatten)]
    pub features: FeatureGates,

    #[command(flatten)]
    pub etcd: flags::Etcd,

    #[command(flatten)]
    pub egress: EgressFlags,

    /// Replicas of core: host:port or paths of sockets, with commas.
    #[arg(long)]
    pub core_endpoints: Endpoints,

    /// Replicas of extensions.
    #[arg(long)]
    pub extensions_endpoints: Endpoints,

    /// Certificate shown to delegates, instead of one of --pki-dir.
    #[arg(long)]
    pub delegate_client_certificate: Option<PathBuf>,

    /// Its key.
    #[arg(long)]
    pub delegate_client_key: Option<PathBuf>,

    /// Authority of delegates.
    #[arg(long)]
    pub internal_ca_file: Option<PathBuf>,
}

/// Flags of the public ports; the one-process form has them too.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Serving {
    /// Address of the HTTPS port.
    #[arg(long, default_value = "0.0.0.0")]
    pub bind_address: IpAddr,

    /// Port of HTTPS; 0 lets the system choose one.
    #[arg(long, default_value_t = 6443)]
    pub secure_port: u16,

    /// Address that clients are told; that of the port otherwise.
    #[arg(long)]
    pub advertise_address: Option<IpAddr>,

    /// Directory of certificates; what is missing in it is made.
    #[arg(long)]
    pub cert_dir: Option<PathBuf>,

    /// Certificate of the HTTPS port.
    #[arg(long)]
    pub tls_cert_file: Option<PathBuf>,

    /// Its key.
    #[arg(long)]
    pub tls_private_key_file: Option<PathBuf>,

    /// Names and addresses for the certificate that is made.
    #[arg(long, value_delimiter = ',')]
    pub tls_san: Vec<String>,

    /// Port of HTTP without authentication, on loopback; 0 turns it off. Needs --compatibility=seed.
    #[arg(long, default_value_t = 0)]
    pub insecure_port: u16,

    /// today, or seed: what Kubernetes 1.10 had and later versions took away.
    #[arg(long, default_value = "today", value_parser = ["today", "seed"])]
    pub compatibility: String,

    /// Longest time of a short request.
    #[arg(long, default_value = "1m0s", value_parser = flags::duration)]
    pub request_timeout: Duration,

    /// Short reading requests at once; 0 is no limit.
    #[arg(long, default_value_t = 400)]
    pub max_requests_inflight: usize,

    /// Short writing requests at once; 0 is no limit.
    #[arg(long, default_value_t = 200)]
    pub max_mutating_requests_inflight: usize,

    /// Time between readiness turning red and the end of accepting.
    #[arg(long, default_value = "0s", value_parser = flags::duration)]
    pub shutdown_delay_duration: Duration,

    /// Certificate shown to remote API servers.
    #[arg(long)]
    pub proxy_client_cert_file: Option<PathBuf>,

    /// Its key.
    #[arg(long)]
    pub proxy_client_key_file: Option<PathBuf>,
}

impl Serving {
    pub fn problems(&self) -> Vec<String> {
        let mut out = Vec::new();
        if self.tls_cert_file.is_some() != self.tls_private_key_file.is_some() {
            let text = "--tls-cert-file and --tls-private-key-file must be specified together";
            out.push(text.to_owned());
        }
        if self.tls_cert_file.is_none() && self.cert_dir.is_none() {
            out.push("either --cert-dir or --tls-cert-file must be specified".to_owned());
        }
        if self.proxy_client_cert_file.is_some() != self.proxy_client_key_file.is_some() {
            let text =
                "--proxy-client-cert-file and --proxy-client-key-file must be specified together";
            out.push(text.to_owned());
        }
        if self.insecure_port != 0 && self.compatibility != "seed" {
            let text = "--insecure-port: invalid port value: only zero is allowed without --compatibility=seed";
            out.push(text.to_owned());
        }
        out
    }

    pub(crate) fn proxy_pair(&self) -> Option<ClientPair> {
        self.proxy_client_cert_file
            .clone()
            .zip(self.proxy_client_key_file.clone())
            .map(|(cert, key)| ClientPair { cert, key })
    }

    /// Whether the front leaves the aggregator out: in seed mode, where
    /// `KUBE_API_VERSIONS` is set.
    pub(crate) fn chain_only(&self) -> bool {
        let set = std::env::var_os("KUBE_API_VERSIONS").is_some_and(|v| !v.is_empty());
        self.compatibility == "seed" && set
    }

    /// The files of the HTTPS port, made where they are missing.
    ///
    /// # Errors
    /// When certificates cannot be made.
    pub fn files(&self, client_ca: Option<PathBuf>) -> anyhow::Result<ServerFiles> {
        if let (Some(cert), Some(key)) = (&self.tls_cert_file, &self.tls_private_key_file) {
            return Ok(ServerFiles {
                cert: cert.clone(),
                key: key.clone(),
                client_ca,
            });
        }
        let Some(dir) = &self.cert_dir else {
            anyhow::bail!("--cert-dir is missing");
        };
        let pki = catena_runtime::pki::Pki::open(dir)?;
        let mut sans: Vec<String> = [
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ]
        .map(str::to_owned)
        .to_vec();
        sans.extend(self.tls_san.iter().cloned());
        sans.extend(self.advertise_address.map(|a| a.to_string()));
        let pair = pki.server("apiserver", &sans)?;
        Ok(ServerFiles {
            cert: pair.cert,
            key: pair.key,
            client_ca,
        })
    }
}

impl Options {
    /// What is wrong with the values, all at once.
    pub fn problems(&self) -> Vec<String> {
        let mut out = self.serving.problems();
        out.extend(self.features.problems());
        out.extend(self.auth.problems());
        out.extend(self.etcd.problems());
        out.extend(self.egress.problems());
        let files = [
            &self.delegate_client_certificate,
            &self.delegate_client_key,
            &self.internal_ca_file,
        ];
        let given = files.iter().filter(|f| f.is_some()).count();
        if given != 0 && given != files.len() {
            out.push("--delegate-client-certificate, --delegate-client-key and --internal-ca-file must be specified together".to_owned());
        }
        if given == 0 && self.serving.cert_dir.is_none() {
            out.push(
                "either --cert-dir or --delegate-client-certificate must be specified".to_owned(),
            );
        }
        out
    }
}
