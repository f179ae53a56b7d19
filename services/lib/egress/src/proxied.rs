//! Connections through a proxy server.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use catena_runtime::{net::Io, tls::ALPN_H2};
use catena_telemetry::trace;

use crate::{
    DialError, Egress, authority, config::Transport, http_connect, konnectivity, metrics::Labels,
    server::Server, tunnel,
};

/// Until a proxy server that was reached has made its connection.
const PROXY: Duration = Duration::from_secs(30);

/// What a proxy server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    HttpConnect,
    Grpc,
    /// Catena's own, of the process `tunnel`.
    Tunnel,
}

impl Protocol {
    fn label(self) -> &'static str {
        match self {
            Self::HttpConnect => "http_connect",
            Self::Grpc => "grpc",
            Self::Tunnel => "tunnel",
        }
    }
}

/// Dials through a proxy server.
pub(crate) struct Proxied {
    protocol: Protocol,
    server: Server,
}

impl Proxied {
    /// # Errors
    /// When the address of the server or one of its files cannot be used.
    pub(crate) fn new(protocol: Protocol, transport: &Transport) -> Result<Self, String> {
        let alpn: &[&[u8]] = match protocol {
            Protocol::HttpConnect => &[],
            Protocol::Grpc | Protocol::Tunnel => &[ALPN_H2],
        };
        let server = Server::new(transport, alpn)?;
        Ok(Self { protocol, server })
    }

    async fn open(&self, io: Box<dyn Io>, target: &str) -> Result<Box<dyn Io>, String> {
        match self.protocol {
            Protocol::HttpConnect => http_connect::open(io, &self.server.address(), target).await,
            Protocol::Grpc => konnectivity::open(io, target).await,
            Protocol::Tunnel => tunnel::open(io, target).await,
        }
    }

    async fn measured(&self, target: &str) -> Result<Box<dyn Io>, String> {
        let labels = Labels(self.protocol.label(), self.server.transport());
        let start = Instant::now();
        labels.started();
        let connected = self.server.connect().await;
        let io = connected.inspect_err(|_| labels.failed("connect"))?;
        let opened = tokio::time::timeout(PROXY, self.open(io, target))
            .await
            .unwrap_or_else(|_| Err(format!("dial tcp {target}: i/o timeout")));
        let io = opened.inspect_err(|_| labels.failed("proxy"))?;
        labels.stands_after(start.elapsed());
        Ok(io)
    }
}

#[async_trait]
impl Egress for Proxied {
    async fn dial(&self, host: &str, port: u16) -> Result<Box<dyn Io>, DialError> {
        let target = authority(host, port);
        let span = trace::span("proxied dial");
        span.set("protocol", || self.protocol.label());
        span.set("transport", || self.server.transport());
        span.set("address", || target.clone());
        let dialed = span.clone().run(self.measured(&target)).await;
        span.result(&dialed);
        dialed.map_err(DialError)
    }
}
