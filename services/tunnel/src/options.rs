//! Flags of the process; those of kube-apiserver's tunneler keep their names.

use std::{path::PathBuf, sync::Arc, time::Duration};

use catena_runtime::{
    flags,
    net::Endpoint,
    pki::{PROCESS_PREFIX, Pki},
    tls::{ALPN_H2, ALPN_HTTP11, ClientAuth, ServerFiles, ServerTls},
};

use crate::{
    accept::{Admits, Guard},
    discover::Addresses,
    installer::{Installer, Webhook},
    limits,
    node::NodeSpec,
    reverse::wire,
    ssh::{HostKeys, Identity, Settings},
    target::Target,
};

/// The tunnel process.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Options {
    /// Where gRPC clients dial: host:port, or the path of a unix socket.
    #[arg(long)]
    pub listen: Option<Endpoint>,

    /// Where HTTP CONNECT clients dial: host:port, or the path of a unix socket.
    #[arg(long)]
    pub listen_connect: Option<Endpoint>,

    /// Where agents of nodes dial in (catena tunnel agent): host:port.
    #[arg(long)]
    pub listen_agents: Option<Endpoint>,

    /// Authority of the nodes' certificates, instead of that of --pki-dir.
    #[arg(long)]
    pub agent_client_ca_file: Option<PathBuf>,

    /// Replicas of this process that agents are to connect to. 0: as many as
    /// their --server resolves to.
    #[arg(long, default_value_t = 0)]
    pub replicas: u32,

    /// Where health and metrics are served, without TLS.
    #[arg(long, default_value = "127.0.0.1:8134")]
    pub listen_http: Endpoint,

    /// Directory of certificates for clients over TCP; what is missing in it is made.
    #[arg(long)]
    pub pki_dir: Option<PathBuf>,

    /// Certificate of this process, instead of one of --pki-dir.
    #[arg(long)]
    pub tls_cert_file: Option<PathBuf>,

    /// Its key.
    #[arg(long)]
    pub tls_private_key_file: Option<PathBuf>,

    /// Authority of the clients.
    #[arg(long)]
    pub internal_ca_file: Option<PathBuf>,

    /// Names in certificates of the clients that may dial.
    #[arg(long, value_delimiter = ',', default_values_t = clients())]
    pub allowed_client_names: Vec<String>,

    /// User on the nodes.
    #[arg(long)]
    pub ssh_user: Option<String>,

    /// Private key; made when it is missing, with the public key beside it in
    /// .pub. A certificate beside it in -cert.pub is shown first.
    #[arg(long)]
    pub ssh_keyfile: Option<PathBuf>,

    /// Socket of an ssh-agent whose keys are tried, after that of --ssh-keyfile.
    #[arg(long)]
    pub ssh_agent: Option<PathBuf>,

    /// Host keys of the nodes and authorities of host keys (@cert-authority),
    /// in OpenSSH's format.
    #[arg(long)]
    pub ssh_known_hosts: Option<PathBuf>,

    /// Believes any host key, as kube-apiserver did: who can take a node's
    /// address can then read and change what goes through the tunnel.
    #[arg(long)]
    pub ssh_insecure_ignore_host_key: bool,

    /// Command that brings the key to the nodes, run every five minutes with
    /// the user and the line of authorized_keys as arguments.
    #[arg(long)]
    pub ssh_key_installer_command: Option<PathBuf>,

    /// Web hook that brings the key to the nodes in place of a command: an
    /// https URL that JSON with user and authorizedKey is posted to.
    #[arg(long)]
    pub ssh_key_installer_webhook: Option<String>,

    /// Authority of the web hook's certificate.
    #[arg(long)]
    pub ssh_key_installer_webhook_ca_file: Option<PathBuf>,

    /// Port of sshd where none is given.
    #[arg(long, default_value_t = 22)]
    pub ssh_port: u16,

    /// A node: [name=]host[:port] of its sshd. May be repeated.
    #[arg(long, value_delimiter = ',')]
    pub node: Vec<String>,

    /// API server whose nodes are connected to.
    #[arg(long)]
    pub kubeconfig: Option<PathBuf>,

    /// Types of node addresses, the best first.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "ExternalIP,InternalIP,Hostname"
    )]
    pub preferred_address_types: Vec<String>,

    /// The kubelet's healthz as the node sees it.
    #[arg(long, default_value = "127.0.0.1:10248")]
    pub healthz: String,

    /// Seconds between health checks of a node.
    #[arg(long, default_value_t = limits::HEALTH_EVERY.as_secs())]
    pub health_interval_seconds: u64,
}

fn clients() -> [String; 3] {
    ["aggregator", "core", "extensions"].map(|p| format!("{PROCESS_PREFIX}{p}"))
}

