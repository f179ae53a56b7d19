//! The delegation contract: what a server of the chain asks of the next one.
//!
//! One trait; implementations are [`Local`] (same process), [`grpc`] and test
//! doubles. A process that forwards implements the same trait.

mod event;
pub mod grpc;
mod local;
mod request;
mod response;
#[cfg(feature = "test-util")]
pub mod testing;
mod wire;

pub use event::{Event, EventKind, EventStream, joined};
pub use local::Local;
pub use request::*;
pub use response::*;

use async_trait::async_trait;
use bytes::Bytes;
use catena_objects::Status;
use futures_util::stream::BoxStream;

/// Whole or streamed bytes of a body.
pub type ByteStream = BoxStream<'static, Result<Bytes, Status>>;

#[async_trait]
pub trait Delegate: Send + Sync + 'static {
    /// Answers a request, or says that it is someone else's. An `Err` is a
    /// failure to reach or run the delegate and never a 404.
    async fn serve(&self, request: Request) -> Result<Outcome, Status>;

    /// A request that becomes a raw byte stream in both directions (exec,
    /// attach, port-forward, proxied upgrades). `input` carries the bytes of the client.
    async fn upgrade(&self, request: Request, input: ByteStream) -> Result<Outcome, Status>;

    /// What this server claims; the first item at once, a new one on every change.
    fn describe(&self) -> BoxStream<'static, Result<Description, Status>>;

    /// Replicas and calls, for metrics. What runs in this process is one replica.
    fn stats(&self) -> Stats {
        Stats {
            replicas: 1,
            connected: 1,
            in_flight: 0,
        }
    }
}

/// What serves a delegate now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Addresses that are known.
    pub replicas: usize,
    pub connected: usize,
    /// Calls that run.
    pub in_flight: usize,
}
