//! Answers as items of a stream: the head, then the body in pieces.

use bytes::Bytes;
use catena_objects::Status;
use catena_proto::delegate::v1::{self as pb, serve_item::Item};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokio_util::sync::CancellationToken;

use super::service::Items;
use crate::{Body, ByteStream, EventStream, Outcome, grpc::PIECE, wire};

fn item(item: Item) -> pb::ServeItem {
    pb::ServeItem { item: Some(item) }
}

fn head(head: pb::Head, data: Bytes, whole: bool) -> pb::ServeItem {
    item(Item::Head(pb::StreamHead {
        head: Some(head),
        data,
        whole,
        events: false,
    }))
}

/// With `drain`, the body ends when the server does.
pub(super) fn from_outcome(outcome: Outcome, drain: Option<CancellationToken>) -> Items {
    let response = match outcome {
        Outcome::NotMine => {
            return stream::iter([Ok(item(Item::NotMine(pb::NotMine {})))]).boxed();
        }
        Outcome::Served(response) => response,
    };
    let (first, body) = wire::head_to(response);
    match body {
        Body::Full(b) if b.len() <= PIECE => stream::iter([Ok(head(first, b, true))]).boxed(),
        Body::Full(mut b) => {
            let data = b.split_to(PIECE);
            let rest = stream::iter(Pieces(Some(Ok(b))));
            stream::iter([Ok(head(first, data, false))])
                .chain(rest)
                .boxed()
        }
        Body::Stream(body) => from_stream(first, body, drain),
        Body::Events(events) => from_events(first, events, drain),
    }
}

fn from_events(first: pb::Head, events: EventStream, drain: Option<CancellationToken>) -> Items {
    let head = item(Item::Head(pb::StreamHead {
        head: Some(first),
        events: true,
        ..pb::StreamHead::default()
    }));
    let rest = events.map(|part| match part {
        Ok(events) => Ok(item(Item::Events(wire::events_to(events)))),
        Err(s) => Err(wire::status_to(&s)),
    });
    until(stream::iter([Ok(head)]).chain(rest).boxed(), drain)
}

fn until(items: Items, drain: Option<CancellationToken>) -> Items {
    match drain {
        Some(token) => items.take_until(token.cancelled_owned()).boxed(),
        None => items,
    }
}

fn from_stream(first: pb::Head, mut body: ByteStream, drain: Option<CancellationToken>) -> Items {
    // What is there already goes with the head; a watch that has nothing to say
    // yet must not wait with it.
    let (data, error) = match body.next().now_or_never() {
        Some(Some(Ok(b))) if b.len() <= PIECE => (b, None),
        Some(Some(other)) => (Bytes::new(), Some(other)),
        Some(None) => return stream::iter([Ok(head(first, Bytes::new(), true))]).boxed(),
        None => (Bytes::new(), None),
    };
    let rest = stream::iter(error)
        .chain(body)
        .flat_map(|part| stream::iter(Pieces(Some(part))));
    let items = stream::iter([Ok(head(first, data, false))]).chain(rest);
    until(items.boxed(), drain)
}

/// Items of one part of a body, none larger than a piece.
struct Pieces(Option<Result<Bytes, Status>>);

impl Iterator for Pieces {
    type Item = Result<pb::ServeItem, tonic::Status>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.0.take()? {
            Err(s) => Some(Err(wire::status_to(&s))),
            Ok(b) if b.is_empty() => None,
            Ok(mut b) => {
                let piece = b.split_to(PIECE.min(b.len()));
                self.0 = Some(Ok(b));
                Some(Ok(item(Item::Data(piece))))
            }
        }
    }
}
