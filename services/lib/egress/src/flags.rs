//! Flags that choose the way of connections.

use std::{path::PathBuf, sync::Arc};

use catena_runtime::{net::Endpoint, pki::process_server_name};

use crate::{
    EgressSelector, NetworkContext, authority,
    config::{self, TcpTransport, TlsFiles, Transport},
    proxied::{Protocol, Proxied},
};

/// How nodes, pods, services and remote API servers are reached.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct EgressFlags {
    /// File with the egress selector configuration (konnectivity); without it connections are made directly.
    #[arg(long)]
    pub egress_selector_config_file: Option<PathBuf>,

    /// Where the process tunnel listens, which makes the connections through SSH: host:port, or the path of a unix socket.
    #[arg(long)]
    pub proxy_ssh_tunnel: Option<Endpoint>,

    /// Authority of the tunnel, over TCP.
    #[arg(long)]
    pub proxy_ssh_tunnel_ca_file: Option<PathBuf>,

    /// Certificate shown to it.
    #[arg(long)]
    pub proxy_ssh_tunnel_client_certificate: Option<PathBuf>,

    /// Its key.
    #[arg(long)]
    pub proxy_ssh_tunnel_client_key: Option<PathBuf>,
}

impl EgressFlags {
    /// What is wrong with the values, all at once.
    pub fn problems(&self) -> Vec<String> {
        let mut out = Vec::new();
        if let Some(file) = &self.egress_selector_config_file {
            if !file.exists() {
                let file = file.display();
                out.push(format!("egress-selector-config-file {file} does not exist"));
            }
            if self.proxy_ssh_tunnel.is_some() {
                let why = "--proxy-ssh-tunnel and --egress-selector-config-file exclude each other";
                out.push(why.to_owned());
            }
        }
        let files = self.tunnel_files().iter().flatten().count();
        let over_tcp = matches!(self.proxy_ssh_tunnel, Some(Endpoint::Host(..)));
        if over_tcp && files != 3 {
            out.push("--proxy-ssh-tunnel with host:port needs --proxy-ssh-tunnel-ca-file, --proxy-ssh-tunnel-client-certificate and --proxy-ssh-tunnel-client-key".to_owned());
        }
        if !over_tcp && files != 0 {
            out.push("--proxy-ssh-tunnel-ca-file, --proxy-ssh-tunnel-client-certificate and --proxy-ssh-tunnel-client-key are for --proxy-ssh-tunnel with host:port".to_owned());
        }
        out
    }

    /// The same flags, for another process.
    pub fn args(&self) -> Vec<String> {
        let [ca, cert, key] = self.tunnel_files();
        let file = |flag: &str, path: Option<&PathBuf>| {
            path.map(|path| format!("--{flag}={}", path.display()))
        };
        let selector = self.egress_selector_config_file.as_ref();
        let tunnel = self.proxy_ssh_tunnel.as_ref();
        let all = [
            file("egress-selector-config-file", selector),
            tunnel.map(|at| {
                let scheme = match at {
                    Endpoint::Unix(_) => "unix://",
                    Endpoint::Host(..) => "",
                };
                format!("--proxy-ssh-tunnel={scheme}{at}")
            }),
            file("proxy-ssh-tunnel-ca-file", ca),
            file("proxy-ssh-tunnel-client-certificate", cert),
            file("proxy-ssh-tunnel-client-key", key),
        ];
        all.into_iter().flatten().collect()
    }

    /// Authority, certificate and key.
    fn tunnel_files(&self) -> [Option<&PathBuf>; 3] {
        [
            self.proxy_ssh_tunnel_ca_file.as_ref(),
            self.proxy_ssh_tunnel_client_certificate.as_ref(),
            self.proxy_ssh_tunnel_client_key.as_ref(),
        ]
    }

    fn tunnel(&self, endpoint: &Endpoint) -> Result<Proxied, String> {
        let transport = match endpoint {
            Endpoint::Unix(path) => Transport::Uds(path.display().to_string()),
            Endpoint::Host(host, port) => {
                let text = |path: Option<&PathBuf>| {
                    path.map(|p| p.display().to_string()).unwrap_or_default()
                };
                let [ca, cert, key] = self.tunnel_files().map(text);
                Transport::Tcp(TcpTransport {
                    url: format!("https://{}", authority(host, *port)),
                    tls: Some(TlsFiles {
                        ca_bundle: ca,
                        client_cert: cert,
                        client_key: key,
                        server_name: process_server_name("tunnel"),
                    }),
                })
            }
        };
        Proxied::new(Protocol::Tunnel, &transport)
    }

    /// The ways that the flags choose.
    ///
    /// # Errors
    /// When a file cannot be read, or says what cannot be.
    pub fn selector(&self) -> anyhow::Result<EgressSelector> {
        if let Some(endpoint) = &self.proxy_ssh_tunnel {
            let tunnel = self
                .tunnel(endpoint)
                .map_err(|why| anyhow::anyhow!("--proxy-ssh-tunnel {endpoint}: {why}"))?;
            let selector = EgressSelector::default();
            return Ok(selector.with(NetworkContext::Cluster, Arc::new(tunnel)));
        }
        let Some(file) = &self.egress_selector_config_file else {
            return Ok(EgressSelector::default());
        };
        let config = config::read(file).map_err(anyhow::Error::msg)?;
        EgressSelector::new(&config)
            .map_err(|why| anyhow::anyhow!("failed to setup egress selector: {why}"))
    }
}
