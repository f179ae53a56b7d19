//! The four calls.

use std::{sync::Arc, time::Instant};

use bytes::{Bytes, BytesMut};
use catena_objects::Status;
use catena_proto::delegate::v1::{self as pb, delegate_server, serve_reply, upgrade_item};
use catena_telemetry::trace::{self, Span};
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use tokio_util::sync::CancellationToken;
use tonic::{Request as Call, Response as Answer, Streaming};

use super::{accept::Peer, items};
use crate::{
    Body, ByteStream, Delegate, Outcome, Request,
    grpc::{MAX_MESSAGE, TOOK, names},
    local::within,
    wire,
};

/// Headers and framing of an answer beside its body.
const HEADROOM: usize = 1 << 20;

pub(super) struct Service {
    delegate: Arc<dyn Delegate>,
    drain: CancellationToken,
}

pub(super) type Items = BoxStream<'static, Result<pb::ServeItem, tonic::Status>>;

impl Service {
    pub(super) fn new(delegate: Arc<dyn Delegate>, drain: CancellationToken) -> Self {
        Self { delegate, drain }
    }

    /// The answer to a call of `Serve`.
    pub(super) async fn short(
        &self,
        call: Call<pb::ServeRequest>,
    ) -> Result<Answer<pb::ServeReply>, tonic::Status> {
        let began = Instant::now();
        admit(&call)?;
        let parent = parent(&call);
        let (request, span) = open(names::SERVE, call.into_inner(), parent.as_deref())?;
        let repeatable = matches!(request.method.as_str(), "GET" | "HEAD");
        let deadline = request.deadline;
        let work = async {
            let outcome = within(deadline, self.delegate.serve(request)).await?;
            reply(outcome, repeatable, deadline).await
        };
        let reply = span.run(work).await.map_err(|s| wire::status_to(&s))?;
        let reply = pb::ServeReply {
            outcome: Some(reply),
        };
        Ok(timed(began, reply))
    }

    /// The items that answer a call of `ServeStream`.
    pub(super) async fn stream(
        &self,
        call: Call<pb::ServeRequest>,
    ) -> Result<Answer<Items>, tonic::Status> {
        let began = Instant::now();
        admit(&call)?;
        let parent = parent(&call);
        let (request, span) = open(names::SERVE_STREAM, call.into_inner(), parent.as_deref())?;
        // A stream without a deadline lives until one side goes: it must not hold up a drain.
        let drain = request.deadline.is_none().then(|| self.drain.clone());
        let work = within(request.deadline, self.delegate.serve(request));
        let outcome = span.clone().run(work).await;
        let outcome = outcome.map_err(|s| wire::status_to(&s))?;
        let items = items::from_outcome(outcome, drain);
        Ok(timed(began, within_span(items, span)))
    }
}

/// Refuses callers that are no front. Without a verdict nobody is one.
fn admit<T>(call: &Call<T>) -> Result<(), tonic::Status> {
    match call.extensions().get::<Peer>() {
        Some(Peer(Ok(()))) => Ok(()),
        Some(Peer(Err(why))) => Err(tonic::Status::permission_denied(&**why)),
        None => Err(tonic::Status::permission_denied("the peer is not known")),
    }
}

/// The request of a call and the span of this hop, which `request` carries on.
fn open(
    name: &'static str,
    message: pb::ServeRequest,
    metadata: Option<&str>,
) -> Result<(Request, Span), tonic::Status> {
    let mut request = wire::request_from(message)?;
    if let Some(parent) = metadata {
        parent.clone_into(&mut request.traceparent);
    }
    let span = trace::served(name, &request.traceparent);
    span.set("audit-id", || request.audit_id.clone());
    if let Some(own) = span.traceparent() {
        request.traceparent = own;
    }
    Ok((request, span))
}

/// An answer that tells how long it took.
fn timed<T>(began: Instant, message: T) -> Answer<T> {
    let mut answer = Answer::new(message);
    let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    answer.metadata_mut().insert(TOOK, took.into());
    answer
}

/// The span lasts as long as the answer.
fn within_span(items: Items, span: Span) -> Items {
    if span.is_none() {
        return items;
    }
    span.run(items).boxed()
}

