//! The contract over gRPC.

pub mod client;
mod frames;
pub mod server;
#[cfg(test)]
mod tests;

use std::time::Duration;

/// Largest message in either direction: a body of a short request with its head.
pub(crate) const MAX_MESSAGE: usize = 16 << 20;
/// A whole body up to here goes in one item of a stream, a longer one in pieces of it.
pub(crate) const PIECE: usize = 1 << 20;
/// Windows: a large list must not wait for the reader's acknowledgement.
pub(crate) const STREAM_WINDOW: u32 = 4 << 20;
pub(crate) const CONNECTION_WINDOW: u32 = 16 << 20;
pub(crate) const FRAME: u32 = 1 << 20;
/// Room for `Status` in the trailers.
pub(crate) const HEADER_LIST: u32 = 1 << 20;
/// Every watch is a stream of its own.
pub(crate) const MAX_STREAMS: u32 = 100_000;
/// A peer that vanished is noticed after both.
pub(crate) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
pub(crate) const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Metadata of an answer: microseconds from the call to the answer, in the delegate.
pub(crate) const TOOK: &str = "catena-took";

/// Names of the calls' spans, as OpenTelemetry has them for gRPC.
pub(crate) mod names {
    pub(crate) const SERVE: &str = "catena.delegate.v1.Delegate/Serve";
    pub(crate) const SERVE_STREAM: &str = "catena.delegate.v1.Delegate/ServeStream";
    pub(crate) const UPGRADE: &str = "catena.delegate.v1.Delegate/Upgrade";
}
/// The calls whose messages [`frames`] reads and writes.
pub(crate) const SERVE: &str = "/catena.delegate.v1.Delegate/Serve";
pub(crate) const SERVE_STREAM: &str = "/catena.delegate.v1.Delegate/ServeStream";
pub(crate) const GRPC: http::HeaderValue = http::HeaderValue::from_static("application/grpc");
