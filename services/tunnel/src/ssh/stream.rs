//! One connection through a session: bytes in both directions, each with its end.

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use bytes::{Bytes, BytesMut};
use catena_proto::tunnel::v1::Stage;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, client::Msg};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Session, ended};
use crate::{
    failure::Failure,
    limits,
    stream::{self, Stream},
};

/// The direction to the node.
pub(crate) struct Writer {
    half: Arc<Half>,
    _dropped: DropGuard,
}

/// The channel's end of both halves.
struct Half {
    channel: Option<ChannelWriteHalf<Msg>>,
    session: Arc<Session>,
    /// The channel is closed: nobody takes what is written.
    gone: CancellationToken,
}

/// The stream of a channel, which is closed when both halves are dropped.
pub(super) fn start(session: Arc<Session>, channel: Channel<Msg>) -> Stream {
    session.streams.fetch_add(1, Relaxed);
    session.metrics.streams.inc();
    let (from, to) = channel.split();
    let half = Arc::new(Half {
        channel: Some(to),
        session,
        gone: CancellationToken::new(),
    });
    // One piece: what is not taken stays in the pump, which counts it.
    let (tx, reader) = mpsc::channel(1);
    let unwritten = CancellationToken::new();
    let writer = Writer {
        half: Arc::clone(&half),
        _dropped: unwritten.clone().drop_guard(),
    };
    tokio::spawn(async move {
        let _gone = half.gone.clone().drop_guard();
        let Some(mut from) = pump(from, &half, tx).await else {
            return;
        };
        // The other direction goes on, until either side closes.
        let closed = async { while from.wait().await.is_some_and(|m| !ends(&m)) {} };
        tokio::select! {
            () = closed => {}
            () = unwritten.cancelled() => {}
        }
    });
    Stream {
        reader: stream::Reader::Ssh(reader),
        writer: stream::Writer::Ssh(writer),
    }
}

impl Writer {
    /// Waits while the node takes nothing.
    ///
    /// # Errors
    /// When the session ended or the node closed the channel.
    pub(crate) async fn write(&self, data: Bytes) -> Result<(), Failure> {
        let half = &self.half;
        let Some(channel) = &half.channel else {
            return Err(ended());
        };
        let n = data.len() as u64;
        tokio::select! {
            biased;
            () = half.session.closed() => return Err(ended()),
            () = half.gone.cancelled() => return Err(closed()),
            sent = channel.data_bytes(data) => sent.map_err(|_| ended())?,
        }
        half.session.metrics.bytes_to.inc_by(n);
        Ok(())
    }

    /// No data follows in this direction.
    ///
    /// # Errors
    /// When the session ended.
    pub(crate) async fn finish(&self) -> Result<(), Failure> {
        match &self.half.channel {
            Some(channel) => channel.eof().await.map_err(|_| ended()),
            None => Err(ended()),
        }
    }
}

fn closed() -> Failure {
    Failure::new(Stage::Stream, "the node closed the connection")
}

fn ends(message: &ChannelMsg) -> bool {
    matches!(message, ChannelMsg::Close)
}

impl Half {
    async fn grow(&self, taken: usize) {
        let amount = u32::try_from(taken).unwrap_or(u32::MAX);
        if let Some(channel) = &self.channel {
            let _ = channel.adjust_window(amount).await;
        }
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        self.session.streams.fetch_sub(1, Relaxed);
        self.session.metrics.streams.dec();
        if let Some(channel) = self.channel.take() {
            // The session lives until the message is under way.
            let session = Arc::clone(&self.session);
            tokio::spawn(async move {
                let _ = channel.close().await;
                drop(session);
            });
        }
    }
}

/// Takes everything the session has for this stream, so that a reader who
/// pauses holds up no other stream: the window, which grows only as the reader
/// takes data, is what bounds the queue. Gives the channel back at the end of
/// the direction, unless it is closed.
async fn pump(
    mut from: ChannelReadHalf,
    half: &Half,
    tx: mpsc::Sender<Result<Bytes, Failure>>,
) -> Option<ChannelReadHalf> {
    let mut queue = Queue::default();
    let (mut open, mut closed, mut taken) = (true, false, 0);
    while open || !queue.pieces.is_empty() {
        tokio::select! {
            message = from.wait(), if open => match message {
                Some(ChannelMsg::Data { data }) => {
                    queue.push(data);
                    if queue.bytes > 2 * limits::WINDOW as usize {
                        let why = "the node sends more than its window";
                        let _ = tx.send(Err(Failure::new(Stage::Stream, why))).await;
                        return None;
                    }
                }
                Some(ChannelMsg::Eof) => open = false,
                Some(m) if ends(&m) => (open, closed) = (false, true),
                Some(_) => {}
                None => {
                    let _ = tx.send(Err(ended())).await;
                    return None;
                }
            },
            permit = tx.reserve(), if !queue.pieces.is_empty() => {
                let piece = queue.pop();
                taken += piece.len();
                half.session.metrics.bytes_from.inc_by(piece.len() as u64);
                permit.ok()?.send(Ok(piece));
                if taken >= limits::WINDOW_STEP as usize && open {
                    half.grow(std::mem::take(&mut taken)).await;
                }
            }
            () = tx.closed() => return None,
        }
    }
    (!closed).then_some(from)
}

/// What is appended to the piece before it.
const SMALL: usize = 1 << 10;

#[derive(Default)]
struct Queue {
    pieces: VecDeque<Bytes>,
    bytes: usize,
}

impl Queue {
    fn push(&mut self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        self.bytes += piece.len();
        // Bytes that come one by one must not cost an allocation each.
        if piece.len() < SMALL
            && let Some(last) = self.pieces.pop_back_if(|l| l.len() < limits::CHUNK / 2)
        {
            let mut joined = BytesMut::from(last);
            joined.extend_from_slice(&piece);
            self.pieces.push_back(joined.freeze());
        } else {
            self.pieces.push_back(piece);
        }
    }

    /// The next piece; small ones that wait already are joined.
    fn pop(&mut self) -> Bytes {
        let first = self.pieces.pop_front().unwrap_or_default();
        let next = self.pieces.front().map_or(0, Bytes::len);
        let piece = if next == 0 || first.len() + next > limits::CHUNK {
            first
        } else {
            let mut joined = BytesMut::with_capacity(limits::CHUNK.min(self.bytes));
            joined.extend_from_slice(&first);
            while let Some(next) = self.pieces.front()
                && joined.len() + next.len() <= limits::CHUNK
            {
                joined.extend_from_slice(next);
                self.pieces.pop_front();
            }
            joined.freeze()
        };
        self.bytes -= piece.len();
        piece
    }
}
