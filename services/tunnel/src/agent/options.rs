//! Flags of the agent.

use std::{fs, path::PathBuf, sync::Arc};

use anyhow::Context as _;
use catena_runtime::{
    net::Endpoint,
    pki::process_server_name,
    tls::{ClientTls, names_in_pem},
};
use rustls_pki_types::ServerName;

use super::allow::Allowed;
use crate::{
    reverse::{Guest, wire},
    target::Target,
};

/// The agent on a node.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Options {
    /// Where the tunnel listens for agents: host:port. The name is resolved
    /// again and again, and every address is connected to. May be repeated.
    #[arg(long, value_delimiter = ',')]
    pub server: Vec<String>,

    /// Authority of the tunnel's certificate.
    #[arg(long)]
    pub server_ca_file: Option<PathBuf>,

    /// Name in the tunnel's certificate.
    #[arg(long, default_value_t = process_server_name("tunnel"))]
    pub server_name: String,

    /// Certificate that names this node: O=system:nodes, CN=system:node:<name>.
    /// A kubelet's client certificate is one. It may change while this runs.
    #[arg(long)]
    pub tls_cert_file: Option<PathBuf>,

    /// Its key; kubelets have both in one file.
    #[arg(long)]
    pub tls_private_key_file: Option<PathBuf>,

    /// What the control plane may connect to from here, with commas: self (this
    /// host's own addresses), any, an address or a range; each with :port if it
    /// is for one port only.
    #[arg(long, value_delimiter = ',', default_value = "self")]
    pub allow_target: Vec<String>,

    /// Where health and metrics are served, without TLS.
    #[arg(long, default_value = "127.0.0.1:8135")]
    pub listen_http: Endpoint,
}

impl Options {
    /// What does not fit together, in words for the operator.
    pub fn problems(&self) -> Vec<String> {
        let mut out = Vec::new();
        if self.server.is_empty() {
            out.push("--server must be specified".to_owned());
        }
        for server in &self.server {
            if Target::parse(server).is_err() {
                out.push(format!("--server {server:?}: host:port is expected"));
            }
        }
        if self.server_ca_file.is_none() {
            out.push("--server-ca-file must be specified".to_owned());
        }
        if self.tls_cert_file.is_none() || self.tls_private_key_file.is_none() {
            let why = "--tls-cert-file and --tls-private-key-file must be specified";
            out.push(why.to_owned());
        }
        if ServerName::try_from(self.server_name.as_str()).is_err() {
            let name = &self.server_name;
            out.push(format!("--server-name {name:?} is no name of a server"));
        }
        out.extend(self.allowed().err());
        out
    }

    pub(super) fn allowed(&self) -> Result<Allowed, String> {
        Allowed::parse(&self.allow_target)
    }

    pub(super) fn name_of_servers(&self) -> anyhow::Result<ServerName<'static>> {
        Ok(ServerName::try_from(self.server_name.clone())?)
    }

    /// # Errors
    /// When a file cannot be read, or the certificate is none of a node.
    pub(super) fn tls(&self) -> anyhow::Result<Arc<ClientTls>> {
        let missing = "certificate, key and authority are needed";
        let cert = self.tls_cert_file.clone().context(missing)?;
        let key = self.tls_private_key_file.clone().context(missing)?;
        let pem = fs::read(&cert).with_context(|| format!("--tls-cert-file {}", cert.display()))?;
        let node = names_in_pem(&pem)
            .and_then(|names| Guest::of(&names))
            .map_err(|why| anyhow::anyhow!("--tls-cert-file {}: {why}", cert.display()))?;
        tracing::info!(node = node.name, "this node");
        let ca = self.server_ca_file.clone();
        Ok(Arc::new(ClientTls::new(
            ca,
            Some((cert, key)),
            &[wire::ALPN],
        )?))
    }
}
