//! Where the kubelet of a node is, and how it is believed
//! (`pkg/kubelet/client/kubelet_client.go`).

use std::{path::PathBuf, sync::Arc};

use catena_objects::{Status, Value};
use catena_runtime::tls::{ALPN_HTTP11, ClientTls};

use super::target::{Security, Target};

/// Flags of the connections to kubelets.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct KubeletFlags {
    /// Client certificate for kubelets.
    #[arg(long)]
    pub kubelet_client_certificate: Option<PathBuf>,

    /// Its key.
    #[arg(long)]
    pub kubelet_client_key: Option<PathBuf>,

    /// Authorities of kubelets; without any, every kubelet is believed.
    #[arg(long)]
    pub kubelet_certificate_authority: Option<PathBuf>,

    /// Types of node addresses, the preferred one first.
    #[arg(long, value_delimiter = ',', default_value = PREFERRED)]
    pub kubelet_preferred_address_types: Vec<String>,

    /// Port of kubelets that do not report theirs.
    #[arg(long, default_value_t = 10250)]
    pub kubelet_port: u16,
}

const PREFERRED: &str = "Hostname,InternalDNS,InternalIP,ExternalDNS,ExternalIP";

impl Default for KubeletFlags {
    fn default() -> Self {
        Self {
            kubelet_client_certificate: None,
            kubelet_client_key: None,
            kubelet_certificate_authority: None,
            kubelet_preferred_address_types: PREFERRED.split(',').map(str::to_owned).collect(),
            kubelet_port: 10250,
        }
    }
}

impl KubeletFlags {
    /// What is wrong with the values, all at once.
    pub fn problems(&self) -> Vec<String> {
        let pair = (&self.kubelet_client_certificate, &self.kubelet_client_key);
        if pair.0.is_some() == pair.1.is_some() {
            return Vec::new();
        }
        let text = "--kubelet-client-certificate and --kubelet-client-key belong together";
        vec![text.to_owned()]
    }
}

pub(crate) struct Kubelets {
    flags: KubeletFlags,
    /// With the flags' authorities, and without any.
    verified: Arc<ClientTls>,
    unverified: Arc<ClientTls>,
}

impl Kubelets {
    /// # Errors
    /// When a file of the flags cannot be read.
    pub(crate) fn new(flags: KubeletFlags) -> Result<Self, Status> {
        let identity = flags
            .kubelet_client_certificate
            .clone()
            .zip(flags.kubelet_client_key.clone());
        let client = |ca: Option<PathBuf>| {
            ClientTls::new(ca, identity.clone(), &[ALPN_HTTP11])
                .map(Arc::new)
                .map_err(|e| Status::internal(format!("connections to kubelets: {e}")))
        };
        Ok(Self {
            verified: client(flags.kubelet_certificate_authority.clone())?,
            unverified: client(None)?,
            flags,
        })
    }

    /// The kubelet of a node; `insecure`: the client does not want it verified.
    pub(super) fn of(&self, node: &Value, insecure: bool) -> Result<Target, Status> {
        let tls = if insecure {
            &self.unverified
        } else {
            &self.verified
        };
        tls.refresh();
        Ok(Target {
            security: Security::Tls(tls.config()),
            host: self.address(node)?,
            port: self.port(node),
        })
    }

    /// For pods and services that speak TLS: nobody knows their authorities.
    pub(super) fn any_tls(&self) -> Security {
        Security::Tls(self.unverified.config())
    }

    fn address(&self, node: &Value) -> Result<String, Status> {
        let addresses = node.items_at(&["status", "addresses"]);
        for wanted in &self.flags.kubelet_preferred_address_types {
            if let Some(a) = addresses.iter().find(|a| a.str_at(&["type"]) == wanted) {
                return Ok(a.str_at(&["address"]).to_owned());
            }
        }
        let known: Vec<&str> = addresses.iter().map(|a| a.str_at(&["type"])).collect();
        Err(Status::internal(format!(
            "no preferred addresses found; known addresses: {known:?}"
        )))
    }

    fn port(&self, node: &Value) -> u16 {
        node.i64_at(&["status", "daemonEndpoints", "kubeletEndpoint", "Port"])
            .and_then(|port| u16::try_from(port).ok())
            .filter(|port| *port > 0)
            .unwrap_or(self.flags.kubelet_port)
    }
}
