//! exec and attach over WebSocket, for kubelets that speak SPDY: the channels of
//! `v5.channel.k8s.io` become streams of `v4.channel.k8s.io` (KEP-4006,
//! `apiserver/pkg/util/proxy`, `StreamTranslatorHandler`).

use std::{io, sync::Arc};

use bytes::{Bytes, BytesMut};
use catena_egress::Egress;
use catena_endpoints::websocket::{self, Socket};
use catena_objects::{Status, json};
use catena_registry::{ByteStream, Connected, Connecting};
use catena_telemetry::trace;
use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::{io::AsyncReadExt as _, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};
use tokio_util::io::StreamReader;

use super::{
    forward::{self, Outgoing},
    query,
    spdy::{self, Frame},
    target::Target,
};

const V5: &str = "v5.channel.k8s.io";
const V4: &str = "v4.channel.k8s.io";

/// Channels of a message, its first byte.
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;
const RESIZE: u8 = 4;
/// The channel that its second byte names is at its end.
const CLOSE: u8 = 255;

/// Longest message of a client, as `golang.org/x/net/websocket` has it.
pub(super) const MOST: usize = 32 << 20;
/// Frames that wait for the kubelet.
const WAITING: usize = 4;
/// Bytes in a message or a frame.
const PIECE: usize = 32 << 10;
/// Bound on what a kubelet says of the end.
const STATUS: usize = 64 << 10;
/// Of an answer that is a failure, so much is told.
const EXPLANATION: usize = 2048;

pub(super) type Frames = mpsc::Sender<Result<Bytes, Status>>;

/// Whether the client speaks the protocol that is translated.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    websocket::is_wanted(headers) && websocket::protocols(headers).iter().any(|p| p == V5)
}

/// Numbers of the streams, of those that were asked for.
#[derive(Clone, Copy)]
pub(super) struct Streams([Option<u32>; 5]);

impl Streams {
    /// In the order in which kubelets are asked for them.
    const ORDER: [(u8, &str); 5] = [
        (ERROR, "error"),
        (STDIN, "stdin"),
        (STDOUT, "stdout"),
        (STDERR, "stderr"),
        (RESIZE, "resize"),
    ];

    pub(super) fn new(options: &str) -> Self {
        let tty = query::flag(options, "tty");
        let asked = |channel| match channel {
            STDIN => query::flag(options, "stdin"),
            STDOUT => query::flag(options, "stdout"),
            STDERR => query::flag(options, "stderr") && !tty,
            RESIZE => tty,
            _ => true,
        };
        let mut out = Self([None; 5]);
        let mut next = 1;
        for (channel, _) in Self::ORDER {
            if asked(channel) {
                out.0[usize::from(channel)] = Some(next);
                next += 2;
            }
        }
        out
    }

    fn of(self, channel: u8) -> Option<u32> {
        self.0.get(usize::from(channel)).copied().flatten()
    }

    fn channel(self, stream: u32) -> Option<u8> {
        let at = self.0.iter().position(|s| *s == Some(stream))?;
        u8::try_from(at).ok()
    }
}

/// Answers at once: what goes wrong after it is told on the error channel.
pub(super) async fn answer(
    egress: Arc<dyn Egress>,
    target: Target,
    uri: String,
    request: Connecting,
) -> Result<Connected, Status> {
    let headers = websocket::accept(&request.headers, Some(V5))?;
    let Some(input) = request.input else {
        return Err(Status::bad_request("Upgrade request required"));
    };
    let (socket, body) = websocket::open(input, MOST).await;
    let streams = Streams::new(&request.query);
    let session = run(socket, egress, target, uri, streams);
    tokio::spawn(trace::span("session").run(session));
    Ok(Connected {
        status: StatusCode::SWITCHING_PROTOCOLS.as_u16(),
        headers,
        body,
    })
}

async fn run(
    socket: Socket,
    egress: Arc<dyn Egress>,
    target: Target,
    uri: String,
    streams: Streams,
) {
    let (mut sink, mut source) = socket.split();
    let first = [STDOUT, STDERR]
        .into_iter()
        .find(|c| streams.of(*c).is_some());
    // An empty message tells the client that the connection stands.
    if say(&mut sink, first.unwrap_or(ERROR), &[]).await.is_err() {
        return;
    }
    let ended = session(&mut sink, &mut source, &*egress, &target, uri, streams).await;
    let status = match ended {
        Ok(Some(status)) => status,
        // The client is gone.
        Ok(None) => return,
        Err(why) => json::to_vec(&Status::internal(why).to_value()).into(),
    };
    if say(&mut sink, ERROR, &status).await.is_ok() {
        let normal = CloseFrame {
            code: CloseCode::Normal,
            reason: "".into(),
        };
        let _ = sink.send(Message::Close(Some(normal))).await;
    }
    let _ = sink.close().await;
}

pub(super) type Sink = SplitSink<Socket, Message>;

async fn say(sink: &mut Sink, channel: u8, bytes: &[u8]) -> Result<(), String> {
    let mut message = BytesMut::with_capacity(1 + bytes.len());
    message.extend_from_slice(&[channel]);
    message.extend_from_slice(bytes);
    sink.send(Message::Binary(message.freeze()))
        .await
        .map_err(|e| e.to_string())
}

