//! `EgressSelectorConfiguration` of `apiserver.k8s.io`.

mod decode;
mod validate;

use std::path::Path;

pub(crate) use decode::decode;
pub(crate) use validate::validate;

/// The file, as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Configuration {
    pub(crate) selections: Vec<Selection>,
}

/// How connections of one kind are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) name: String,
    pub(crate) protocol: String,
    pub(crate) transport: Option<Transports>,
}

/// Ways to a proxy server; one of them is to be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Transports {
    pub(crate) tcp: Option<TcpTransport>,
    /// Path of a socket.
    pub(crate) uds: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TcpTransport {
    pub(crate) url: String,
    pub(crate) tls: Option<TlsFiles>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    pub(crate) ca_bundle: String,
    pub(crate) client_key: String,
    pub(crate) client_cert: String,
    pub(crate) server_name: String,
}

/// The one way that is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp(TcpTransport),
    Uds(String),
}

impl Transports {
    /// `None` where neither is there. The socket goes first, as upstream has it.
    pub(crate) fn chosen(&self) -> Option<Transport> {
        let uds = self.uds.clone().map(Transport::Uds);
        uds.or_else(|| self.tcp.clone().map(Transport::Tcp))
    }
}

/// Reads and checks a file.
///
/// # Errors
/// Everything that is wrong with it, worded as kube-apiserver words it.
pub(crate) fn read(path: &Path) -> Result<Configuration, String> {
    let bytes = std::fs::read(path).map_err(|e| {
        let path = path.display();
        format!(
            "failed to read egress selector config: unable to read egress selector configuration from \"{path}\" [{e}]"
        )
    })?;
    let config =
        decode(&bytes).map_err(|why| format!("failed to read egress selector config: {why}"))?;
    let errors = validate(&config);
    if errors.is_empty() {
        return Ok(config);
    }
    Err(format!(
        "failed to validate egress selector configuration: {}",
        errors.aggregate()
    ))
}
