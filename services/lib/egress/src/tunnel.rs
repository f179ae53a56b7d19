//! Connections through the SSH sessions of the process `tunnel`
//! (`catena.tunnel.v1`). Each has a gRPC connection of its own: what one does not
//! read takes no window from another.

use std::time::Duration;

use bytes::Bytes;
use catena_proto::tunnel::v1::{
    DialFrame, Eof, Open, dial_frame::Frame, tunnel_client::TunnelClient,
};
use catena_runtime::net::Io;
use catena_telemetry::trace;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf},
    sync::mpsc,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::{
    grpc::{self, MAX_MESSAGE, failure},
    pipe::{Far, pipe},
};

/// Frames that wait to be sent.
const WAITING: usize = 4;
/// Bytes in a frame.
const PIECE: usize = 64 << 10;
/// What the tunnel may take for all stages of a dial.
const DIAL_MILLIS: u32 = 30_000;
/// How long the end of the other side is waited for, once nobody reads any more.
const CLOSE: Duration = Duration::from_secs(10);

type Sent = mpsc::Sender<DialFrame>;

/// Asks the tunnel at the other end of `io` for a connection to `target`.
pub(crate) async fn open(io: Box<dyn Io>, target: &str) -> Result<Box<dyn Io>, String> {
    let mut client = TunnelClient::new(grpc::channel(io).await?)
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE);
    let (sent, waiting) = mpsc::channel(WAITING);
    let open = Open {
        target: target.to_owned(),
        deadline_millis: DIAL_MILLIS,
    };
    let closed = |_| "tunnel closed".to_owned();
    sent.send(frame(Frame::Open(open))).await.map_err(closed)?;
    let span = trace::call("catena.tunnel.v1.Tunnel/Dial");
    let mut call = tonic::Request::new(ReceiverStream::new(waiting));
    if let Some(parent) = span.traceparent()
        && let Ok(value) = parent.parse()
    {
        call.metadata_mut().insert(trace::TRACEPARENT, value);
    }
    let mut frames = client
        .dial(call)
        .await
        .map_err(|e| failure(&e))?
        .into_inner();
    match next(&mut frames).await? {
        Some(Frame::Opened(_)) => {}
        Some(Frame::Error(e)) => return Err(e.reason),
        _ => return Err("tunnel closed".to_owned()),
    }
    let (near, far) = pipe();
    // The span lasts as long as the connection.
    tokio::spawn(span.run(carry(far, sent, frames)));
    Ok(Box::new(near))
}

fn frame(frame: Frame) -> DialFrame {
    DialFrame { frame: Some(frame) }
}

async fn next(frames: &mut Streaming<DialFrame>) -> Result<Option<Frame>, String> {
    let next = frames.message().await.map_err(|e| failure(&e))?;
    Ok(next.and_then(|f| f.frame))
}

/// Until both directions are at their end, or nobody is left who would read.
async fn carry(far: Far, sent: Sent, mut frames: Streaming<DialFrame>) {
    let (reader, mut writer) = tokio::io::split(far.pipe);
    let both = async {
        let outward = async {
            send(reader, sent).await;
            Ok(())
        };
        let ended = tokio::try_join!(outward, receive(&mut frames, &mut writer));
        if let Err(why) = ended {
            tracing::debug!(why, "a connection through the tunnel broke");
            // Before the pipe goes: its reader is to know why.
            let _ = far.broken.set(why);
        }
    };
    let unread = async {
        let _ = far.dropped.await;
        tokio::time::sleep(CLOSE).await;
    };
    tokio::select! {
        () = both => {}
        () = unread => {}
    }
}

async fn send(mut reader: ReadHalf<DuplexStream>, sent: Sent) {
    let mut piece = vec![0; PIECE];
    while let Ok(n) = reader.read(&mut piece).await {
        if n == 0 {
            break;
        }
        let data = Frame::Data(Bytes::copy_from_slice(&piece[..n]));
        if sent.send(frame(data)).await.is_err() {
            return;
        }
    }
    let _ = sent.send(frame(Frame::Eof(Eof {}))).await;
}

async fn receive(
    frames: &mut Streaming<DialFrame>,
    writer: &mut WriteHalf<DuplexStream>,
) -> Result<(), String> {
    loop {
        match next(frames).await? {
            // Nobody may be reading any more; the end is awaited.
            Some(Frame::Data(data)) => drop(writer.write_all(&data).await),
            Some(Frame::Eof(_)) => {
                let _ = writer.shutdown().await;
                return Ok(());
            }
            Some(Frame::Error(e)) => return Err(e.reason),
            Some(Frame::Open(_) | Frame::Opened(_)) => {}
            None => return Err("tunnel closed".to_owned()),
        }
    }
}
