//! Reaches a delegate over gRPC.

mod answer;
mod balance;
mod describe;
mod dial;
mod meters;
mod pool;
mod replica;
mod resolve;
mod streams;

use std::{
    borrow::Cow,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use catena_objects::Status;
use catena_proto::delegate::v1::{
    self as pb, delegate_client::DelegateClient, serve_reply::Outcome as Reply, upgrade_item,
};
use catena_telemetry::trace::{self, Span};
use futures_util::{Stream, StreamExt as _, stream::BoxStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{MAX_MESSAGE, names};
use crate::{
    Body, ByteStream, Delegate, Description, Outcome, Request, Stats, local::within, wire,
};
use answer::Items;
pub use dial::{Address, Dial, TlsDialer};
use meters::Meters;
use pool::{Lost, Pool};
pub use resolve::Endpoints;

/// A read that lost its server is asked again this often.
const RETRIES: usize = 2;

/// How a delegate is reached.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the delegate in errors and health checks: "core".
    pub name: String,
    pub endpoints: Endpoints,
    /// How long a request waits while the first connections are being made.
    pub connect_wait: Duration,
    /// How long a replica takes until it gets its full share.
    pub slow_start: Duration,
}

impl Settings {
    pub fn new(name: &str, endpoints: Endpoints) -> Self {
        Self {
            name: name.to_owned(),
            endpoints,
            connect_wait: Duration::from_secs(2),
            slow_start: Duration::from_secs(10),
        }
    }
}

/// A delegate in other processes: any number of replicas that answer alike.
#[derive(Clone)]
pub struct GrpcDelegate {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    meters: Meters,
    pool: Pool,
    description: watch::Receiver<Option<Description>>,
    /// Ends the tasks that keep connections and the description.
    stop: CancellationToken,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl GrpcDelegate {
    /// Starts to connect. Must be called inside a runtime.
    pub fn new(settings: Settings, dialer: Arc<dyn Dial>) -> Self {
        let stop = CancellationToken::new();
        let pool = Pool::start(&settings, dialer, stop.clone());
        let (tx, description) = watch::channel(None);
        tokio::spawn(describe::keep(
            settings.name.clone(),
            pool.clone(),
            tx,
            stop.clone(),
        ));
        Self {
            inner: Arc::new(Inner {
                meters: Meters::new(&settings.name),
                name: settings.name,
                pool,
                description,
                stop,
            }),
        }
    }

    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// What the delegate claims, kept current; `None` until it was reached once.
    pub fn description(&self) -> watch::Receiver<Option<Description>> {
        self.inner.description.clone()
    }

    /// Whether a replica is connected now: for the check `delegate/<name>`.
    pub fn reachable(&self) -> bool {
        self.inner.pool.stats().connected > 0
    }

    /// Asks, and asks again where the server was lost and asking changes nothing.
    async fn ask<T, F>(
        &self,
        name: &str,
        call: &Call,
        span: &Span,
        send: impl Fn() -> F,
    ) -> Result<T, Status>
    where
        F: Future<Output = Result<(T, Option<Duration>), tonic::Status>>,
    {
        let meters = &self.inner.meters;
        let mut retries = if call.repeatable() { RETRIES } else { 0 };
        loop {
            let began = Instant::now();
            meters.sent(call.message.body.len());
            let answer = send().await;
            meters.answered(name, began, &answer, |(_, took)| *took, span);
            match answer {
                Ok((answer, _)) => return Ok(answer),
                Err(e) if retries > 0 && Lost::caused(&e) => {
                    tracing::debug!(delegate = self.inner.name, error = %e, "asking another replica");
                    meters.retried();
                    retries -= 1;
                }
                Err(e) => return Err(wire::status_from(&e, &self.inner.name)),
            }
        }
    }

    fn metered(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Served(mut response) => {
                response.body = self.inner.meters.body(response.body);
                Outcome::Served(response)
            }
            Outcome::NotMine => Outcome::NotMine,
        }
    }

    fn span(&self, name: &'static str) -> Span {
        let span = trace::call(name);
        span.set("catena.delegate", || self.inner.name.clone());
        span
    }

    async fn unary(&self, call: &Call) -> Result<Option<Outcome>, Status> {
        let span = self.span(names::SERVE);
        let parent = call.parent(&span);
        let send = || streams::short(&self.inner.pool, &call.message, &parent);
        let asked = self.ask("Serve", call, &span, send).await;
        span.result(&asked.as_ref().map_err(|s| &s.message));
        match asked?.outcome {
            Some(Reply::NotMine(_)) => Ok(Some(Outcome::NotMine)),
            Some(Reply::Served(s)) => {
                let body = self.inner.meters.body(Body::Full(s.body));
                let response = wire::head_from(s.head, body).map_err(Status::internal)?;
                Ok(Some(Outcome::Served(response)))
            }
            Some(Reply::AskStreamed(_)) if call.repeatable() => Ok(None),
            _ => Err(Status::internal(format_args!(
                "{}: an answer without an outcome",
                self.inner.name
            ))),
        }
    }

    async fn streamed(&self, call: &Call) -> Result<Outcome, Status> {
        let span = self.span(names::SERVE_STREAM);
        let parent = call.parent(&span);
        let send = || async {
            let pool = &self.inner.pool;
            let (mut items, took) = streams::call(pool, &call.message, &parent).await?;
            let first = items.next().await?;
            Ok(((first, items), took))
        };
        let asked = self.ask("ServeStream", call, &span, send).await;
        span.result(&asked.as_ref().map_err(|s| &s.message));
        let (first, items) = asked?;
        let items = Items::Streamed(items);
        let outcome = answer::from_items(first, items, &self.inner.name, span).await?;
        Ok(self.metered(outcome))
    }
}

#[async_trait]
impl Delegate for GrpcDelegate {
    async fn serve(&self, request: Request) -> Result<Outcome, Status> {
        let deadline = request.deadline;
        let call = Call::new(request);
        within(deadline, async {
            if !call.expects_stream()
                && let Some(outcome) = self.unary(&call).await?
            {
                return Ok(outcome);
            }
            self.streamed(&call).await
        })
        .await
    }

    async fn upgrade(&self, request: Request, input: ByteStream) -> Result<Outcome, Status> {
        let call = Call::new(request);
        let span = self.span(names::UPGRADE);
        let parent = call.parent(&span).into_owned();
        let first = pb::UpgradeItem {
            item: Some(upgrade_item::Item::Request(call.message)),
        };
        let sent = futures_util::stream::iter([first])
            .chain(items_of(input))
            .boxed();
        let name = &self.inner.name;
        let failed = |e: tonic::Status| wire::status_from(&e, name);
        let sent = with_trace(Sent(sent), &parent);
        let mut items = client(&self.inner.pool)
            .upgrade(sent)
            .await
            .map_err(failed)?
            .into_inner();
        let first = items.message().await.map_err(failed)?;
        let first = first.and_then(|i| i.item);
        let outcome = answer::from_items(first, Items::Upgraded(items), name, span).await?;
        Ok(self.metered(outcome))
    }

    fn stats(&self) -> Stats {
        self.inner.pool.stats()
    }

    fn describe(&self) -> BoxStream<'static, Result<Description, Status>> {
        let known = tokio_stream::wrappers::WatchStream::new(self.description());
        // The stream keeps the connections alive as long as it is read.
        let keep = self.clone();
        known
            .filter_map(move |d| {
                let _ = &keep;
                std::future::ready(d.map(Ok))
            })
            .boxed()
    }
}

