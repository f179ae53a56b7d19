//! Watches over WebSocket (RFC 6455): one event a message, text for JSON and
//! binary for protobuf (`apiserver/pkg/endpoints/handlers/watch.go`, `HandleWS`).

use std::io;

use bytes::Bytes;
use catena_delegate::{Body, ByteStream, EventStream, Response};
use catena_objects::Status;
use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message, Utf8Bytes,
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};
use tokio_util::io::{ReaderStream, StreamReader};

/// Between the events and the client; who reads slowly waits here.
const BUFFER: usize = 64 << 10;
/// Nothing that a watcher sends is of use; so large it may be.
const MAX_RECEIVED: usize = 64 << 10;
/// Bytes of the length before an event in protobuf.
const LENGTH: usize = 4;

/// Whether the client asks for this protocol.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    headers
        .get(header::UPGRADE)
        .is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Turns the answer of a watch into the beginning of a WebSocket.
pub(super) fn serve(
    request: &HeaderMap,
    input: ByteStream,
    watch: Response,
) -> Result<Response, Status> {
    let mut headers = accept(request)?;
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    let content_type = watch.headers.get(header::CONTENT_TYPE);
    let framing = Framing::of(content_type.map_or(b"", HeaderValue::as_bytes));
    let Body::Events(events) = watch.body else {
        return Err(Status::internal("a watch without events"));
    };
    let (near, far) = tokio::io::duplex(BUFFER);
    let reader = StreamReader::new(input.map(|piece| piece.map_err(io::Error::other)));
    let socket = tokio::io::join(reader, near);
    tokio::spawn(run(socket, events, framing));
    let body = ReaderStream::new(far)
        .map(|piece| piece.map_err(|e| Status::internal(e.to_string())))
        .boxed();
    Ok(Response {
        status: StatusCode::SWITCHING_PROTOCOLS.as_u16(),
        headers,
        warnings: Vec::new(),
        audit: Vec::new(),
        body: Body::Stream(body),
    })
}

/// The server's half of the handshake.
fn accept(request: &HeaderMap) -> Result<HeaderMap, Status> {
    let of = |name: HeaderName| request.get(name).and_then(|v| v.to_str().ok());
    if of(header::SEC_WEBSOCKET_VERSION) != Some("13") {
        return Err(Status::bad_request("missing or bad WebSocket Version"));
    }
    let Some(key) = of(header::SEC_WEBSOCKET_KEY) else {
        return Err(Status::bad_request("mismatch challenge/response"));
    };
    let mut headers = HeaderMap::new();
    let proof = HeaderValue::from_str(&derive_accept_key(key.as_bytes()))
        .map_err(|e| Status::internal(e.to_string()))?;
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, proof);
    if let Some(protocol) = request.get(header::SEC_WEBSOCKET_PROTOCOL) {
        // More than one would have to be chosen from.
        if protocol.as_bytes().contains(&b',') {
            return Err(Status::bad_request("missing or bad WebSocket-Protocol"));
        }
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol.clone());
    }
    Ok(headers)
}

async fn run<S>(socket: S, mut events: EventStream, framing: Framing)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_RECEIVED))
        .max_frame_size(Some(MAX_RECEIVED));
    let socket = WebSocketStream::from_raw_socket(socket, Role::Server, Some(config)).await;
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

    #[test]
    fn a_handshake_is_proved() {
        let mut request = HeaderMap::new();
        assert!(accept(&request).is_err());
        request.insert("sec-websocket-version", HeaderValue::from_static("13"));
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        request.insert("sec-websocket-key", key);
        let answer = accept(&request).expect("accepted");
        // The example of RFC 6455, section 1.3.
        assert_eq!(
            answer[header::SEC_WEBSOCKET_ACCEPT],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }
}
