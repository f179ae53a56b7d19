//! Why a connection is not there, or no longer.

use catena_proto::tunnel::v1::{DialError, Stage};

/// A failure and the stage it happened in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", name(*stage))]
pub struct Failure {
    pub stage: Stage,
    /// For a person; it holds no secrets.
    pub reason: String,
}

impl Failure {
    pub fn new(stage: Stage, reason: impl ToString) -> Self {
        Self {
            stage,
            reason: reason.to_string(),
        }
    }
}

impl From<Failure> for DialError {
    fn from(f: Failure) -> Self {
        Self {
            stage: f.stage.into(),
            reason: f.reason,
        }
    }
}

/// A stage in messages and labels of metrics.
pub(crate) fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Unspecified => "unspecified",
        Stage::Request => "request",
        Stage::NoTunnel => "no-tunnel",
        Stage::Connect => "connect",
        Stage::Handshake => "handshake",
        Stage::Auth => "auth",
        Stage::Channel => "channel",
        Stage::Stream => "stream",
    }
}
