//! Both ends of a translated connection, for a fuzzer to speak to.

use bytes::Bytes;
use catena_endpoints::websocket;
use catena_objects::Status;
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;

use super::translated::{self, MOST, Streams};

/// Every stream there is but the one that a terminal does not have.
const OPTIONS: &str = "stdin=true&stdout=true&stderr=true";
/// Frames that wait; what is read in a test is bounded by its input.
const WAITING: usize = 1024;

/// What a client is told at the end of a connection on which its kubelet sent
/// `bytes`, all of which are read.
///
/// # Errors
/// Where these are no frames.
pub async fn from_kubelet(bytes: Bytes) -> Result<Bytes, String> {
    let (socket, output) = websocket::open(stream::pending().boxed(), MOST).await;
    let (mut sink, _source) = socket.split();
    let (frames, mut waiting) = mpsc::channel(WAITING);
    let body = stream::iter([Ok(bytes)]).boxed();
    let streams = Streams::new(OPTIONS);
    let ended = async {
        let ended = translated::outward(body, &mut sink, &frames, streams).await;
        drop((sink, frames));
        ended
    };
    let read = output.for_each(|_| std::future::ready(()));
    let answers = async { while waiting.recv().await.is_some() {} };
    tokio::select! {
        ended = ended => ended,
        () = async { tokio::join!(read, answers); } => Err("closed".to_owned()),
    }
}

/// The frames for a kubelet of what a client sent on its WebSocket.
pub async fn from_client(bytes: Bytes) -> Vec<Bytes> {
    let input = stream::iter([Ok::<_, Status>(bytes)]).boxed();
    let (socket, output) = websocket::open(input, MOST).await;
    let (_sink, mut source) = socket.split();
    let (frames, mut waiting) = mpsc::channel(WAITING);
    let mut out = Vec::new();
    let reads = async {
        translated::inward(&mut source, &frames, Streams::new(OPTIONS)).await;
        drop(frames);
    };
    let gathers = async {
        while let Some(Ok(frame)) = waiting.recv().await {
            out.push(frame);
        }
    };
    let answers = output.for_each(|_| std::future::ready(()));
    tokio::select! {
        _ = async { tokio::join!(reads, gathers) } => {}
        () = answers => {}
    }
    out
}
