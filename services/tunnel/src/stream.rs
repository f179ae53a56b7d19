//! One connection through a node: bytes in both directions, each with its end.

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::{failure::Failure, reverse, ssh};

/// The connection. The node closes its own when both halves are dropped.
pub(crate) struct Stream {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
}

/// The direction from the node.
pub(crate) enum Reader {
    Ssh(mpsc::Receiver<Result<Bytes, Failure>>),
    Reverse(reverse::Reader),
}

/// The direction to the node.
pub(crate) enum Writer {
    Ssh(ssh::Writer),
    Reverse(reverse::Writer),
}

impl Reader {
    /// The next piece; none at the end of the direction.
    pub(crate) async fn recv(&mut self) -> Option<Result<Bytes, Failure>> {
        match self {
            Self::Ssh(from) => from.recv().await,
            Self::Reverse(from) => from.recv().await,
        }
    }
}

impl Writer {
    /// Waits while the node takes nothing.
    ///
    /// # Errors
    /// When the session ended or the node closed the connection.
    pub(crate) async fn write(&mut self, data: Bytes) -> Result<(), Failure> {
        match self {
            Self::Ssh(to) => to.write(data).await,
            Self::Reverse(to) => to.write(data).await,
        }
    }

    /// No data follows in this direction.
    ///
    /// # Errors
    /// When the session ended.
    pub(crate) async fn finish(&mut self) -> Result<(), Failure> {
        match self {
            Self::Ssh(to) => to.finish().await,
            Self::Reverse(to) => to.finish(),
        }
    }
}
