//! Why a control plane is not as it should be.

use std::fmt;

/// What went wrong, and by that, what is done about it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The API server refused or was not reached: tried again.
    #[error("{what}: {source}")]
    Api { what: String, source: kube::Error },
    /// The spec asks for what cannot be: waits for another one.
    #[error("{0}")]
    Spec(String),
    /// Somebody else has an object of a name that is needed.
    #[error("{kind} {name} exists and belongs to {owner}")]
    Conflict {
        kind: String,
        name: String,
        owner: String,
    },
    /// Certificates could not be made.
    #[error("certificates: {0}")]
    Certificates(#[from] catena_runtime::pki::Error),
    /// Something of a control plane that ends is still there. An error, since
    /// `finalizer` of kube lets the control plane go after all that is none.
    #[error("{0} is still there")]
    Remains(String),
    /// A fault of this operator or its chart.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// For conditions and metrics.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Api { .. } => "ApplyFailed",
            Self::Spec(_) => "InvalidSpec",
            Self::Conflict { .. } => "Conflict",
            Self::Certificates(_) => "CertificatesFailed",
            Self::Remains(_) => "Deleting",
            Self::Internal(_) => "InternalError",
        }
    }
}

/// Says of which call a failure is.
pub(crate) trait Of<T> {
    fn of(self, what: impl fmt::Display) -> Result<T, Error>;
}

impl<T> Of<T> for kube::Result<T> {
    fn of(self, what: impl fmt::Display) -> Result<T, Error> {
        self.map_err(|source| Error::Api {
            what: what.to_string(),
            source,
        })
    }
}

impl From<serde_json::Error> for Error {
    fn from(e: serde_json::Error) -> Self {
        Self::Internal(format!("JSON: {e}"))
    }
}
