//! Why the cache does not answer.

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Changes between what was seen and now are gone from memory; storage may
    /// have them still.
    #[error("changes after revision {after} are gone, the oldest ones left follow {oldest}")]
    Expired { after: i64, oldest: i64 },
    /// The revision was not reached in time.
    #[error("revision {wanted} is not reached, it is {current}")]
    NotReached { wanted: i64, current: i64 },
    /// The cache cannot prove that it is current; storage can.
    #[error("storage does not tell its progress")]
    NoProgress,
    #[error(transparent)]
    Storage(#[from] catena_storage::Error),
}
