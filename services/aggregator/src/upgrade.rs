//! Requests that become raw bytes in both directions.

use std::sync::Arc;

use bytes::Bytes;
use catena_delegate::{ByteStream, Outcome, Response};
use catena_endpoints::websocket;
use catena_objects::Status;
use futures_util::StreamExt as _;
use http::StatusCode;
use hyper::{body::Incoming, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::mpsc::{self, Sender},
};
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    Front,
    body::{FrontBody, to_http},
    call::Call,
    metrics, route,
};

/// Pieces of input that wait for a delegate: back-pressure reaches the client.
const WAITING: usize = 8;
const PIECE: usize = 64 << 10;

type Input = Sender<Result<Bytes, Status>>;

/// Asks the chain; after 101 joins both ends.
pub(crate) async fn answer(
    front: &Arc<Front>,
    call: &Call,
    mut request: http::Request<Incoming>,
) -> Result<http::Response<FrontBody>, Status> {
    let on_upgrade = hyper::upgrade::on(&mut request);
    let (tx, rx) = mpsc::channel(WAITING);
    let input: ByteStream = ReceiverStream::new(rx).boxed();
    let response = match is_watch(call) {
        true => watch(front, call, input).await?,
        false => delegated(front, call, input).await?,
    };
    if response.status != StatusCode::SWITCHING_PROTOCOLS.as_u16() {
        return Ok(to_http(response));
    }
    let mut answer = http::Response::new(FrontBody::empty());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *answer.headers_mut() = response.headers;
    let body = response.body.into_bytes();
    tokio::spawn(call.span.clone().run(join(on_upgrade, tx, body)));
    Ok(answer)
}

/// A watch over WebSocket is asked for as any other, and its events become
/// messages here: only who makes the messages can end the socket as it is to be
/// ended when a delegate is lost.
fn is_watch(call: &Call) -> bool {
    call.info.is_resource && call.info.verb == "watch" && websocket::is_wanted(&call.headers)
}

async fn watch(front: &Front, call: &Call, input: ByteStream) -> Result<Response, Status> {
    let request = route::delegated(call, Bytes::new());
    let answer = route::chain(front, &call.path, request).await?;
    let answer = front.until_drained(metrics::counted_events(call, answer), call);
    websocket::watch::serve(&call.headers, input, answer).await
}

async fn delegated(front: &Front, call: &Call, input: ByteStream) -> Result<Response, Status> {
    let mut request = route::delegated(call, Bytes::new());
    for name in [http::header::UPGRADE, http::header::CONNECTION] {
        if let Some(value) = call.headers.get(&name) {
            request.headers.insert(name, value.clone());
        }
    }
    let owner = front.links.iter().find(|l| l.claims(&call.path));
    let Some(owner) = owner.or(front.links.last()) else {
        return Ok(route::no_such_path());
    };
    Ok(match owner.delegate.upgrade(request, input).await? {
        Outcome::Served(response) => response,
        Outcome::NotMine => route::no_such_path(),
    })
}

/// Moves bytes until the server's end; the client may close its half before.
async fn join(on_upgrade: OnUpgrade, tx: Input, mut body: ByteStream) {
    let Ok(upgraded) = on_upgrade.await else {
        return;
    };
    let (mut reader, mut writer) = tokio::io::split(TokioIo::new(upgraded));
    let inward = async move {
        let mut buffer = vec![0; PIECE];
        while let Ok(n) = reader.read(&mut buffer).await {
            let piece = Bytes::copy_from_slice(&buffer[..n]);
            if n == 0 || tx.send(Ok(piece)).await.is_err() {
                break;
            }
        }
    };
    let outward = async move {
        while let Some(Ok(piece)) = body.next().await {
            if writer.write_all(&piece).await.is_err() || writer.flush().await.is_err() {
                return;
            }
        }
        let _ = writer.shutdown().await;
    };
    tokio::select! {
        () = outward => {}
        () = async { inward.await; std::future::pending::<()>().await } => {}
    }
}
