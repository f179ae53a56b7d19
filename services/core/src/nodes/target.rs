//! What is connected to.

use std::{net::IpAddr, sync::Arc, time::Duration};

use catena_egress::{Egress, authority};
use catena_objects::Status;
use catena_runtime::net::Io;
use catena_telemetry::trace;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio_rustls::TlsConnector;

/// Bound on the handshake of a connection that stands.
const HANDSHAKE: Duration = Duration::from_secs(10);

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
        authority(&self.host, self.port)
    }

    /// Users must not reach what only this host should reach.
    pub(super) fn check_address(&self) -> Result<(), Status> {
        match self.host.parse::<IpAddr>() {
            Ok(ip) if !is_global_unicast(ip) => Err(Status::bad_request("address not allowed")),
            _ => Ok(()),
        }
    }

    /// A connection; the error reads as Go's.
    pub(super) async fn dial(&self, egress: &dyn Egress) -> Result<Box<dyn Io>, String> {
        let span = trace::span("dial");
        span.set("server.address", || self.authority());
        let dialed = span.clone().run(self.connect(egress)).await;
        span.result(&dialed);
        dialed
    }

    async fn connect(&self, egress: &dyn Egress) -> Result<Box<dyn Io>, String> {
        let io = egress
            .dial(&self.host, self.port)
            .await
            .map_err(|e| e.to_string())?;
        let Security::Tls(config) = &self.security else {
            return Ok(io);
        };
        let name = ServerName::try_from(self.host.clone()).map_err(|e| e.to_string())?;
        let shaken = TlsConnector::from(config.clone()).connect(name, io);
        let stream = tokio::time::timeout(HANDSHAKE, shaken)
            .await
            .map_err(|_| "net/http: TLS handshake timeout".to_owned())?
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
