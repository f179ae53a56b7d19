//! What is connected to.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use catena_objects::Status;
use catena_runtime::net::Io;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Until a connection stands, TLS included.
const CONNECT: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub(super) enum Security {
    None,
    Tls(Arc<ClientConfig>),
}

#[derive(Clone)]
pub(super) struct Target {
    pub(super) security: Security,
    pub(super) host: String,
    pub(super) port: u16,
}

impl Target {
    pub(super) fn scheme(&self) -> &'static str {
        match self.security {
            Security::None => "http",
            Security::Tls(_) => "https",
        }
    }

    /// `host:port`, brackets around an IPv6 address.
    pub(super) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Users must not reach what only this host should reach.
    pub(super) fn check_address(&self) -> Result<(), Status> {
        match self.host.parse::<IpAddr>() {
            Ok(ip) if !is_global_unicast(ip) => Err(Status::bad_request("address not allowed")),
            _ => Ok(()),
        }
    }

    /// A connection; the error reads as Go's.
    pub(super) async fn dial(&self) -> Result<Box<dyn Io>, String> {
        let named = |why: &str| format!("dial tcp {}: {why}", self.authority());
        let connected = tokio::time::timeout(CONNECT, async {
            let stream = TcpStream::connect((self.host.as_str(), self.port))
                .await
                .map_err(|e| named(&text(&e)))?;
            stream.set_nodelay(true).map_err(|e| named(&text(&e)))?;
            self.secure(stream).await
        });
        connected
            .await
            .unwrap_or_else(|_| Err(named("i/o timeout")))
    }

    async fn secure(&self, stream: TcpStream) -> Result<Box<dyn Io>, String> {
        let Security::Tls(config) = &self.security else {
            return Ok(Box::new(stream));
        };
        let name = ServerName::try_from(self.host.clone()).map_err(|e| e.to_string())?;
        let connector = TlsConnector::from(config.clone());
        let stream = connector
            .connect(name, stream)
            .await
            .map_err(|e| format!("tls: failed to verify certificate: {e}"))?;
        Ok(Box::new(stream))
    }
}

/// `net.IP.IsGlobalUnicast`.
fn is_global_unicast(ip: IpAddr) -> bool {
    let link_local = match ip {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    !(link_local || ip.is_unspecified() || ip.is_loopback() || ip.is_multicast())
}

fn text(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::ConnectionRefused => "connect: connection refused".to_owned(),
        io::ErrorKind::HostUnreachable => "connect: no route to host".to_owned(),
        io::ErrorKind::NetworkUnreachable => "connect: network is unreachable".to_owned(),
        io::ErrorKind::TimedOut => "i/o timeout".to_owned(),
        _ => e.to_string(),
    }
}
