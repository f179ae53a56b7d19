//! Failures of storage; few kinds, each telling the caller what to do.

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The revision asked for is gone; the oldest one left is given.
    #[error("required revision has been compacted (oldest is {oldest})")]
    Compacted { oldest: i64 },
    /// The revision asked for does not exist yet.
    #[error("required revision is a future revision")]
    FutureRevision,
    #[error("request is too large")]
    TooLarge,
    /// Nothing was executed, or it is unknown whether a write was.
    #[error("storage is unavailable: {0}")]
    Unavailable(String),
    #[error("storage did not answer in time")]
    Timeout,
    #[error("storage failed: {0}")]
    Internal(String),
}

impl Error {
    /// Whether the same request may succeed when it is made again.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Timeout => true,
            Self::Compacted { .. } | Self::FutureRevision | Self::TooLarge | Self::Internal(_) => {
                false
            }
        }
    }
}
