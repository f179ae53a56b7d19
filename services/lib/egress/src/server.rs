//! How a proxy server is reached.

use std::path::{Path, PathBuf};

use catena_runtime::{net::Io, tls::ClientTls};
use rustls_pki_types::ServerName;
use tokio_rustls::TlsConnector;

use crate::{
    authority,
    config::{TcpTransport, TlsFiles, Transport},
    direct,
};

/// Roots of the system, where Go looks for them.
const ROOTS: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// A proxy server.
pub(crate) enum Server {
    Unix(PathBuf),
    Tcp {
        host: String,
        port: u16,
        tls: Option<Tls>,
    },
}

pub(crate) struct Tls {
    client: ClientTls,
    name: ServerName<'static>,
}

impl Server {
    /// # Errors
    /// When the address is none, or a file cannot be used.
    pub(crate) fn new(transport: &Transport, alpn: &[&[u8]]) -> Result<Self, String> {
        match transport {
            Transport::Uds(path) => Ok(Self::Unix(path.into())),
            Transport::Tcp(tcp) => Self::tcp(tcp, alpn),
        }
    }

    fn tcp(tcp: &TcpTransport, alpn: &[&[u8]]) -> Result<Self, String> {
        let failed = |why: String| format!("invalid proxy server url {:?}: {why}", tcp.url);
        let url: http::Uri = tcp.url.parse().map_err(|e| failed(format!("{e}")))?;
        let host = url.host().ok_or_else(|| failed("no host".to_owned()))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let usual = if url.scheme_str() == Some("https") {
            443
        } else {
            80
        };
        let tls = match &tcp.tls {
            None => None,
            Some(files) => Some(Tls::new(files, host, alpn)?),
        };
        Ok(Self::Tcp {
            host: host.to_owned(),
            port: url.port_u16().unwrap_or(usual),
            tls,
        })
    }

    /// As errors name it.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Unix(path) => path.display().to_string(),
            Self::Tcp { host, port, .. } => authority(host, *port),
        }
    }

    /// `tcp` or `uds`, for metrics.
    pub(crate) fn transport(&self) -> &'static str {
        match self {
            Self::Unix(_) => "uds",
            Self::Tcp { .. } => "tcp",
        }
    }

    pub(crate) async fn connect(&self) -> Result<Box<dyn Io>, String> {
        match self {
            Self::Unix(path) => direct::unix(path).await,
            Self::Tcp { host, port, tls } => {
                let io = direct::tcp(host, *port).await?;
                match tls {
                    Some(tls) => tls.secure(io).await,
                    None => Ok(io),
                }
            }
        }
    }
}

impl Tls {
    fn new(files: &TlsFiles, host: &str, alpn: &[&[u8]]) -> Result<Self, String> {
        let name = match files.server_name.as_str() {
            "" => host,
            name => name,
        };
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| format!("{name:?} is no name of a server"))?;
        let authorities = match files.ca_bundle.as_str() {
            "" => roots().ok_or("caBundle is not set, and the system has no roots")?,
            bundle => bundle.into(),
        };
        let identity = (
            PathBuf::from(&files.client_cert),
            PathBuf::from(&files.client_key),
        );
        let client = ClientTls::new(authorities, Some(identity), alpn).map_err(|e| {
            let (cert, key) = (&files.client_cert, &files.client_key);
            format!("failed to read key pair {cert} & {key}, or the authority: {e}")
        })?;
        Ok(Self { client, name })
    }

    async fn secure(&self, io: Box<dyn Io>) -> Result<Box<dyn Io>, String> {
        self.client.refresh();
        let connector = TlsConnector::from(self.client.config());
        let shaken = connector.connect(self.name.clone(), io);
        let stream = tokio::time::timeout(direct::CONNECT, shaken)
            .await
            .map_err(|_| "net/http: TLS handshake timeout".to_owned())?
            .map_err(|e| format!("tls: {e}"))?;
        Ok(Box::new(stream))
    }
}

fn roots() -> Option<PathBuf> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let known = ROOTS.iter().map(Path::new).find(|p| p.exists());
    named.or_else(|| known.map(Path::to_owned))
}
