//! Carries the bytes of one connection in packets.

use std::time::Duration;

use bytes::Bytes;
use catena_proto::konnectivity::{CloseRequest, Data, Packet, PacketType, packet::Payload};
use catena_runtime::net::Io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf};
use tonic::Streaming;

use super::{Sent, packet};
use crate::{grpc::failure, pipe::pipe, whole::Whole};

/// Bytes in a packet.
const PIECE: usize = 32 << 10;
/// The server sends what comes from one agent in one order: a reader that takes
/// nothing for so long would hold up all others (`readTimeoutSeconds`).
const READER: Duration = Duration::from_secs(10);
/// How long the answer to a close is waited for (`CloseTimeout`).
const CLOSE: Duration = Duration::from_secs(10);

/// The connection with this number, which a task carries until either side ends it.
pub(super) fn start(sent: Sent, packets: Streaming<Packet>, id: i64) -> Box<dyn Io> {
    let (near, far) = pipe();
    tokio::spawn(async move {
        let (reader, mut writer) = tokio::io::split(far.pipe);
        let outward = async {
            send(reader, &sent, id).await;
            tokio::time::sleep(CLOSE).await;
        };
        let inward = async {
            if let Err(why) = receive(packets, &mut writer, id).await {
                tracing::debug!(id, why, "a connection through the proxy server broke");
                // Before the pipe goes: its reader is to know why.
                let _ = far.broken.set(why);
            }
        };
        tokio::select! {
            () = inward => {}
            () = outward => {}
        }
    });
    Box::new(Whole::new(near))
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
    writer: &mut WriteHalf<DuplexStream>,
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
