//! Events of a watch as they pass between servers.

use bytes::Bytes;
use catena_objects::Status;
use futures_util::{StreamExt as _, stream::BoxStream};

use crate::ByteStream;

/// Events that were there at the same moment, in order; no item is empty.
pub type EventStream = BoxStream<'static, Result<Vec<Event>, Status>>;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventKind {
    #[default]
    Change,
    Bookmark,
    /// The bookmark after the initial events.
    InitialEnd,
    /// The last event.
    Error,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Every change up to here was sent, this one included.
    pub revision: i64,
    pub kind: EventKind,
    /// As the client gets it.
    pub frame: Bytes,
}

/// The frames of some events: one as it is, several as one piece.
pub fn joined(events: Vec<Event>) -> Bytes {
    match <[Event; 1]>::try_from(events) {
        Ok([one]) => one.frame,
        Err(events) => {
            let size = events.iter().map(|e| e.frame.len()).sum();
            let mut out = Vec::with_capacity(size);
            for e in &events {
                out.extend_from_slice(&e.frame);
            }
            out.into()
        }
    }
}

/// Events as the bytes of a body. A watch that is lost ends between two events,
/// as one whose time is over: clients go on from the last revision that they saw.
pub(crate) fn bytes_of(events: EventStream) -> ByteStream {
    let known = events.take_while(|part| {
        if let Err(s) = part {
            tracing::debug!(error = %s.message, "a watch was lost");
        }
        std::future::ready(part.is_ok())
    });
    known.map(|part| part.map(joined)).boxed()
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;
    use crate::Body;

    fn event(frame: &'static [u8]) -> Result<Vec<Event>, Status> {
        Ok(vec![Event {
            revision: 1,
            kind: EventKind::Change,
            frame: Bytes::from_static(frame),
        }])
    }

    async fn read(body: Body) -> Vec<Option<Bytes>> {
        let parts = body.into_bytes().map(Result::ok);
        parts.collect().await
    }

    #[tokio::test]
    async fn a_lost_watch_ends_and_another_body_breaks_off() {
        let gone = || Err(Status::unavailable("gone"));
        let events = stream::iter([event(b"a\n"), gone(), event(b"b\n")]);
        let heard = read(Body::Events(events.boxed())).await;
        assert_eq!(heard, [Some(Bytes::from_static(b"a\n"))]);
        let bytes = stream::iter([
            Ok(Bytes::from_static(b"a")),
            Err(Status::unavailable("gone")),
        ]);
        let heard = read(Body::Stream(bytes.boxed())).await;
        assert_eq!(heard, [Some(Bytes::from_static(b"a")), None]);
    }
}
