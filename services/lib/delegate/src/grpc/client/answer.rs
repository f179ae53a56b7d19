//! Answers from the items of a stream.

use std::sync::Arc;

use bytes::Bytes;
use catena_objects::Status;
use catena_proto::delegate::v1::{ServeItem, serve_item::Item};
use catena_telemetry::trace::Span;
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use tonic::Streaming;

use super::streams;
use crate::{Body, Event, Outcome, wire};

/// The items of a call.
pub(super) enum Items {
    Upgraded(Streaming<ServeItem>),
    Streamed(streams::Items),
}

impl Items {
    /// The next item; `None` at the end. `Some(None)`: an item of nothing.
    async fn next(&mut self) -> Result<Option<Option<Item>>, tonic::Status> {
        match self {
            Self::Upgraded(items) => Ok(items.message().await?.map(|i| i.item)),
            Self::Streamed(items) => Ok(items.next().await?.map(Some)),
        }
    }
}

/// `first` has been read from `items` already; the span of the call ends with its body.
pub(super) async fn from_items(
    first: Option<Item>,
    mut items: Items,
    peer: &str,
    span: Span,
) -> Result<Outcome, Status> {
    let head = match first {
        Some(Item::NotMine(_)) => {
            end(&mut items).await;
            return Ok(Outcome::NotMine);
        }
        Some(Item::Head(head)) => head,
        _ => {
            return Err(Status::internal(format_args!(
                "{peer}: an answer without a head"
            )));
        }
    };
    let body = if head.whole {
        end(&mut items).await;
        Body::Full(head.data)
    } else if head.events {
        Body::Events(within(span, rest(items, peer, events)))
    } else {
        let first = (!head.data.is_empty()).then_some(Ok(head.data));
        let rest = rest(items, peer, data);
        Body::Stream(within(span, stream::iter(first).chain(rest).boxed()))
    };
    wire::head_from(head.head, body)
        .map(Outcome::Served)
        .map_err(Status::internal)
}

fn within<T: 'static>(span: Span, body: BoxStream<'static, T>) -> BoxStream<'static, T> {
    if span.is_none() {
        return body;
    }
    span.run(body).boxed()
}

fn data(item: Item) -> Option<Bytes> {
    match item {
        Item::Data(bytes) => Some(bytes),
        _ => None,
    }
}

fn events(item: Item) -> Option<Vec<Event>> {
    match item {
        Item::Events(events) => Some(wire::events_from(events)),
        _ => None,
    }
}

/// What follows the head, all of one kind.
fn rest<T: Send + 'static>(
    items: Items,
    peer: &str,
    take: impl Fn(Item) -> Option<T> + Copy + Send + 'static,
) -> BoxStream<'static, Result<T, Status>> {
    let peer: Arc<str> = peer.into();
    stream::unfold(Some(items), move |items| {
        let peer = Arc::clone(&peer);
        async move {
            let mut items = items?;
            match items.next().await {
                Ok(Some(item)) => match item.and_then(take) {
                    Some(part) => Some((Ok(part), Some(items))),
                    None => {
                        let why = format!("{peer}: an item of a body is of another kind");
                        Some((Err(Status::internal(why)), None))
                    }
                },
                Ok(None) => None,
                Err(e) => Some((Err(wire::status_from(&e, &peer)), None)),
            }
        }
    })
    .boxed()
}

/// Reads the end of a stream, so that it closes and is not reset.
async fn end(items: &mut Items) {
    if let Ok(Some(_)) = items.next().await {
        tracing::warn!("a delegate sent more than it announced");
    }
}
