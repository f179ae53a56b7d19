//! Watches over WebSocket (RFC 6455): one event a message, text for JSON and
//! binary for protobuf (`apiserver/pkg/endpoints/handlers/watch.go`, `HandleWS`).

use bytes::Bytes;
use catena_delegate::{Body, ByteStream, EventStream, Response};
use catena_objects::Status;
use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::Socket;

/// Nothing that a watcher sends is of use; so large it may be.
const MAX_RECEIVED: usize = 64 << 10;
/// Bytes of the length before an event in protobuf.
const LENGTH: usize = 4;

/// Turns the answer of a watch into the beginning of a WebSocket. An answer
/// without events, such as a refusal, stays what it is.
///
/// # Errors
/// Where the request is no good handshake.
pub async fn serve(
    request: &HeaderMap,
    input: ByteStream,
    watch: Response,
) -> Result<Response, Status> {
    let Body::Events(events) = watch.body else {
        return Ok(watch);
    };
    let offered = super::protocols(request);
    // More than one would have to be chosen from.
    if offered.len() > 1 {
        return Err(Status::bad_request("missing or bad WebSocket-Protocol"));
    }
    let headers = super::accept(request, offered.first().map(String::as_str))?;
    let content_type = watch.headers.get(header::CONTENT_TYPE);
    let framing = Framing::of(content_type.map_or(b"", HeaderValue::as_bytes));
    let (socket, body) = super::open(input, MAX_RECEIVED).await;
    tokio::spawn(run(socket, events, framing));
    Ok(Response {
        status: StatusCode::SWITCHING_PROTOCOLS.as_u16(),
        headers,
        warnings: watch.warnings,
        audit: watch.audit,
        body: Body::Stream(body),
    })
}

async fn run(socket: Socket, mut events: EventStream, framing: Framing) {
    let (mut sink, mut source) = socket.split();
    loop {
        tokio::select! {
            received = source.next() => match received {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
            event = events.next() => {
                let Some(Ok(events)) = event else { break };
                for message in events.into_iter().filter_map(|e| framing.message(e.frame)) {
                    if sink.send(message).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
    let _ = sink.close().await;
}

/// How the events of a content type become messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// JSON: a line of text.
    Lines,
    /// Protobuf: a message tells its own length, so the one before it is left out.
    Lengths,
    /// CBOR: as it is.
    Items,
}

impl Framing {
    fn of(content_type: &[u8]) -> Self {
        if content_type.starts_with(b"application/json") {
            Self::Lines
        } else if content_type.starts_with(b"application/cbor") {
            Self::Items
        } else {
            Self::Lengths
        }
    }

    fn message(self, frame: Bytes) -> Option<Message> {
        match self {
            Self::Lines => Utf8Bytes::try_from(frame).ok().map(Message::Text),
            Self::Items => Some(Message::Binary(frame)),
            Self::Lengths => {
                (frame.len() >= LENGTH).then(|| Message::Binary(frame.slice(LENGTH..)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_message() {
        let line = Bytes::from_static(b"{1}\n");
        assert_eq!(
            Framing::Lines.message(line.clone()),
            Some(Message::text("{1}\n"))
        );
        assert_eq!(
            Framing::Items.message(line.clone()),
            Some(Message::binary(line))
        );
        let framed = Bytes::from_static(b"\0\0\0\x02ab");
        assert_eq!(
            Framing::Lengths.message(framed),
            Some(Message::binary(&b"ab"[..]))
        );
        assert_eq!(Framing::Lengths.message(Bytes::from_static(b"\0")), None);
    }
}
