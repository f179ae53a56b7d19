//! Makes connections.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use catena_runtime::{
    net::{Corked, Io, connect_tcp, connect_unix},
    tls::ClientTls,
};
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

/// One replica: an address with the name under which it was found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    Tcp { host: String, addr: SocketAddr },
    Unix(PathBuf),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp { addr, .. } => write!(f, "{addr}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Opens a connection on which HTTP/2 is spoken at once.
#[async_trait]
pub trait Dial: Send + Sync + 'static {
    async fn dial(&self, address: &Address) -> io::Result<Box<dyn Io>>;
}

/// Dials over TLS, with the certificate of this process.
pub struct TlsDialer {
    tls: Arc<ClientTls>,
    /// The name in the certificate of every replica; the host when there is none.
    server_name: Option<ServerName<'static>>,
}

impl TlsDialer {
    /// # Errors
    /// When `server_name` is no name.
    pub fn new(tls: Arc<ClientTls>, server_name: Option<&str>) -> Result<Self, String> {
        let server_name = server_name
            .map(|n| {
                ServerName::try_from(n.to_owned())
                    .map_err(|_| format!("{n:?} is no name of a server"))
            })
            .transpose()?;
        Ok(Self { tls, server_name })
    }
}

#[async_trait]
impl Dial for TlsDialer {
    async fn dial(&self, address: &Address) -> io::Result<Box<dyn Io>> {
        let (io, host) = match address {
            Address::Tcp { host, addr } => (connect_tcp(*addr).await?, host.as_str()),
            Address::Unix(path) => (connect_unix(path).await?, "localhost"),
        };
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => ServerName::try_from(host.to_owned()).map_err(io::Error::other)?,
        };
        self.tls.refresh();
        let stream = TlsConnector::from(self.tls.config())
            .connect(name, io)
            .await?;
        Ok(Box::new(Corked::for_http2(stream)))
    }
}