/// The client's bytes. A failure of its side ends it: the delegate sees the end.
fn items_of(input: ByteStream) -> BoxStream<'static, pb::UpgradeItem> {
    futures_util::stream::unfold(input, |mut input| async move {
        let data = input.next().await?.ok()?;
        Some((
            pb::UpgradeItem {
                item: Some(upgrade_item::Item::Data(data)),
            },
            input,
        ))
    })
    .boxed()
}

/// A type of its own: the compiler cannot see through the lifetime of a boxed
/// stream here.
struct Sent(BoxStream<'static, pb::UpgradeItem>);

impl Stream for Sent {
    type Item = pb::UpgradeItem;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

/// A request as it is sent, once or again.
struct Call {
    message: pb::ServeRequest,
    traceparent: String,
}

impl Call {
    fn new(request: Request) -> Self {
        let traceparent = request.traceparent.clone();
        Self {
            message: wire::request_to(request),
            traceparent,
        }
    }

    /// The span of the call; without one, what the request came with: a task that goes on
    /// with a request of before has no current span.
    fn parent(&self, span: &Span) -> Cow<'_, str> {
        span.traceparent()
            .map_or(Cow::Borrowed(&self.traceparent), Cow::Owned)
    }

    /// Whether asking twice is asking once.
    fn repeatable(&self) -> bool {
        matches!(self.message.method.as_str(), "GET" | "HEAD")
    }

    /// Whether the answer may be long or may last.
    fn expects_stream(&self) -> bool {
        let info = self.message.info.as_ref();
        self.repeatable()
            && info.is_none_or(|i| {
                !i.is_resource
                    || matches!(i.verb.as_str(), "list" | "watch" | "proxy")
                    || matches!(i.subresource.as_str(), "log" | "proxy")
            })
    }
}

fn client(pool: &Pool) -> DelegateClient<Pool> {
    DelegateClient::with_origin(pool.clone(), http::Uri::from_static("https://delegate"))
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE)
}

/// A message that carries `traceparent` on.
fn with_trace<T>(message: T, traceparent: &str) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    if let Ok(value) = traceparent.parse()
        && !traceparent.is_empty()
    {
        request.metadata_mut().insert(trace::TRACEPARENT, value);
    }
    request
}
