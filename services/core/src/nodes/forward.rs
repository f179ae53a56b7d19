//! Sends a request on, and joins both ends after an upgrade. Bytes flow as fast
//! as the slower end takes them.

use bytes::Bytes;
use catena_egress::Egress;
use catena_objects::Status;
use catena_registry::{ByteStream, Connected};
use catena_telemetry::trace;
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyDataStream, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio_util::io::ReaderStream;

use super::target::Target;

/// Headers of one connection; they are not sent on.
const HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
];

/// A request for a target.
pub(super) struct Outgoing {
    pub(super) method: String,
    /// Path and query, encoded.
    pub(super) uri: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) input: Option<ByteStream>,
}

/// The target's answer; with `input`, joined to it once it switches protocols.
pub(super) async fn send(
    egress: &dyn Egress,
    target: &Target,
    outgoing: Outgoing,
) -> Result<Connected, String> {
    let io = TokioIo::new(target.dial(egress).await?);
    let (mut sender, connection) = http1::handshake(io).await.map_err(|e| e.to_string())?;
    tokio::spawn(connection.with_upgrades());
    let input = outgoing.input;
    let upgrade = input
        .as_ref()
        .and_then(|_| outgoing.headers.get(header::UPGRADE).cloned());
    let mut request = Request::new(Full::new(outgoing.body));
    *request.method_mut() = outgoing
        .method
        .parse()
        .map_err(|e| format!("method: {e}"))?;
    *request.uri_mut() = outgoing
        .uri
        .parse::<Uri>()
        .map_err(|e| format!("path: {e}"))?;
    *request.headers_mut() = outgoing.headers;
    let headers = request.headers_mut();
    HOP.iter().for_each(|name| drop(headers.remove(name)));
    let host = HeaderValue::from_str(&target.authority()).map_err(|e| e.to_string())?;
    // Proxies keep the host that the client asked.
    headers.entry(header::HOST).or_insert(host);
    if let Some(protocol) = upgrade {
        headers.insert(header::UPGRADE, protocol);
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    }
    let span = trace::call("HTTP request");
    span.set("http.request.method", || request.method().to_string());
    span.set("server.address", || target.authority());
    if let Some(parent) = span.traceparent()
        && let Ok(value) = HeaderValue::from_str(&parent)
    {
        request.headers_mut().insert(trace::TRACEPARENT, value);
    }
    let answered = span.clone().run(sender.send_request(request)).await;
    span.result(&answered);
    let mut answer = answered.map_err(|e| e.to_string())?;
    drop(span);
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS
        && let Some(input) = input
    {
        let upgraded = hyper::upgrade::on(&mut answer);
        let headers = answer.headers().clone();
        let upgraded = upgraded.await.map_err(|e| e.to_string())?;
        return Ok(joined(headers, TokioIo::new(upgraded), input));
    }
    let (mut head, body) = answer.into_parts();
    HOP.iter().for_each(|name| drop(head.headers.remove(name)));
    Ok(Connected {
        status: head.status.as_u16(),
        headers: head.headers,
        body: stream(body),
    })
}

fn joined(
    headers: HeaderMap,
    io: TokioIo<hyper::upgrade::Upgraded>,
    input: ByteStream,
) -> Connected {
    let (reader, writer) = tokio::io::split(io);
    tokio::spawn(copy(input, writer));
    let body = ReaderStream::new(reader)
        .map(|piece| piece.map_err(|e| Status::internal(e.to_string())))
        .boxed();
    Connected {
        status: StatusCode::SWITCHING_PROTOCOLS.as_u16(),
        headers,
        body,
    }
}

async fn copy(mut input: ByteStream, mut writer: impl AsyncWrite + Unpin) {
    while let Some(Ok(piece)) = input.next().await {
        if writer.write_all(&piece).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
    let _ = writer.shutdown().await;
}

fn stream(body: Incoming) -> ByteStream {
    BodyDataStream::new(body)
        .map(|piece| piece.map_err(|e| Status::internal(e.to_string())))
        .boxed()
}

/// The beginning of a body that explains a failure.
pub(super) async fn text(body: ByteStream, most: usize) -> String {
    let mut body = body;
    let mut out = Vec::new();
    while let Some(Ok(piece)) = body.next().await {
        out.extend_from_slice(&piece);
        if out.len() >= most {
            out.truncate(most);
            break;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
