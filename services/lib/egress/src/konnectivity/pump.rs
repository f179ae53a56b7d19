//! Carries the bytes of one connection in packets.

use std::{
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use catena_proto::konnectivity::{CloseRequest, Data, Packet, PacketType, packet::Payload};
use catena_runtime::net::Io;
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, ReadHalf,
    WriteHalf,
};
use tonic::Streaming;

use super::{Sent, failure, packet};
use crate::whole::Whole;

/// Bytes that wait for the reader, and as many for the proxy server.
const BUFFER: usize = 256 << 10;
/// Bytes in a packet.
const PIECE: usize = 32 << 10;
/// The server sends what comes from one agent in one order: a reader that takes
/// nothing for so long would hold up all others (`readTimeoutSeconds`).
const READER: Duration = Duration::from_secs(10);
/// How long the answer to a close is waited for (`CloseTimeout`).
const CLOSE: Duration = Duration::from_secs(10);

/// The connection with this number, which a task carries until either side ends it.
pub(super) fn start(sent: Sent, packets: Streaming<Packet>, id: i64) -> Box<dyn Io> {
    let (near, far) = tokio::io::duplex(BUFFER);
    let broken = Arc::new(OnceLock::new());
    let connection = Connection {
        near,
        broken: broken.clone(),
    };
    tokio::spawn(async move {
        let (reader, writer) = tokio::io::split(far);
        let outward = async {
            send(reader, &sent, id).await;
            tokio::time::sleep(CLOSE).await;
        };
        tokio::select! {
            ended = receive(packets, writer, id) => if let Err(why) = ended {
                tracing::debug!(id, why, "a connection through the proxy server broke");
                let _ = broken.set(why);
            },
            () = outward => {}
        }
    });
    Box::new(Whole::new(connection))
}

/// Until the other end of the pipe is dropped.
async fn send(mut reader: ReadHalf<DuplexStream>, sent: &Sent, id: i64) {
    let mut piece = vec![0; PIECE];
    while let Ok(n) = reader.read(&mut piece).await {
        if n == 0 {
            break;
        }
        let data = Data {
            connect_id: id,
            error: String::new(),
            data: Bytes::copy_from_slice(&piece[..n]),
        };
        let data = packet(PacketType::Data, Payload::Data(data));
        if sent.send(data).await.is_err() {
            return;
        }
    }
    let close = Payload::CloseRequest(CloseRequest { connect_id: id });
    let _ = sent.send(packet(PacketType::CloseReq, close)).await;
}

/// Until the server says that the connection is closed.
async fn receive(
    mut packets: Streaming<Packet>,
    mut writer: WriteHalf<DuplexStream>,
    id: i64,
) -> Result<(), String> {
    loop {
        let Some(packet) = packets.message().await.map_err(|e| failure(&e))? else {
            return Err("tunnel closed".to_owned());
        };
        match packet.payload {
            Some(Payload::Data(data)) if data.connect_id == id => {
                // Nobody reads any more once the connection is dropped; the close is awaited.
                let written = tokio::time::timeout(READER, writer.write_all(&data.data));
                let _ = written
                    .await
                    .map_err(|_| format!("nothing was read for {} s", READER.as_secs()))?;
            }
            Some(Payload::CloseResponse(close)) if close.connect_id == id => {
                return match close.error {
                    why if why.is_empty() => Ok(()),
                    why => Err(why),
                };
            }
            _ => {}
        }
    }
}

/// The near end of the pipe: its end is an error where the connection broke.
struct Connection {
    near: DuplexStream,
    broken: Arc<OnceLock<String>>,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.near).poll_read(cx, buf);
        match (&read, self.broken.get()) {
            (Poll::Ready(Ok(())), Some(why)) if buf.filled().len() == before => {
                let why = io::Error::new(io::ErrorKind::ConnectionReset, why.clone());
                Poll::Ready(Err(why))
            }
            _ => read,
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.near).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.near).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.near).poll_shutdown(cx)
    }
}
