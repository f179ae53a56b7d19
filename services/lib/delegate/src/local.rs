//! A delegate in the same process.

use std::sync::Arc;

use async_trait::async_trait;
use catena_objects::Status;
use futures_util::stream::BoxStream;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use crate::{ByteStream, Delegate, Description, Outcome, Request};

/// Calls a delegate directly, with the deadline that a transport would keep.
#[derive(Clone)]
pub struct Local(Arc<dyn Delegate>);

impl Local {
    pub fn new(delegate: Arc<dyn Delegate>) -> Self {
        Self(delegate)
    }
}

#[async_trait]
impl Delegate for Local {
    /// In a task of its own: the streams of a client's connection share one
    /// ([`catena_runtime::net::Together`]), and this one does the work.
    async fn serve(&self, request: Request) -> Result<Outcome, Status> {
        let (deadline, delegate) = (request.deadline, Arc::clone(&self.0));
        let work = async move { delegate.serve(request).await }.in_current_span();
        let work = AbortOnDropHandle::new(tokio::spawn(work));
        within(deadline, async {
            work.await.unwrap_or_else(|e| match e.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Status::internal("a request was not finished")),
            })
        })
        .await
    }

    async fn upgrade(&self, request: Request, input: ByteStream) -> Result<Outcome, Status> {
        self.0.upgrade(request, input).await
    }

    fn describe(&self) -> BoxStream<'static, Result<Description, Status>> {
        self.0.describe()
    }
}

/// The text of kube-apiserver's timeout filter.
pub(crate) fn timed_out() -> Status {
    Status::timeout("request did not complete within the allotted timeout", 0)
}

/// Runs until the deadline of a short request, then answers 504.
pub(crate) async fn within<T>(
    deadline: Option<std::time::Instant>,
    work: impl Future<Output = Result<T, Status>>,
) -> Result<T, Status> {
    match deadline {
        Some(at) => tokio::time::timeout_at(at.into(), work)
            .await
            .unwrap_or_else(|_| Err(timed_out())),
        None => work.await,
    }
}
