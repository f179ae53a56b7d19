//! One session that a node's agent opened, shared by all its streams.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use catena_proto::tunnel::v1::Stage;
use catena_runtime::net::Io;
use futures_util::task::noop_waker_ref;
use h2::{
    RecvStream, SendStream,
    client::{Builder, SendRequest},
};
use http::{Method, Request, StatusCode, Uri};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::wire;
use crate::{failure::Failure, limits, metrics::Metrics, stream, stream::Stream, target::Target};

/// An open session. It lives as long as it, or one of its streams, is held.
pub(crate) struct Session {
    requests: SendRequest<Bytes>,
    closed: CancellationToken,
    /// No new streams: another session serves them.
    retired: CancellationToken,
    streams: AtomicUsize,
    metrics: Arc<Metrics>,
}

/// Who this replica is to agents.
#[derive(Clone, Debug)]
pub(crate) struct Replica {
    pub(crate) id: String,
    /// Replicas in all; 0: not said.
    pub(crate) of: u32,
}

impl Session {
    /// Greets the agent at the other end, which may not want the session. The
    /// session ends at `cut`.
    ///
    /// # Errors
    /// When the agent says no, or does not say what it should in time.
    pub(crate) async fn start(
        io: impl Io,
        replica: &Replica,
        metrics: Arc<Metrics>,
        cut: CancellationToken,
    ) -> Result<Arc<Self>, Failure> {
        let failed = |e: h2::Error| Failure::new(Stage::Handshake, e);
        let (requests, mut connection) = builder().handshake(io).await.map_err(failed)?;
        let closed = CancellationToken::new();
        let ended = closed.clone().drop_guard();
        let pings = connection.ping_pong();
        tokio::spawn(async move {
            let _ended = ended;
            let silent = async {
                match pings {
                    Some(pings) => wire::alive(pings).await,
                    None => std::future::pending().await,
                }
            };
            let why = tokio::select! {
                ended = connection => ended.err().map(io::Error::other),
                why = silent => Some(why),
                () = cut.cancelled() => None,
            };
            if let Some(why) = why {
                tracing::debug!(error = %why, "a session of an agent ended");
            }
        });
        let session = Arc::new(Self {
            requests,
            closed,
            retired: CancellationToken::new(),
            streams: AtomicUsize::new(0),
            metrics,
        });
        let hello = Request::get(wire::HELLO)
            .header(wire::REPLICA, &replica.id)
            .header(wire::REPLICAS, replica.of);
        match timeout(limits::FIRST_FRAME, session.ask(hello)).await {
            Ok(Ok(StatusCode::NO_CONTENT)) => Ok(session),
            Ok(Ok(status)) => {
                let why = format!("the agent does not want the session: {status}");
                Err(Failure::new(Stage::Handshake, why))
            }
            Ok(Err(f)) => Err(f),
            Err(_) => Err(Failure::new(Stage::Handshake, "no answer of the agent")),
        }
    }

    async fn ask(&self, request: http::request::Builder) -> Result<StatusCode, Failure> {
        let failed = |e: h2::Error| Failure::new(Stage::Handshake, e);
        let request = request
            .body(())
            .map_err(|e| Failure::new(Stage::Request, e))?;
        let mut requests = self.requests.clone().ready().await.map_err(failed)?;
        let (answer, _) = requests.send_request(request, true).map_err(failed)?;
        Ok(answer.await.map_err(failed)?.status())
    }

