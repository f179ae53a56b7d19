//! A client of both doors.

use std::path::Path;

use bytes::Bytes;
use catena_proto::tunnel::v1::{
    DialFrame, Eof, Open, Stage, dial_frame::Frame, tunnel_client::TunnelClient,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    sync::mpsc,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Streaming,
    transport::{Channel, Endpoint},
};

pub async fn channel(dir: &Path) -> Channel {
    let uri = format!("unix://{}", dir.join("dial").display());
    Endpoint::try_from(uri)
        .expect("an address")
        .initial_stream_window_size(256 << 10)
        .initial_connection_window_size(1 << 30)
        .connect()
        .await
        .expect("the door is open")
}

/// A connection over gRPC.
#[derive(Debug)]
pub struct Conn {
    pub tx: Option<mpsc::Sender<DialFrame>>,
    pub rx: Streaming<DialFrame>,
    pub node: String,
}

fn frame(frame: Frame) -> DialFrame {
    DialFrame { frame: Some(frame) }
}

pub async fn dial(channel: &Channel, target: impl ToString) -> Result<Conn, (Stage, String)> {
    dial_within(channel, target, 20_000).await
}

pub async fn dial_within(
    channel: &Channel,
    target: impl ToString,
    deadline_millis: u32,
) -> Result<Conn, (Stage, String)> {
    let (tx, rx) = mpsc::channel(4);
    let open = Open {
        target: target.to_string(),
        deadline_millis,
    };
    tx.send(frame(Frame::Open(open))).await.expect("a stream");
    let answer = TunnelClient::new(channel.clone())
        .max_decoding_message_size(1 << 20)
        .dial(ReceiverStream::new(rx))
        .await
        .map_err(|s| (Stage::Unspecified, s.to_string()))?;
    let mut rx = answer.into_inner();
    match rx.message().await.expect("a frame").and_then(|f| f.frame) {
        Some(Frame::Opened(o)) => Ok(Conn {
            tx: Some(tx),
            rx,
            node: o.node,
        }),
        Some(Frame::Error(e)) => Err((e.stage(), e.reason)),
        other => panic!("{other:?}"),
    }
}

impl Conn {
    pub async fn send(&self, data: impl Into<Bytes>) {
        let data = frame(Frame::Data(data.into()));
        let tx = self.tx.as_ref().expect("an open direction");
        tx.send(data).await.expect("a stream");
    }

    pub async fn finish(&self) {
        let tx = self.tx.as_ref().expect("an open direction");
        tx.send(frame(Frame::Eof(Eof {}))).await.expect("a stream");
    }

    /// The next piece; None at the end of the direction.
    pub async fn next(&mut self) -> Result<Option<Bytes>, (Stage, String)> {
        match self.rx.message().await {
            Ok(Some(f)) => match f.frame {
                Some(Frame::Data(data)) => Ok(Some(data)),
                Some(Frame::Eof(_)) => Ok(None),
                Some(Frame::Error(e)) => Err((e.stage(), e.reason)),
                other => panic!("{other:?}"),
            },
            Ok(None) => panic!("a call without an end"),
            Err(s) => Err((Stage::Unspecified, s.to_string())),
        }
    }

    pub async fn read(&mut self, n: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(n);
        while out.len() < n {
            let piece = self.next().await.expect("data").expect("data");
            out.extend_from_slice(&piece);
        }
        out
    }

    /// A byte there and back.
    pub async fn ping(&mut self) {
        self.send("!").await;
        assert_eq!(self.read(1).await, b"!");
    }
}

/// A connection over CONNECT, after an answer of 200; else the answer.
pub async fn connect(dir: &Path, target: impl std::fmt::Display) -> Result<UnixStream, String> {
    let mut unix = UnixStream::connect(dir.join("connect"))
        .await
        .expect("the door is open");
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    unix.write_all(request.as_bytes()).await.expect("a request");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match unix.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    let mut text = String::from_utf8(head).expect("text");
    if text.starts_with("HTTP/1.1 200") {
        return Ok(unix);
    }
    let _ = unix.read_to_string(&mut text).await;
    Err(text)
}
