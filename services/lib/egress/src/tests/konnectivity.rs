//! A proxy server that does what the real one does seldom.

use std::{pin::Pin, time::Duration};

use bytes::Bytes;
use catena_proto::konnectivity::{
    CloseDial, CloseResponse, Data, DialResponse, Packet, PacketType,
    packet::Payload,
    proxy_service_server::{ProxyService, ProxyServiceServer},
};
use catena_runtime::net::Io;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::mpsc,
};
use tokio_stream::{Stream, StreamExt as _, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, Streaming};

use crate::konnectivity::open;

type Answers = mpsc::Sender<Result<Packet, Status>>;
type Answered = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Does as told with one stream.
struct Server(fn(Streaming<Packet>, Answers) -> Answered);

#[tonic::async_trait]
impl ProxyService for Server {
    type ProxyStream = Pin<Box<dyn Stream<Item = Result<Packet, Status>> + Send>>;

    async fn proxy(
        &self,
        request: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::ProxyStream>, Status> {
        let (tx, rx) = mpsc::channel(4);
        tokio::spawn((self.0)(request.into_inner(), tx));
        Ok(Response::new(Box::pin(ReceiverStream::new(rx))))
    }
}

/// A connection to `a:1` by a server that does so.
async fn opened(serve: fn(Streaming<Packet>, Answers) -> Answered) -> Result<Box<dyn Io>, String> {
    let (near, far) = tokio::io::duplex(64 << 10);
    tokio::spawn(async move {
        let incoming = tokio_stream::once(Ok::<_, std::io::Error>(far));
        // Connections that come after the only one: there are none.
        let incoming = incoming.chain(tokio_stream::pending());
        tonic::transport::Server::builder()
            .add_service(ProxyServiceServer::new(Server(serve)))
            .serve_with_incoming(incoming)
            .await
    });
    open(Box::new(near), "a:1").await
}

fn packet(payload: Payload) -> Result<Packet, Status> {
    let kind = match &payload {
        Payload::DialResponse(_) => PacketType::DialRsp,
        Payload::CloseDial(_) => PacketType::DialCls,
        Payload::CloseResponse(_) => PacketType::CloseRsp,
        _ => PacketType::Data,
    };
    Ok(Packet {
        r#type: kind.into(),
        payload: Some(payload),
    })
}

/// The random number of the dial.
async fn asked(packets: &mut Streaming<Packet>) -> i64 {
    let packet = packets.message().await.expect("a packet").expect("one");
    let Some(Payload::DialRequest(dial)) = packet.payload else {
        panic!("the first packet dials");
    };
    assert_eq!((&*dial.protocol, &*dial.address), ("tcp", "a:1"));
    dial.random
}

fn answer(random: i64, error: &str) -> Result<Packet, Status> {
    packet(Payload::DialResponse(DialResponse {
        error: error.to_owned(),
        connect_id: 7,
        random,
    }))
}

fn data(connect_id: i64, bytes: &'static [u8]) -> Result<Packet, Status> {
    packet(Payload::Data(Data {
        connect_id,
        error: String::new(),
        data: Bytes::from_static(bytes),
    }))
}

#[tokio::test]
async fn what_is_for_others_is_not_taken() {
    let mut io = opened(|mut packets, answers| {
        Box::pin(async move {
            let random = asked(&mut packets).await;
            let _ = answers.send(answer(random + 1, "not for you")).await;
            let _ = answers.send(answer(random, "")).await;
            let _ = answers.send(data(8, b"not for you")).await;
            let _ = answers.send(data(7, b"for you")).await;
            let close = CloseResponse {
                error: String::new(),
                connect_id: 7,
            };
            let _ = answers.send(packet(Payload::CloseResponse(close))).await;
            let _ = packets.message().await;
        })
    })
    .await
    .expect("a connection");
    let mut all = Vec::new();
    io.read_to_end(&mut all).await.expect("the end");
    assert_eq!(all, b"for you");
}

#[tokio::test]
async fn failures_are_told_as_the_server_tells_them() {
    let refused = opened(|mut packets, answers| {
        Box::pin(async move {
            let random = asked(&mut packets).await;
            let _ = answers.send(answer(random, "No agent available")).await;
            let _ = packets.message().await;
        })
    });
    assert_eq!(refused.await.err().expect("no"), "No agent available");
    let closed = opened(|mut packets, answers| {
        Box::pin(async move {
            let random = asked(&mut packets).await;
            let close = Payload::CloseDial(CloseDial { random });
            let _ = answers.send(packet(close)).await;
            let _ = packets.message().await;
        })
    });
    assert_eq!(closed.await.err().expect("no"), "dial closed");
    let ended = opened(|mut packets, _| {
        Box::pin(async move {
            asked(&mut packets).await;
        })
    });
    assert_eq!(ended.await.err().expect("no"), "tunnel closed");
    let failed = opened(|_, answers| {
        Box::pin(async move {
            let _ = answers.send(Err(Status::unavailable("going away"))).await;
        })
    });
    assert_eq!(
        failed.await.err().expect("no"),
        "rpc error: code = Unavailable desc = going away"
    );
}

/// A connection that breaks must not look as if the server had ended it.
#[tokio::test]
async fn a_break_is_an_error() {
    let mut io = opened(|mut packets, answers| {
        Box::pin(async move {
            let random = asked(&mut packets).await;
            let _ = answers.send(answer(random, "")).await;
            let _ = answers.send(data(7, b"half")).await;
            let _ = answers.send(Err(Status::unavailable("going away"))).await;
        })
    })
    .await
    .expect("a connection");
    let mut all = Vec::new();
    let broken = io.read_to_end(&mut all).await.expect_err("it broke");
    assert_eq!(broken.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(all, b"half");
}

/// Dropping the connection asks the server to close it.
#[tokio::test]
async fn a_dropped_connection_is_closed() {
    let mut io = opened(|mut packets, answers| {
        Box::pin(async move {
            let random = asked(&mut packets).await;
            let _ = answers.send(answer(random, "")).await;
            let mut seen = Vec::new();
            while let Ok(Some(packet)) = packets.message().await {
                match packet.payload {
                    Some(Payload::Data(data)) => seen.extend_from_slice(&data.data),
                    Some(Payload::CloseRequest(close)) => {
                        assert_eq!((close.connect_id, &*seen), (7, &b"bye"[..]));
                        CLOSED.add_permits(1);
                    }
                    _ => {}
                }
            }
        })
    })
    .await
    .expect("a connection");
    io.write_all(b"bye").await.expect("written");
    drop(io);
    let closed = tokio::time::timeout(Duration::from_secs(10), CLOSED.acquire());
    assert!(closed.await.is_ok());
}

static CLOSED: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(0);
