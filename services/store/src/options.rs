//! Flags of the process, named as etcd's.

use std::{path::PathBuf, sync::Arc};

use catena_runtime::{
    health::HealthFlags,
    net::Endpoint,
    tls::{self, ALPN_H2, ClientAuth, ServerFiles, ServerTls},
};

use crate::EngineOptions;

/// The store process.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Options {
    /// Directory of the data; made when it is missing.
    #[arg(long)]
    pub data_dir: PathBuf,

    /// Where clients connect: host:port, or the path of a unix socket.
    #[arg(long, default_value = "127.0.0.1:2379")]
    pub listen: Endpoint,

    /// Certificate of this server.
    #[arg(long)]
    pub cert_file: Option<PathBuf>,

    /// Its key.
    #[arg(long)]
    pub key_file: Option<PathBuf>,

    /// Authority of clients: with it, a client must show a certificate.
    #[arg(long)]
    pub trusted_ca_file: Option<PathBuf>,

    #[command(flatten)]
    pub health: HealthFlags,

    /// Snapshot to begin with when the data directory holds no store yet.
    #[arg(long)]
    pub initial_snapshot: Option<PathBuf>,

    /// Answers before data is on disk. For tests only.
    #[arg(long, hide = true)]
    pub unsafe_no_fsync: bool,
}

impl Options {
    /// What does not fit together, in words for the operator.
    pub fn problems(&self) -> Vec<String> {
        let mut out = Vec::new();
        if self.cert_file.is_some() != self.key_file.is_some() {
            out.push("--cert-file and --key-file must be specified together".to_owned());
        }
        if self.trusted_ca_file.is_some() && self.cert_file.is_none() {
            out.push("--trusted-ca-file needs --cert-file and --key-file".to_owned());
        }
        out
    }

    pub(crate) fn engine(&self) -> EngineOptions {
        EngineOptions {
            unsafe_no_fsync: self.unsafe_no_fsync,
            ..EngineOptions::default()
        }
    }

    /// None: clients connect without TLS.
    pub(crate) fn tls(&self) -> Result<Option<Arc<ServerTls>>, tls::Error> {
        let (Some(cert), Some(key)) = (self.cert_file.clone(), self.key_file.clone()) else {
            return Ok(None);
        };
        let client_ca = self.trusted_ca_file.clone();
        let auth = match client_ca {
            Some(_) => ClientAuth::Require,
            None => ClientAuth::None,
        };
        let files = ServerFiles {
            cert,
            key,
            client_ca,
        };
        Ok(Some(Arc::new(ServerTls::new(files, auth, &[ALPN_H2])?)))
    }
}
