//! Connections over gRPC through konnectivity's proxy server
//! (`konnectivity-client/pkg/client`). Each has a gRPC connection of its own, as
//! the server's own client does it: the server answers all streams of an agent
//! one after the other, and a connection is what it drops when it is in trouble.

mod pump;

use catena_proto::konnectivity::{
    DialRequest, Packet, PacketType, packet::Payload, proxy_service_client::ProxyServiceClient,
};
use catena_runtime::net::Io;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::grpc::{self, MAX_MESSAGE, failure};

/// Packets that wait to be sent.
const WAITING: usize = 4;
type Sent = mpsc::Sender<Packet>;

/// Asks the proxy server at the other end of `io` for a connection to `target`.
/// Dropping the future ends the stream, and with it what the server has begun.
pub(crate) async fn open(io: Box<dyn Io>, target: &str) -> Result<Box<dyn Io>, String> {
    let mut client = ProxyServiceClient::new(grpc::channel(io).await?)
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE);
    let random = rand::random_range(1..i64::MAX);
    let (sent, waiting) = mpsc::channel(WAITING);
    let request = DialRequest {
        protocol: "tcp".to_owned(),
        address: target.to_owned(),
        random,
    };
    let closed = |_| "tunnel closed".to_owned();
    let request = packet(PacketType::DialReq, Payload::DialRequest(request));
    sent.send(request).await.map_err(closed)?;
    let mut packets = client
        .proxy(ReceiverStream::new(waiting))
        .await
        .map_err(|e| failure(&e))?
        .into_inner();
    let id = answer(&mut packets, random).await?;
    Ok(pump::start(sent, packets, id))
}

/// The number of the connection.
async fn answer(packets: &mut Streaming<Packet>, random: i64) -> Result<i64, String> {
    while let Some(packet) = packets.message().await.map_err(|e| failure(&e))? {
        match packet.payload {
            Some(Payload::DialResponse(answer)) if answer.random == random => {
                return if answer.error.is_empty() {
                    Ok(answer.connect_id)
                } else {
                    Err(answer.error)
                };
            }
            Some(Payload::CloseDial(close)) if close.random == random => {
                return Err("dial closed".to_owned());
            }
            _ => {}
        }
    }
    Err("tunnel closed".to_owned())
}

fn packet(kind: PacketType, payload: Payload) -> Packet {
    Packet {
        r#type: kind.into(),
        payload: Some(payload),
    }
}
