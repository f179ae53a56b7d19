//! Failures as etcd names them: clients compare the texts.

use tonic::Code;

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("etcdserver: mvcc: required revision has been compacted")]
    Compacted { oldest: i64 },
    #[error("etcdserver: mvcc: required revision is a future revision")]
    FutureRevision,
    #[error("etcdserver: requested lease not found")]
    LeaseNotFound,
    #[error("etcdserver: lease already exists")]
    LeaseExists,
    #[error("etcdserver: too large lease TTL")]
    LeaseTtlTooLarge,
    #[error("etcdserver: key is not provided")]
    EmptyKey,
    #[error("etcdserver: key not found")]
    KeyNotFound,
    #[error("etcdserver: value is provided")]
    ValueProvided,
    #[error("etcdserver: lease is provided")]
    LeaseProvided,
    #[error("etcdserver: too many operations in txn request")]
    TooManyOps,
    #[error("etcdserver: duplicate key given in txn request")]
    DuplicateKey,
    #[error("etcdserver: invalid sort option")]
    InvalidSort,
    #[error("etcdserver: request is too large")]
    TooLarge,
    /// Nothing was written.
    #[error("etcdserver: too many requests")]
    TooManyRequests,
    #[error("etcdserver: server stopped")]
    Stopped,
    /// The disk refused; it is unknown whether the write will be there later.
    #[error("store: write failed: {0}")]
    Write(String),
    #[error("store: read failed: {0}")]
    Read(String),
    #[error("store: data is damaged: {0}")]
    Corrupt(String),
}

impl Error {
    pub(super) fn corrupt(why: impl Into<String>) -> Self {
        Self::Corrupt(why.into())
    }

    pub(super) fn read(why: impl std::fmt::Display) -> Self {
        Self::Read(why.to_string())
    }

    pub(super) fn write(why: impl std::fmt::Display) -> Self {
        Self::Write(why.to_string())
    }

    /// The code that etcd sends with the text.
    pub fn code(&self) -> Code {
        match self {
            Self::Compacted { .. } | Self::FutureRevision | Self::LeaseTtlTooLarge => {
                Code::OutOfRange
            }
            Self::LeaseNotFound => Code::NotFound,
            Self::LeaseExists => Code::FailedPrecondition,
            Self::EmptyKey
            | Self::KeyNotFound
            | Self::ValueProvided
            | Self::LeaseProvided
            | Self::TooManyOps
            | Self::DuplicateKey
            | Self::InvalidSort
            | Self::TooLarge => Code::InvalidArgument,
            Self::TooManyRequests => Code::ResourceExhausted,
            Self::Stopped | Self::Write(_) => Code::Unavailable,
            Self::Read(_) => Code::Internal,
            Self::Corrupt(_) => Code::DataLoss,
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(e: Error) -> Self {
        Self::new(e.code(), e.to_string())
    }
}

impl From<Error> for catena_storage::Error {
    fn from(e: Error) -> Self {
        match e {
            Error::Compacted { oldest } => Self::Compacted { oldest },
            Error::FutureRevision => Self::FutureRevision,
            Error::TooLarge => Self::TooLarge,
            Error::TooManyRequests | Error::Stopped | Error::Write(_) => {
                Self::Unavailable(e.to_string())
            }
            other => Self::Internal(other.to_string()),
        }
    }
}