/// kube-apiserver's bound on the name.
const USER: usize = 32;
/// Each replica has a session of each node.
pub(crate) const REPLICAS: u32 = 64;

fn when(out: &mut Vec<String>, wrong: bool, why: &str) {
    if wrong {
        out.push(why.to_owned());
    }
}

impl Options {
    /// Whether nodes are connected to; else they only dial in.
    fn connects(&self) -> bool {
        let ssh = [
            self.ssh_user.is_some(),
            self.ssh_keyfile.is_some(),
            self.ssh_agent.is_some(),
            self.ssh_known_hosts.is_some(),
            self.ssh_insecure_ignore_host_key,
            self.listen_agents.is_none(),
        ];
        ssh.contains(&true)
    }

    /// What does not fit together, in words for the operator.
    pub fn problems(&self) -> Vec<String> {
        let mut out = self.problems_of_listeners();
        if self.connects() {
            out.extend(self.problems_of_ssh());
        }
        when(
            &mut out,
            self.ssh_key_installer_command.is_some() && self.ssh_keyfile.is_none(),
            "--ssh-key-installer-command needs --ssh-keyfile",
        );
        when(
            &mut out,
            self.ssh_key_installer_webhook.is_some() && self.ssh_keyfile.is_none(),
            "--ssh-key-installer-webhook needs --ssh-keyfile",
        );
        when(
            &mut out,
            self.ssh_key_installer_webhook.is_some() && self.ssh_key_installer_command.is_some(),
            "--ssh-key-installer-webhook and --ssh-key-installer-command exclude each other",
        );
        when(
            &mut out,
            self.ssh_key_installer_webhook.is_some()
                != self.ssh_key_installer_webhook_ca_file.is_some(),
            "--ssh-key-installer-webhook and --ssh-key-installer-webhook-ca-file must be specified together",
        );
        when(
            &mut out,
            self.preferred_address_types
                .iter()
                .any(|t| !TYPES.contains(&t.as_str())),
            "--preferred-address-types must be of ExternalIP, InternalIP, Hostname, ExternalDNS and InternalDNS",
        );
        when(
            &mut out,
            !(1..=86_400).contains(&self.health_interval_seconds),
            "--health-interval-seconds must be from 1 to 86400",
        );
        if let Err(e) = Target::parse(&self.healthz) {
            out.push(format!("--healthz {:?}: {}", self.healthz, e.reason));
        }
        let hook = self
            .ssh_key_installer_webhook
            .as_deref()
            .map(Webhook::parse);
        out.extend(hook.and_then(Result::err));
        out.extend(self.node.iter().filter_map(|n| self.parse_node(n).err()));
        out
    }

    fn problems_of_listeners(&self) -> Vec<String> {
        let mut out = Vec::new();
        when(
            &mut out,
            self.listen.is_none() && self.listen_connect.is_none(),
            "--listen or --listen-connect must be specified",
        );
        let files = [
            &self.tls_cert_file,
            &self.tls_private_key_file,
            &self.internal_ca_file,
        ];
        let given = files.iter().filter(|f| f.is_some()).count();
        when(
            &mut out,
            given != 0 && given != files.len(),
            "--tls-cert-file, --tls-private-key-file and --internal-ca-file must be specified together",
        );
        let tcp = [&self.listen, &self.listen_connect, &self.listen_agents]
            .iter()
            .any(|l| matches!(l, Some(Endpoint::Host(..))));
        when(
            &mut out,
            tcp && given == 0 && self.pki_dir.is_none(),
            "to listen on TCP, --pki-dir or --tls-cert-file, --tls-private-key-file and --internal-ca-file must be specified",
        );
        when(
            &mut out,
            matches!(self.listen_agents, Some(Endpoint::Unix(_))),
            "--listen-agents must be host:port: agents prove themselves by a certificate",
        );
        when(
            &mut out,
            self.listen_agents.is_some()
                && self.agent_client_ca_file.is_none()
                && self.pki_dir.is_none(),
            "--listen-agents needs --agent-client-ca-file or --pki-dir",
        );
        when(
            &mut out,
            self.replicas > REPLICAS,
            "--replicas must not be above 64",
        );
        out
    }

