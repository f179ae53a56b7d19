//! The gRPC door: a call is a connection.

use std::{io, sync::Arc, time::Duration};

use catena_proto::tunnel::v1::{
    DialFrame, Eof, Open, Opened, Stage,
    dial_frame::Frame,
    tunnel_server::{Tunnel, TunnelServer},
};
use catena_runtime::net::Listener;
use catena_telemetry::trace;
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use crate::{
    accept::{self, Guard},
    failure::Failure,
    limits,
    pool::Pool,
    stream::{Stream, Writer},
    target::Target,
};

/// A stream's window bounds what waits for a node; the connection's has room
/// for many streams that wait, so that they hold up no others.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 30;
const MAX_STREAMS: u32 = 10_000;
/// Largest frame: the contract says 256 KiB of data.
const MESSAGE: usize = (256 << 10) + 1024;
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
const HEADER_LIST: u32 = 16 << 10;

type Frames = mpsc::Sender<Result<DialFrame, Status>>;

struct Service {
    pool: Arc<Pool>,
    stop: CancellationToken,
}

#[tonic::async_trait]
impl Tunnel for Service {
    type DialStream = ReceiverStream<Result<DialFrame, Status>>;

    async fn dial(
        &self,
        request: Request<Streaming<DialFrame>>,
    ) -> Result<Response<Self::DialStream>, Status> {
        let (tx, rx) = mpsc::channel(1);
        let (pool, stop) = (Arc::clone(&self.pool), self.stop.clone());
        let parent = request.metadata().get(trace::TRACEPARENT);
        let parent = parent.and_then(|v| v.to_str().ok()).unwrap_or_default();
        // It lasts as long as the connection.
        let span = trace::served("catena.tunnel.v1.Tunnel/Dial", parent);
        tokio::spawn(span.clone().run(async move {
            let served = tokio::select! {
                served = serve(&pool, request.into_inner(), &tx) => served,
                () = stop.cancelled() => Err(Failure::new(Stage::Stream, "the tunnel is shutting down")),
                // The caller dropped the call.
                () = tx.closed() => return,
            };
            span.result(&served);
            if let Err(f) = served {
                let _ = tx.send(Ok(frame(Frame::Error(f.into())))).await;
            }
        }));
        Ok(Response::new(ReceiverStream::new(rx)))
    }
}

fn frame(frame: Frame) -> DialFrame {
    DialFrame { frame: Some(frame) }
}

fn request(why: &str) -> Failure {
    Failure::new(Stage::Request, why)
}

async fn serve(pool: &Pool, mut from: Streaming<DialFrame>, to: &Frames) -> Result<(), Failure> {
    let open = first(&mut from).await?;
    let target = Target::parse(&open.target)?;
    let limit = match open.deadline_millis {
        0 => limits::DIAL,
        ms => Duration::from_millis(ms.into()),
    };
    let (node, stream) = pool.dial(&target, limit).await?;
    let Stream {
        mut reader,
        mut writer,
    } = stream;
    // The receiver is gone when the call is: the task ends then.
    let _ = to.send(Ok(frame(Frame::Opened(Opened { node })))).await;
    let down = async {
        while let Some(piece) = reader.recv().await {
            let _ = to.send(Ok(frame(Frame::Data(piece?)))).await;
        }
        let _ = to.send(Ok(frame(Frame::Eof(Eof {})))).await;
        Ok(())
    };
    let (refused, ()) = tokio::try_join!(up(&mut from, &mut writer), down)?;
    refused.map_or(Ok(()), Err)
}

async fn first(from: &mut Streaming<DialFrame>) -> Result<Open, Failure> {
    let first = timeout(limits::FIRST_FRAME, from.message()).await;
    match first {
        Ok(Ok(Some(DialFrame {
            frame: Some(Frame::Open(open)),
        }))) => Ok(open),
        Ok(Ok(_)) => Err(request("the first frame must be open")),
        Ok(Err(status)) => Err(request(status.message())),
        Err(_) => Err(request("the first frame did not come in time")),
    }
}

/// To the node, until the caller's end of the direction: the frame, or the end
/// of the call's own stream. What the node does not take is told when all that
/// it sent is through: it may have answered before it closed.
async fn up(
    from: &mut Streaming<DialFrame>,
    writer: &mut Writer,
) -> Result<Option<Failure>, Failure> {
    loop {
        let next = from.message().await;
        let next = next.map_err(|s| Failure::new(Stage::Stream, s.message()))?;
        let written = match next.map(|f| f.frame) {
            Some(Some(Frame::Data(data))) if data.is_empty() => Ok(()),
            Some(Some(Frame::Data(data))) => writer.write(data).await,
            Some(Some(Frame::Eof(_))) | None => return Ok(writer.finish().await.err()),
            _ => return Err(request("data and one eof are expected after open")),
        };
        if let Err(f) = written {
            return Ok(Some(f));
        }
    }
}

/// Serves until `stop`; open connections then have some time to end.
///
/// # Errors
/// When serving fails.
pub(crate) async fn serve_on(
    listener: Listener,
    guard: Option<Guard>,
    pool: Arc<Pool>,
    stop: CancellationToken,
    cut: CancellationToken,
) -> io::Result<()> {
    let incoming = accept::connections(listener, guard, stop.clone());
    let service = TunnelServer::new(Service { pool, stop: cut })
        .max_decoding_message_size(MESSAGE)
        .max_encoding_message_size(MESSAGE);
    tonic::transport::Server::builder()
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(MAX_STREAMS)
        .http2_max_header_list_size(HEADER_LIST)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .add_service(service)
        .serve_with_incoming_shutdown(ReceiverStream::new(incoming), stop.cancelled_owned())
        .await
        .map_err(io::Error::other)
}
