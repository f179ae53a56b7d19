//! A session with a node, whoever opened it.

use std::{sync::Arc, time::Duration};

use crate::{failure::Failure, reverse, ssh, stream::Stream, target::Target};

/// What carries the streams of a node.
#[derive(Clone)]
pub(crate) enum Link {
    /// We connected to its sshd.
    Ssh(Arc<ssh::Session>),
    /// Its agent dialed in.
    Reverse(Arc<reverse::Session>),
}

impl Link {
    /// Asks the node to connect to `target`; `pending` is held until it answered.
    ///
    /// # Errors
    /// Stage channel when the node answers no or not in time, stage stream
    /// when the session ends meanwhile.
    pub(crate) async fn open(
        &self,
        target: &Target,
        deadline: Duration,
        pending: impl Send + 'static,
    ) -> Result<Stream, Failure> {
        match self {
            Self::Ssh(session) => session.open(target, deadline, pending).await,
            Self::Reverse(session) => {
                let _pending = pending;
                session.open(target, deadline).await
            }
        }
    }
}