    fn problems_of_ssh(&self) -> Vec<String> {
        let mut out = Vec::new();
        when(
            &mut out,
            self.node.is_empty() && self.kubeconfig.is_none(),
            "--node or --kubeconfig must be specified",
        );
        when(
            &mut out,
            self.ssh_user
                .as_ref()
                .is_none_or(|u| u.is_empty() || u.len() > USER),
            "--ssh-user must be specified, with at most 32 characters",
        );
        when(
            &mut out,
            self.ssh_keyfile.is_none() && self.ssh_agent.is_none(),
            "--ssh-keyfile or --ssh-agent must be specified",
        );
        when(
            &mut out,
            self.ssh_known_hosts.is_some() == self.ssh_insecure_ignore_host_key,
            "one of --ssh-known-hosts and --ssh-insecure-ignore-host-key must be specified",
        );
        out
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            user: self.ssh_user.clone().unwrap_or_default(),
            identity: Identity {
                keyfile: self.ssh_keyfile.clone(),
                agent: self.ssh_agent.clone(),
            },
            hosts: match &self.ssh_known_hosts {
                Some(path) => HostKeys::Known(path.clone()),
                None => HostKeys::Unchecked,
            },
        }
    }

    /// What brings the key to the nodes, if anything does.
    pub(crate) fn installer(&self) -> anyhow::Result<Option<Installer>> {
        if let Some(command) = &self.ssh_key_installer_command {
            return Ok(Some(Installer::Command(command.clone())));
        }
        let (Some(url), Some(ca)) = (
            &self.ssh_key_installer_webhook,
            &self.ssh_key_installer_webhook_ca_file,
        ) else {
            return Ok(None);
        };
        // Shown to a hook that asks who calls.
        let own = self.identity().ok().map(|files| (files.cert, files.key));
        let hook = Webhook::new(url, ca, own)?;
        Ok(Some(Installer::Webhook(Box::new(hook))))
    }

    /// The nodes of `--node`.
    pub(crate) fn nodes(&self) -> Result<Vec<NodeSpec>, String> {
        self.node.iter().map(|n| self.parse_node(n)).collect()
    }

    fn parse_node(&self, text: &str) -> Result<NodeSpec, String> {
        let (name, address) = match text.split_once('=') {
            Some((name, address)) => (Some(name), address),
            None => (None, text),
        };
        let ssh = Target::parse(address)
            .or_else(|_| Target::parse(&format!("{address}:{}", self.ssh_port)))
            .map_err(|_| format!("--node {text:?}: [name=]host[:port] is expected"))?;
        let name = name.map_or_else(|| ssh.host.clone(), str::to_owned);
        if name.is_empty() {
            return Err(format!("--node {text:?}: the name is empty"));
        }
        let mut hosts = vec![name.clone()];
        if ssh.host != name {
            hosts.push(ssh.host.clone());
        }
        let ssh = self.connects().then_some(ssh);
        Ok(NodeSpec { name, ssh, hosts })
    }

    pub(crate) fn addresses(&self) -> Addresses {
        Addresses {
            types: self.preferred_address_types.clone(),
            ssh_port: self.connects().then_some(self.ssh_port),
        }
    }

    pub(crate) fn health_every(&self) -> Duration {
        Duration::from_secs(self.health_interval_seconds)
    }

    /// What a client must show at `listen`. None on a unix socket, whose mode
    /// says who may connect.
    pub(crate) fn guard(&self, listen: &Endpoint, h2: bool) -> anyhow::Result<Option<Guard>> {
        if matches!(listen, Endpoint::Unix(_)) {
            return Ok(None);
        }
        let files = self.identity()?;
        let alpn = if h2 { ALPN_H2 } else { ALPN_HTTP11 };
        Ok(Some(Guard {
            tls: Arc::new(ServerTls::new(files, ClientAuth::Require, &[alpn])?),
            admits: Admits::Names(self.allowed_client_names.clone().into()),
        }))
    }

    /// What an agent must show.
    pub(crate) fn guard_of_agents(&self) -> anyhow::Result<Guard> {
        let ca = match (&self.agent_client_ca_file, &self.pki_dir) {
            (Some(ca), _) => Some(ca.clone()),
            (None, Some(dir)) => Some(Pki::open(dir)?.ca()?),
            (None, None) => None,
        };
        let files = ServerFiles {
            client_ca: ca,
            ..self.identity()?
        };
        Ok(Guard {
            tls: Arc::new(ServerTls::new(files, ClientAuth::Require, &[wire::ALPN])?),
            admits: Admits::Nodes,
        })
    }

    fn identity(&self) -> anyhow::Result<ServerFiles> {
        flags::identity(
            "tunnel",
            self.pki_dir.as_ref(),
            (&self.tls_cert_file, &self.tls_private_key_file),
            &self.internal_ca_file,
        )
    }

    /// Whether every node that proves its name may dial in; else those that
    /// are listed.
    pub(crate) fn open(&self) -> bool {
        self.node.is_empty() && self.kubeconfig.is_none()
    }
}

const TYPES: [&str; 5] = [
    "ExternalIP",
    "InternalIP",
    "Hostname",
    "ExternalDNS",
    "InternalDNS",
];
