//! Watches that ask the same share one watch of the delegate
//! (docs/adr/0004-the-front-fans-out-watches.md).
//!
//! Invariant: every client sees each change after its revision once and in order.

mod pace;
mod question;
mod relay;
mod ring;
mod session;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use catena_delegate::{Body, ByteStream, Delegate, Description, Outcome, Request, Response, Stats};
use catena_objects::Status;
use futures_util::stream::BoxStream;

use question::{Question, Start};
use relay::Relay;
use session::Session;

/// What makes two watches the same: path, accepted types, and the query without
/// what tells only where and how long.
type Key = [String; 3];

/// A delegate in front of which watches are shared. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Fanout {
    inner: Arc<Inner>,
}

struct Inner {
    name: &'static str,
    delegate: Arc<dyn Delegate>,
    /// The relay that newcomers join; one that lives on for its clients may have
    /// been replaced here.
    relays: papaya::HashMap<Key, Weak<Relay>>,
}

impl Fanout {
    pub(crate) fn new(name: &'static str, delegate: Arc<dyn Delegate>) -> Self {
        let inner = Inner {
            name,
            delegate,
            relays: papaya::HashMap::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    async fn watch(&self, request: Request, question: Question) -> Result<Outcome, Status> {
        if let Start::After(revision) = question.start
            && let Some((relay, cursor)) = self.inner.join(&question.key, revision)
        {
            let head = relay.head.clone();
            let session = Session::shared(question, relay, cursor, revision);
            return Ok(Outcome::Served(head.response(session.events())));
        }
        let asked = question.upstream(request);
        let answer = match self.inner.delegate.serve(asked.clone()).await? {
            Outcome::Served(answer) => answer,
            Outcome::NotMine => return Ok(Outcome::NotMine),
        };
        let head = Head::of(&answer);
        let Body::Events(events) = answer.body else {
            return Ok(Outcome::Served(answer));
        };
        let session = match question.start {
            Start::After(revision) => {
                let (relay, cursor) =
                    Inner::share(&self.inner, &question.key, asked, &head, revision, events);
                Session::shared(question, relay, cursor, revision)
            }
            Start::State => {
                Session::alone(question, self.inner.clone(), asked, head.clone(), events)
            }
        };
        Ok(Outcome::Served(head.response(session.events())))
    }
}

impl Inner {
    /// The relay of a question and the place after a revision in it.
    fn join(&self, key: &Key, revision: i64) -> Option<(Arc<Relay>, u64)> {
        let relay = self.relays.pin().get(key).and_then(Weak::upgrade)?;
        let cursor = relay.after(revision)?;
        Some((relay, cursor))
    }

    /// A relay that has what follows a revision: one that is there, else one
    /// that goes on with the given events.
    fn share(
        this: &Arc<Self>,
        key: &Key,
        asked: Request,
        head: &Head,
        revision: i64,
        events: catena_delegate::EventStream,
    ) -> (Arc<Relay>, u64) {
        if let Some(found) = this.join(key, revision) {
            return found;
        }
        let relay = Relay::start(
            this.clone(),
            key.clone(),
            asked,
            head.clone(),
            revision,
            events,
        );
        this.relays
            .pin()
            .insert(key.clone(), Arc::downgrade(&relay));
        (relay, 0)
    }

    /// Forgets a relay that nobody listens to.
    fn left(&self, key: &Key) {
        let _ = self
            .relays
            .pin()
            .remove_if(key, |_, relay| relay.strong_count() == 0);
    }
}

/// An answer without its body.
#[derive(Clone)]
struct Head {
    status: u16,
    headers: http::HeaderMap,
    warnings: Vec<String>,
}

impl Head {
    fn of(answer: &Response) -> Self {
        Self {
            status: answer.status,
            headers: answer.headers.clone(),
            warnings: answer.warnings.clone(),
        }
    }

    fn response(self, events: catena_delegate::EventStream) -> Response {
        Response {
            status: self.status,
            headers: self.headers,
            warnings: self.warnings,
            audit: Vec::new(),
            body: Body::Events(events),
        }
    }
}

#[async_trait]
impl Delegate for Fanout {
    async fn serve(&self, request: Request) -> Result<Outcome, Status> {
        match Question::of(&request) {
            Some(question) => self.watch(request, question).await,
            None => self.inner.delegate.serve(request).await,
        }
    }

    async fn upgrade(&self, request: Request, input: ByteStream) -> Result<Outcome, Status> {
        self.inner.delegate.upgrade(request, input).await
    }

    fn describe(&self) -> BoxStream<'static, Result<Description, Status>> {
        self.inner.delegate.describe()
    }

    fn stats(&self) -> Stats {
        self.inner.delegate.stats()
    }
}