fn parent<T>(call: &Call<T>) -> Option<String> {
    call.metadata()
        .get(trace::TRACEPARENT)
        .and_then(|v| v.to_str().ok())
        .map(str::to_owned)
}

#[tonic::async_trait]
impl delegate_server::Delegate for Service {
    async fn serve(
        &self,
        call: Call<pb::ServeRequest>,
    ) -> Result<Answer<pb::ServeReply>, tonic::Status> {
        self.short(call).await
    }

    type ServeStreamStream = Items;

    async fn serve_stream(
        &self,
        call: Call<pb::ServeRequest>,
    ) -> Result<Answer<Items>, tonic::Status> {
        self.stream(call).await
    }

    type UpgradeStream = Items;

    async fn upgrade(
        &self,
        call: Call<Streaming<pb::UpgradeItem>>,
    ) -> Result<Answer<Items>, tonic::Status> {
        admit(&call)?;
        let parent = parent(&call);
        let mut input = call.into_inner();
        let first = input.message().await?.and_then(|i| i.item);
        let Some(upgrade_item::Item::Request(message)) = first else {
            return Err(tonic::Status::invalid_argument(
                "the first item is no request",
            ));
        };
        let (request, span) = open(names::UPGRADE, message, parent.as_deref())?;
        let work = self.delegate.upgrade(request, bytes_of(input));
        let outcome = span.clone().run(work).await;
        let outcome = outcome.map_err(|s| wire::status_to(&s))?;
        let items = items::from_outcome(outcome, Some(self.drain.clone()));
        Ok(Answer::new(within_span(items, span)))
    }

    type DescribeStream = BoxStream<'static, Result<pb::Description, tonic::Status>>;

    async fn describe(
        &self,
        call: Call<pb::DescribeRequest>,
    ) -> Result<Answer<Self::DescribeStream>, tonic::Status> {
        admit(&call)?;
        let items = self.delegate.describe().map(|d| match d {
            Ok(d) => Ok(wire::description_to(d)),
            Err(s) => Err(wire::status_to(&s)),
        });
        Ok(Answer::new(
            items
                .take_until(self.drain.clone().cancelled_owned())
                .boxed(),
        ))
    }
}

/// The bytes of an upgraded client, until it ends its side.
fn bytes_of(input: Streaming<pb::UpgradeItem>) -> ByteStream {
    stream::unfold(Some(input), |input| async move {
        let mut input = input?;
        match input.message().await {
            Ok(Some(pb::UpgradeItem {
                item: Some(upgrade_item::Item::Data(b)),
            })) => Some((Ok(b), Some(input))),
            Ok(Some(_)) => Some((
                Err(Status::bad_request(
                    "an item of an upgraded stream is no data",
                )),
                None,
            )),
            Ok(None) => None,
            Err(e) => Some((Err(wire::status_from(&e, "front")), None)),
        }
    })
    .boxed()
}

async fn reply(
    outcome: Outcome,
    repeatable: bool,
    deadline: Option<Instant>,
) -> Result<serve_reply::Outcome, Status> {
    let Outcome::Served(response) = outcome else {
        return Ok(serve_reply::Outcome::NotMine(pb::NotMine {}));
    };
    let (head, body) = wire::head_to(response);
    let body = match body {
        Body::Full(b) if b.len() > MAX_MESSAGE - HEADROOM && repeatable => {
            return Ok(serve_reply::Outcome::AskStreamed(pb::AskStreamed {}));
        }
        Body::Full(b) => b,
        Body::Stream(_) | Body::Events(_) if repeatable => {
            return Ok(serve_reply::Outcome::AskStreamed(pb::AskStreamed {}));
        }
        // A change must not be made twice, so its answer is gathered here.
        other => within(deadline, gather(other.into_bytes())).await?,
    };
    Ok(serve_reply::Outcome::Served(pb::Served {
        head: Some(head),
        body,
    }))
}

async fn gather(mut body: ByteStream) -> Result<Bytes, Status> {
    let mut out = BytesMut::new();
    while let Some(part) = body.next().await {
        out.extend_from_slice(&part?);
        if out.len() > MAX_MESSAGE - HEADROOM {
            return Err(Status::internal("the answer to a change is too large"));
        }
    }
    Ok(out.freeze())
}
