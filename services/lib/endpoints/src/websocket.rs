//! The server's end of a WebSocket (RFC 6455) on the bytes of an upgrade.

pub mod watch;

use std::io;

use bytes::Bytes;
use catena_delegate::ByteStream;
use catena_objects::Status;
use futures_util::{StreamExt as _, stream::BoxStream};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tokio::io::{DuplexStream, Join};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};
use tokio_util::io::{ReaderStream, StreamReader};

/// Between the messages and the client; who reads slowly waits here.
const BUFFER: usize = 64 << 10;

/// Messages to and from the client.
pub type Socket =
    WebSocketStream<Join<StreamReader<BoxStream<'static, io::Result<Bytes>>, Bytes>, DuplexStream>>;

/// Whether the client asks for this protocol.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    headers
        .get(header::UPGRADE)
        .is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// The protocols that the client offers, the preferred one first.
pub fn protocols(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .map(|p| p.trim().to_owned())
        .filter(|p| !p.is_empty())
        .collect()
}

/// The head of the answer, of status 101, with the protocol that was chosen.
///
/// # Errors
/// Where the request is no good handshake.
pub fn accept(request: &HeaderMap, protocol: Option<&str>) -> Result<HeaderMap, Status> {
    let of = |name: HeaderName| request.get(name).and_then(|v| v.to_str().ok());
    if of(header::SEC_WEBSOCKET_VERSION) != Some("13") {
        return Err(Status::bad_request("missing or bad WebSocket Version"));
    }
    let Some(key) = of(header::SEC_WEBSOCKET_KEY) else {
        return Err(Status::bad_request("mismatch challenge/response"));
    };
    let value = |text: &str| {
        HeaderValue::from_str(text).map_err(|e| Status::bad_request(format!("protocol: {e}")))
    };
    let mut headers = HeaderMap::new();
    let proof = value(&derive_accept_key(key.as_bytes()))?;
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, proof);
    if let Some(protocol) = protocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, value(protocol)?);
    }
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    Ok(headers)
}

/// The socket on what the client sends, and what is sent to the client. Messages
/// longer than `most` bytes are refused.
pub async fn open(input: ByteStream, most: usize) -> (Socket, ByteStream) {
    let (near, far) = tokio::io::duplex(BUFFER);
    let input = input.map(|piece| piece.map_err(io::Error::other)).boxed();
    let io = tokio::io::join(StreamReader::new(input), near);
    let config = WebSocketConfig::default()
        .max_message_size(Some(most))
        .max_frame_size(Some(most));
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    let output = ReaderStream::new(far)
        .map(|piece| piece.map_err(|e| Status::internal(e.to_string())))
        .boxed();
    (socket, output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_is_proved() {
        let mut request = HeaderMap::new();
        assert!(accept(&request, None).is_err());
        request.insert("sec-websocket-version", HeaderValue::from_static("13"));
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        request.insert("sec-websocket-key", key);
        let answer = accept(&request, Some("v5")).expect("accepted");
        // The example of RFC 6455, section 1.3.
        assert_eq!(
            answer[header::SEC_WEBSOCKET_ACCEPT],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert_eq!(answer[header::SEC_WEBSOCKET_PROTOCOL], "v5");
    }

    #[test]
    fn protocols_are_listed() {
        let mut request = HeaderMap::new();
        for value in ["v5.channel.k8s.io, v4", "x"] {
            let value = HeaderValue::from_static(value);
            request.append(header::SEC_WEBSOCKET_PROTOCOL, value);
        }
        assert_eq!(protocols(&request), ["v5.channel.k8s.io", "v4", "x"]);
    }
}
