//! Test doubles.

use std::sync::Arc;

use async_trait::async_trait;
use catena_objects::Status;
use futures_util::{
    StreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

use crate::{ByteStream, Delegate, Description, Outcome, Request, Response};

type Serve = dyn Fn(Request) -> BoxFuture<'static, Result<Outcome, Status>> + Send + Sync;
type Upgrade =
    dyn Fn(Request, ByteStream) -> BoxFuture<'static, Result<Outcome, Status>> + Send + Sync;

/// A delegate that answers as it is told and remembers what it was asked.
pub struct Fake {
    serve: Box<Serve>,
    upgrade: Box<Upgrade>,
    description: watch::Sender<Description>,
    asked: Mutex<Vec<Request>>,
}

impl Fake {
    pub fn new<F>(serve: impl Fn(Request) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Outcome, Status>> + Send + 'static,
    {
        let upgrade: Box<Upgrade> = Box::new(|_, _| Box::pin(async { Ok(Outcome::NotMine) }));
        Self {
            serve: Box::new(move |r| Box::pin(serve(r))),
            upgrade,
            description: watch::channel(Description::default()).0,
            asked: Mutex::default(),
        }
    }

    /// Answers everything with the same JSON.
    pub fn answering(code: u16, json: &'static str) -> Self {
        Self::new(move |_| async move { Ok(Outcome::Served(Response::json(code, json))) })
    }

    pub fn not_mine() -> Self {
        Self::new(|_| async { Ok(Outcome::NotMine) })
    }

    #[must_use]
    pub fn with_upgrade<F>(
        mut self,
        upgrade: impl Fn(Request, ByteStream) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Outcome, Status>> + Send + 'static,
    {
        self.upgrade = Box::new(move |r, i| Box::pin(upgrade(r, i)));
        self
    }

    #[must_use]
    pub fn with_description(self, description: Description) -> Self {
        self.describe_as(description);
        self
    }

    /// Publishes another description.
    pub fn describe_as(&self, description: Description) {
        self.description.send_replace(description);
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().clone()
    }

    pub fn shared(self) -> Arc<dyn Delegate> {
        Arc::new(self)
    }
}

#[async_trait]
impl Delegate for Fake {
    async fn serve(&self, request: Request) -> Result<Outcome, Status> {
        self.asked.lock().push(request.clone());
        (self.serve)(request).await
    }

    async fn upgrade(&self, request: Request, input: ByteStream) -> Result<Outcome, Status> {
        self.asked.lock().push(request.clone());
        (self.upgrade)(request, input).await
    }

    fn describe(&self) -> BoxStream<'static, Result<Description, Status>> {
        let changes = WatchStream::new(self.description.subscribe()).map(Ok);
        changes.chain(stream::pending()).boxed()
    }
}