/// What the kubelet says of the end; `None` when the client left.
async fn session(
    sink: &mut Sink,
    source: &mut SplitStream<Socket>,
    egress: &dyn Egress,
    target: &Target,
    uri: String,
    streams: Streams,
) -> Result<Option<Bytes>, String> {
    let (frames, waiting) = mpsc::channel(WAITING);
    let body = upgrade(egress, target, uri, ReceiverStream::new(waiting).boxed()).await?;
    for (channel, kind) in Streams::ORDER {
        if let Some(stream) = streams.of(channel) {
            let frame = spdy::open(stream, kind);
            let closed = |_| "the kubelet closed the connection".to_owned();
            frames.send(Ok(frame.into())).await.map_err(closed)?;
        }
    }
    let answers = frames.clone();
    tokio::select! {
        ended = outward(body, sink, &answers, streams) => ended.map(Some),
        () = inward(source, &frames, streams) => Ok(None),
    }
}

/// The connection to the kubelet, as what it sends.
async fn upgrade(
    egress: &dyn Egress,
    target: &Target,
    uri: String,
    input: ByteStream,
) -> Result<ByteStream, String> {
    let url = format!("{}://{}{uri}", target.scheme(), target.authority());
    let mut headers = HeaderMap::new();
    headers.insert(header::UPGRADE, HeaderValue::from_static("SPDY/3.1"));
    headers.insert("x-stream-protocol-version", HeaderValue::from_static(V4));
    let outgoing = Outgoing {
        method: "POST".to_owned(),
        uri,
        headers,
        body: Bytes::new(),
        input: Some(input),
    };
    let answer = forward::send(egress, target, outgoing)
        .await
        .map_err(|why| format!("error sending request: Post {url:?}: {why}"))?;
    if answer.status != StatusCode::SWITCHING_PROTOCOLS.as_u16() {
        let why = forward::text(answer.body, EXPLANATION).await;
        return Err(format!("unable to upgrade connection: {why}"));
    }
    Ok(answer.body)
}

/// From the client to the kubelet, until the client leaves.
pub(super) async fn inward(source: &mut SplitStream<Socket>, frames: &Frames, streams: Streams) {
    while let Some(Ok(message)) = source.next().await {
        let bytes = match message {
            Message::Binary(bytes) => bytes,
            Message::Text(text) => text.into(),
            Message::Close(_) => return,
            _ => continue,
        };
        let Some((channel, rest)) = bytes.split_first() else {
            continue;
        };
        let (channel, last) = match (*channel, rest) {
            (CLOSE, [closed, ..]) => (*closed, true),
            (channel, _) => (channel, false),
        };
        // The client writes on these two only.
        let Some(stream) = streams
            .of(channel)
            .filter(|_| [STDIN, RESIZE].contains(&channel))
        else {
            continue;
        };
        if last {
            if send(frames, spdy::data(stream, &[], true)).await.is_err() {
                return;
            }
            continue;
        }
        for piece in rest.chunks(PIECE) {
            if send(frames, spdy::data(stream, piece, false))
                .await
                .is_err()
            {
                return;
            }
        }
    }
}

async fn send(frames: &Frames, frame: Vec<u8>) -> Result<(), String> {
    let sent = frames.send(Ok(frame.into())).await;
    sent.map_err(|_| "the kubelet closed the connection".to_owned())
}

/// From the kubelet to the client, until all that it writes is at its end.
pub(super) async fn outward(
    body: ByteStream,
    sink: &mut Sink,
    frames: &Frames,
    streams: Streams,
) -> Result<Bytes, String> {
    let mut from = StreamReader::new(body.map(|piece| piece.map_err(io::Error::other)));
    let mut open: Vec<u8> = [STDOUT, STDERR, ERROR]
        .into_iter()
        .filter(|c| streams.of(*c).is_some())
        .collect();
    let mut status = Vec::new();
    let mut piece = vec![0; PIECE];
    while !open.is_empty() {
        let frame = spdy::read(&mut from).await.map_err(|e| e.to_string())?;
        let ended = match frame {
            None if status.is_empty() => return Err("unexpected EOF".to_owned()),
            None => break,
            Some(Frame::Data {
                stream,
                length,
                last,
            }) => {
                let mut rest = length;
                while rest > 0 {
                    let n = rest.min(PIECE);
                    let read = from
                        .read(&mut piece[..n])
                        .await
                        .map_err(|e| e.to_string())?;
                    if read == 0 {
                        return Err("unexpected EOF".to_owned());
                    }
                    rest -= read;
                    match streams.channel(stream) {
                        Some(c @ (STDOUT | STDERR)) => say(sink, c, &piece[..read]).await?,
                        Some(ERROR) if status.len() + read <= STATUS => {
                            status.extend_from_slice(&piece[..read]);
                        }
                        _ => {}
                    }
                }
                last.then_some(stream)
            }
            Some(Frame::End(stream)) => Some(stream),
            Some(Frame::Ping(number)) => {
                // Pings with even numbers are the server's.
                if number % 2 == 0 {
                    send(frames, spdy::pong(number)).await?;
                }
                None
            }
            Some(Frame::Other) => None,
        };
        match ended.and_then(|stream| streams.channel(stream)) {
            // The process reads no more: hijacked connections wait for this end.
            Some(STDIN) => {
                if let Some(stdin) = streams.of(STDIN) {
                    send(frames, spdy::data(stdin, &[], true)).await?;
                }
            }
            Some(channel) => open.retain(|c| *c != channel),
            None => {}
        }
    }
    if status.is_empty() {
        return Ok(Bytes::from_static(br#"{"metadata":{},"status":"Success"}"#));
    }
    Ok(status.into())
}
