//! One connection that the tunnel asked for.

use std::{future::poll_fn, sync::Arc, time::Duration};

use bytes::Bytes;
use h2::{Reason, RecvStream, SendStream, server::SendResponse};
use http::{Request, Response, StatusCode};
use tokio::{
    io::AsyncWriteExt as _,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::{Instant, timeout},
};

use super::{Agent, metrics::Metrics};
use crate::{limits, piece, reverse::wire, target::Target};

/// Why there is no connection, for the tunnel.
struct Refusal(StatusCode, String);

/// Connects, and carries bytes until both directions ended or the tunnel gave up.
pub(super) async fn serve(
    agent: Arc<Agent>,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) {
    let began = Instant::now();
    let dialed = tokio::select! {
        dialed = dial(&agent, &request) => dialed,
        // Nobody waits any more.
        _ = poll_fn(|cx| respond.poll_reset(cx)) => return,
    };
    let tcp = match dialed {
        Ok(tcp) => tcp,
        Err(Refusal(status, why)) => {
            agent.metrics.dial_failures.inc();
            tracing::warn!(target = ?request.uri(), why, "Dialing failed");
            return refuse(respond, status, why);
        }
    };
    let took = began.elapsed();
    agent.metrics.dial_duration.observe(took.as_secs_f64());
    tracing::debug!(target = ?request.uri(), ?took, "Dialed");
    let Ok(to) = respond.send_response(Response::new(()), false) else {
        return;
    };
    agent.metrics.streams.inc();
    join(tcp, request.into_body(), to, &agent.metrics).await;
    agent.metrics.streams.dec();
}

fn refuse(mut respond: SendResponse<Bytes>, status: StatusCode, mut why: String) {
    let mut answer = Response::new(());
    *answer.status_mut() = status;
    why.truncate(why.floor_char_boundary(wire::REASON));
    if let Ok(mut body) = respond.send_response(answer, false) {
        let _ = body.send_data(why.into(), true);
    }
}

async fn dial(agent: &Agent, request: &Request<RecvStream>) -> Result<TcpStream, Refusal> {
    let authority = request.uri().authority().map_or("", |a| a.as_str());
    let target =
        Target::parse(authority).map_err(|f| Refusal(StatusCode::BAD_REQUEST, f.reason))?;
    let Ok(_pending) = agent.pending.try_acquire() else {
        let why = "too many dials are waiting at the node".to_owned();
        return Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, why));
    };
    let millis = request.headers().get(wire::DEADLINE);
    let millis = millis.and_then(|m| m.to_str().ok()?.parse().ok());
    let limit = millis
        .map_or(limits::DIAL, Duration::from_millis)
        .min(limits::DIAL);
    let connected = timeout(limit, connect(agent, &target)).await;
    connected.unwrap_or_else(|_| {
        let why = format!("the node did not connect to {target} in {limit:?}");
        Err(Refusal(StatusCode::GATEWAY_TIMEOUT, why))
    })
}

async fn connect(agent: &Agent, target: &Target) -> Result<TcpStream, Refusal> {
    let gone = |why: String| Refusal(StatusCode::BAD_GATEWAY, why);
    let found = tokio::net::lookup_host((target.host.as_str(), target.port)).await;
    let found = found.map_err(|e| gone(format!("the node could not resolve it: {e}")))?;
    let mut last = Refusal(
        StatusCode::FORBIDDEN,
        format!("the node does not allow {target}: --allow-target of its agent"),
    );
    for at in found.filter(|at| agent.allowed.permits(*at)) {
        match TcpStream::connect(at).await {
            Ok(tcp) => {
                let _ = tcp.set_nodelay(true);
                return Ok(tcp);
            }
            Err(e) => last = gone(format!("the node could not connect to it: {e}")),
        }
    }
    Err(last)
}

/// The tunnel gave the stream up, or one side broke: nothing more is to be said.
struct Broken;

async fn join(tcp: TcpStream, mut from: RecvStream, mut to: SendStream<Bytes>, metrics: &Metrics) {
    let (reader, writer) = tcp.into_split();
    let both = tokio::try_join!(
        up(&mut from, writer, metrics),
        down(reader, &mut to, metrics)
    );
    if let Ok((Up::Refused, ())) = both {
        // It answered before it had heard all, and that is through.
        to.send_reset(Reason::NO_ERROR);
    }
}

/// How the direction to the node ended.
enum Up {
    Ended,
    /// The far end takes no more; it may still speak.
    Refused,
}

async fn up(
    from: &mut RecvStream,
    mut to: OwnedWriteHalf,
    metrics: &Metrics,
) -> Result<Up, Broken> {
    while let Some(piece) = from.data().await {
        let piece = piece.map_err(|_| Broken)?;
        if to.write_all(&piece).await.is_err() {
            return Ok(Up::Refused);
        }
        metrics.bytes_to.inc_by(piece.len() as u64);
        // What was taken makes room; it fails only when the stream is gone.
        let _ = from.flow_control().release_capacity(piece.len());
    }
    let _ = to.shutdown().await;
    Ok(Up::Ended)
}

async fn down(
    mut from: OwnedReadHalf,
    to: &mut SendStream<Bytes>,
    metrics: &Metrics,
) -> Result<(), Broken> {
    loop {
        let next = tokio::select! {
            next = piece::next(&mut from) => next,
            _ = poll_fn(|cx| to.poll_reset(cx)) => return Err(Broken),
        };
        match next {
            Ok(Some(piece)) => {
                let n = piece.len() as u64;
                wire::send(to, piece).await.map_err(|_| Broken)?;
                metrics.bytes_from.inc_by(n);
            }
            Ok(None) => return to.send_data(Bytes::new(), true).map_err(|_| Broken),
            Err(_) => {
                to.send_reset(Reason::CONNECT_ERROR);
                return Err(Broken);
            }
        }
    }
}
