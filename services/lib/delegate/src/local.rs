//! A delegate in the same process.

use std::sync::Arc;

use async_trait::async_trait;
use catena_objects::Status;
use futures_util::stream::BoxStream;

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
    async fn serve(&self, request: Request) -> Result<Outcome, Status> {
        within(request.deadline, self.0.serve(request)).await
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
