//! The storage contract: revisions, transactions and watches as etcd v3 has them.
//!
//! Everything above speaks this trait; `storage-etcd` speaks the etcd v3 API,
//! to a real etcd or to our `store`, which differ by an address only.

mod error;
mod model;
#[cfg(feature = "test-util")]
pub mod testing;

pub use error::Error;
pub use model::*;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

pub type Result<T> = std::result::Result<T, Error>;

/// Messages of one watch, in revision order. Ends after an error.
pub type WatchStream = BoxStream<'static, Result<WatchMessage>>;

/// A running watch. Dropping it cancels the watch on the server.
pub struct Watch {
    pub messages: WatchStream,
    pub progress: Box<dyn RequestProgress>,
}

/// Asks the server to send [`WatchMessage::Progress`] with its current revision soon.
pub trait RequestProgress: Send + Sync {
    fn request(&self);

    /// Whether answers are ordered with events, so that they prove what was
    /// reported. Old etcd servers send them ahead of events that come later.
    fn supported(&self) -> bool {
        true
    }
}

#[async_trait]
pub trait Storage: Send + Sync + 'static {
    /// Reads a key or a range, linearizable unless the request says otherwise.
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse>;

    /// Runs `success` if every compare holds, else `failure`. Atomic and durable on return.
    async fn txn(&self, request: TxnRequest) -> Result<TxnResponse>;

    /// Watches from `start_revision` on. [`Error::Compacted`] comes as a message of the stream.
    async fn watch(&self, request: WatchRequest) -> Result<Watch>;

    /// Forgets history before `revision`.
    async fn compact(&self, revision: i64) -> Result<()>;

    /// Grants a lease; keys attached to it vanish `ttl_seconds` after the last keep-alive.
    async fn lease_grant(&self, ttl_seconds: i64) -> Result<i64>;

    /// Size of the database in bytes and the current revision; also the health probe.
    async fn status(&self) -> Result<StorageStatus>;
}
