//! Requests that become raw bytes in both directions.

use std::sync::Arc;

use bytes::Bytes;
use catena_delegate::{ByteStream, Outcome, Response};
use catena_objects::Status;
use futures_util::StreamExt as _;
use http::StatusCode;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    Front,
    body::{FrontBody, to_http},
    call::Call,
    route,
};

/// Pieces of input that wait for a delegate: back-pressure reaches the client.
const WAITING: usize = 8;
const PIECE: usize = 64 << 10;

/// Asks the chain; after 101 joins both ends.
pub(crate) async fn answer(
    front: &Arc<Front>,
    call: &mut Call,
    mut request: http::Request<Incoming>,
) -> Result<http::Response<FrontBody>, Status> {
    let on_upgrade = hyper::upgrade::on(&mut request);
    let (tx, rx) = tokio::sync::mpsc::channel::<Result<Bytes, Status>>(WAITING);
    let mut delegated = route::delegated(call, Bytes::new());
    for name in [http::header::UPGRADE, http::header::CONNECTION] {
        if let Some(value) = call.headers.get(&name) {
            delegated.headers.insert(name, value.clone());
        }
    }
    let owner = front.links.iter().find(|l| l.claims(&call.path));
    let Some(owner) = owner.or(front.links.last()) else {
        return Ok(to_http(route::no_such_path()));
    };
    let input: ByteStream = ReceiverStream::new(rx).boxed();
    let response = match owner.delegate.upgrade(delegated, input).await? {
        Outcome::Served(response) => response,
        Outcome::NotMine => route::no_such_path(),
    };
    if response.status != StatusCode::SWITCHING_PROTOCOLS.as_u16() {
        return Ok(to_http(response));
    }
    let Response {
        status,
        headers,
        body,
        ..
    } = response;
    tokio::spawn(call.span.clone().run(async move {
        let Ok(upgraded) = on_upgrade.await else {
            return;
        };
        let (mut reader, mut writer) = tokio::io::split(TokioIo::new(upgraded));
        let inward = async move {
            let mut buffer = vec![0; PIECE];
            while let Ok(n) = reader.read(&mut buffer).await {
                if n == 0
                    || tx
                        .send(Ok(Bytes::copy_from_slice(&buffer[..n])))
                        .await
                        .is_err()
                {
                    break;
                }
            }
        };
        let outward = async move {
            let mut stream = body.into_bytes();
            while let Some(Ok(piece)) = stream.next().await {
                if writer.write_all(&piece).await.is_err() || writer.flush().await.is_err() {
                    return;
                }
            }
            let _ = writer.shutdown().await;
        };
        // The server's end is the end; the client may close its half before.
        tokio::select! {
            () = outward => {}
            () = async { inward.await; std::future::pending::<()>().await } => {}
        }
    }));
    let mut answer = http::Response::new(FrontBody::empty());
    *answer.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *answer.headers_mut() = headers;
    Ok(answer)
}
