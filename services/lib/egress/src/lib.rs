//! Where connections to nodes, pods, services and remote API servers are made.
//!
//! The control plane may have no route to them. [`Egress`] hides how they are
//! reached: directly, through a proxy of the egress selector
//! (KEP-1281, konnectivity), or through the SSH connections of the tunnel.

mod config;
mod direct;
mod flags;
mod grpc;
mod http_connect;
mod konnectivity;
mod metrics;
mod pipe;
mod proxied;
mod selector;
mod server;
#[cfg(test)]
mod tests;
mod tunnel;
mod whole;

use async_trait::async_trait;
use catena_runtime::net::Io;

pub use direct::Direct;
pub use flags::EgressFlags;
pub use selector::{EgressSelector, NetworkContext};

/// Makes connections.
#[async_trait]
pub trait Egress: Send + Sync + 'static {
    /// A stream of bytes to a port of a host, which is a name or an address
    /// without brackets. Names are resolved where the connection is made. To drop
    /// the future gives the attempt up; every attempt ends within a minute.
    async fn dial(&self, host: &str, port: u16) -> Result<Box<dyn Io>, DialError>;
}

/// Why there is no connection, in the words that Go has for it: users know them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DialError(pub String);

/// `host:port`, with brackets around an IPv6 address.
pub fn authority(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}