    /// Asks the agent for another session, which is to take the place of this one.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) async fn renew(&self) -> Result<(), Failure> {
        let asked = self.ask(Request::post(wire::RENEW));
        match timeout(limits::FIRST_FRAME, asked).await {
            Ok(answer) => answer.map(drop),
            Err(_) => Err(Failure::new(Stage::Stream, "no answer of the agent")),
        }
    }

    /// Ends when there will be no new streams.
    pub(crate) async fn done(&self) {
        tokio::select! {
            () = self.closed.cancelled() => {}
            () = self.retired.cancelled() => {}
        }
    }

    /// There are to be no new streams; with the last one the session ends.
    pub(crate) fn retire(&self) {
        self.retired.cancel();
    }

    /// Whether new streams can be had: an agent that ends has said so before its
    /// last stream ended.
    pub(crate) fn is_usable(&self) -> bool {
        if self.closed.is_cancelled() || self.retired.is_cancelled() {
            return false;
        }
        let mut now = Context::from_waker(noop_waker_ref());
        let ready = self.requests.clone().poll_ready(&mut now);
        !matches!(ready, Poll::Ready(Err(_)))
    }

    /// Streams that are open.
    pub(crate) fn streams(&self) -> usize {
        self.streams.load(Relaxed)
    }

    /// Asks the node to connect to `target`. To drop the future gives it up.
    ///
    /// # Errors
    /// Stage channel when the node answers no or not in time, stage stream when
    /// the session ends meanwhile.
    pub(crate) async fn open(
        self: &Arc<Self>,
        target: &Target,
        deadline: Duration,
    ) -> Result<Stream, Failure> {
        let asked = timeout(deadline, self.connect(target, deadline)).await;
        asked.unwrap_or_else(|_| {
            let why = format!("the node did not connect to {target} in {deadline:?}");
            Err(Failure::new(Stage::Channel, why))
        })
    }

    async fn connect(
        self: &Arc<Self>,
        target: &Target,
        deadline: Duration,
    ) -> Result<Stream, Failure> {
        if self.streams() >= wire::STREAMS as usize {
            let why = "the session of the node has all the streams that it can have";
            return Err(Failure::new(Stage::NoTunnel, why));
        }
        let open = Arc::new(Open::new(Arc::clone(self)));
        let uri: Uri = target
            .to_string()
            .parse()
            .map_err(|e| Failure::new(Stage::Request, e))?;
        let millis = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        let request = Request::builder()
            .method(Method::CONNECT)
            .uri(uri)
            .header(wire::DEADLINE, millis)
            .body(())
            .map_err(|e| Failure::new(Stage::Request, e))?;
        let mut requests = self
            .requests
            .clone()
            .ready()
            .await
            .map_err(|e| broken(&e))?;
        let (answer, to) = requests
            .send_request(request, false)
            .map_err(|e| broken(&e))?;
        let answer = answer.await.map_err(|e| broken(&e))?;
        let status = answer.status();
        let from = answer.into_body();
        if status != StatusCode::OK {
            return Err(refused(status, from).await);
        }
        let (reader, writer) = (
            Reader {
                from,
                open: Arc::clone(&open),
            },
            Writer { to, open },
        );
        Ok(Stream {
            reader: stream::Reader::Reverse(reader),
            writer: stream::Writer::Reverse(writer),
        })
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(wire::WINDOW)
        .initial_connection_window_size(wire::CONNECTION_WINDOW)
        .initial_max_send_streams(1)
        .max_frame_size(wire::FRAME)
        .max_header_list_size(wire::HEADERS)
        .max_send_buffer_size(wire::WINDOW as usize)
        .max_concurrent_reset_streams(wire::RESETS)
        // What nobody reads any more may still be under way.
        .max_local_error_reset_streams(None);
    builder
}

fn broken(e: &h2::Error) -> Failure {
    Failure::new(Stage::Stream, wire::said(e))
}

/// The stage follows from the status, the reason is the body.
async fn refused(status: StatusCode, mut body: RecvStream) -> Failure {
    let mut text = BytesMut::new();
    while let Some(Ok(piece)) = body.data().await {
        let left = wire::REASON - text.len();
        text.extend_from_slice(&piece[..piece.len().min(left)]);
        if text.len() == wire::REASON {
            break;
        }
    }
    let stage = match status {
        StatusCode::BAD_REQUEST => Stage::Request,
        StatusCode::SERVICE_UNAVAILABLE => Stage::NoTunnel,
        _ => Stage::Channel,
    };
    Failure::new(stage, String::from_utf8_lossy(&text))
}

/// A stream that is open, for whoever counts.
struct Open {
    session: Arc<Session>,
}

impl Open {
    fn new(session: Arc<Session>) -> Self {
        session.streams.fetch_add(1, Relaxed);
        session.metrics.streams.inc();
        Self { session }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.session.streams.fetch_sub(1, Relaxed);
        self.session.metrics.streams.dec();
    }
}

/// The direction from the node. With the writer it is the stream: when both are
/// dropped before their ends, the stream is reset.
pub(crate) struct Reader {
    from: RecvStream,
    open: Arc<Open>,
}

impl Reader {
    /// The next piece; none at the end of the direction.
    pub(crate) async fn recv(&mut self) -> Option<Result<Bytes, Failure>> {
        loop {
            match self.from.data().await? {
                // The end may have a frame of its own.
                Ok(piece) if piece.is_empty() => {}
                Ok(piece) => {
                    // What was taken makes room; it fails only when the stream is gone.
                    let _ = self.from.flow_control().release_capacity(piece.len());
                    let metrics = &self.open.session.metrics;
                    metrics.bytes_from.inc_by(piece.len() as u64);
                    return Some(Ok(piece));
                }
                Err(e) => return Some(Err(broken(&e))),
            }
        }
    }
}

/// The direction to the node.
pub(crate) struct Writer {
    to: SendStream<Bytes>,
    open: Arc<Open>,
}

impl Writer {
    /// Waits while the node takes nothing.
    ///
    /// # Errors
    /// When the session ended or the node closed the connection.
    pub(crate) async fn write(&mut self, data: Bytes) -> Result<(), Failure> {
        let n = data.len() as u64;
        wire::send(&mut self.to, data)
            .await
            .map_err(|e| broken(&e))?;
        self.open.session.metrics.bytes_to.inc_by(n);
        Ok(())
    }

    /// No data follows in this direction.
    ///
    /// # Errors
    /// When the session ended.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        let ended = self.to.send_data(Bytes::new(), true);
        ended.map_err(|e| broken(&e))
    }
}
