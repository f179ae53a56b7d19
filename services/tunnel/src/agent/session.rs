//! One session with a replica of the tunnel.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use h2::{
    RecvStream,
    server::{Builder, Connection, SendResponse},
};
use http::{Method, Request, Response, StatusCode};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{Agent, servers::Place, stream};
use crate::{limits, reverse::wire};

/// Longest id of a replica.
const ID: usize = 64;

type Io = TlsStream<TcpStream>;
type Asked = (Request<RecvStream>, SendResponse<Bytes>);

/// A session that the replica and we want.
pub(super) struct Session {
    connection: Connection<Io, Bytes>,
    place: Place,
}

/// Connects; none when the replica has a session already.
///
/// # Errors
/// What failed, for the log.
pub(super) async fn open(agent: &Arc<Agent>, at: SocketAddr) -> Result<Option<Session>, String> {
    let tcp = timeout(limits::CONNECT, TcpStream::connect(at)).await;
    let tcp = tcp
        .map_err(|_| "no connection in time".to_owned())?
        .and_then(|tcp| tcp.set_nodelay(true).map(|()| tcp))
        .map_err(|e| format!("connect: {e}"))?;
    let end = Instant::now() + limits::HANDSHAKE;
    let shaken = timeout_at(end, shake(agent, tcp)).await;
    let mut connection = shaken.map_err(|_| "no handshake in time".to_owned())??;
    let hello = timeout_at(end, connection.accept()).await;
    let hello = hello.map_err(|_| "no greeting in time".to_owned())?;
    let (request, respond) = match hello {
        Some(Ok(asked)) => asked,
        Some(Err(e)) => return Err(format!("the tunnel refused the session: {e}")),
        None => return Err("the tunnel refused the session".to_owned()),
    };
    let Some((replica, of)) = greeting(&request) else {
        return Err("it is no tunnel: it does not greet".to_owned());
    };
    let Some(place) = Place::take(agent, replica, of, at) else {
        reply(respond, StatusCode::CONFLICT);
        connection.graceful_shutdown();
        let _ = timeout_at(end, connection.accept()).await;
        return Ok(None);
    };
    reply(respond, StatusCode::NO_CONTENT);
    Ok(Some(Session { connection, place }))
}

async fn shake(agent: &Agent, tcp: TcpStream) -> Result<Connection<Io, Bytes>, String> {
    agent.tls.refresh();
    let connector = TlsConnector::from(agent.tls.config());
    let tls = connector.connect(agent.server_name.clone(), tcp).await;
    let tls = tls.map_err(|e| format!("tls: {e}"))?;
    if tls.get_ref().1.alpn_protocol() != Some(wire::ALPN) {
        return Err("it is no tunnel: it does not take agents".to_owned());
    }
    let connection = builder().handshake(tls).await;
    connection.map_err(|e| format!("the tunnel refused the session: {e}"))
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder
        .initial_window_size(wire::WINDOW)
        .initial_connection_window_size(wire::CONNECTION_WINDOW)
        .max_concurrent_streams(wire::STREAMS)
        .max_frame_size(wire::FRAME)
        .max_header_list_size(wire::HEADERS)
        .max_send_buffer_size(wire::WINDOW as usize)
        .max_concurrent_reset_streams(wire::RESETS)
        // Callers may give up all they asked for at once.
        .max_pending_accept_reset_streams(wire::RESETS)
        .max_local_error_reset_streams(None);
    builder
}

fn greeting(request: &Request<RecvStream>) -> Option<(String, u32)> {
    if request.method() != Method::GET || request.uri().path() != wire::HELLO {
        return None;
    }
    let header = |name| request.headers().get(name)?.to_str().ok();
    let id = header(wire::REPLICA).filter(|id| (1..=ID).contains(&id.len()))?;
    let of = header(wire::REPLICAS)?.parse().ok()?;
    Some((id.to_owned(), of))
}

fn reply(mut respond: SendResponse<Bytes>, status: StatusCode) {
    let mut answer = Response::new(());
    *answer.status_mut() = status;
    // It fails only when nobody waits for it.
    let _ = respond.send_response(answer, true);
}

impl Session {
    /// Until the session ends.
    pub(super) async fn serve(mut self, agent: Arc<Agent>) {
        agent.metrics.sessions.inc();
        let why = self.accept(&agent).await;
        agent.metrics.sessions.dec();
        let replica = &self.place.replica;
        tracing::info!(replica, why, "a session with the tunnel ended");
    }

    async fn accept(&mut self, agent: &Arc<Agent>) -> String {
        let pings = self.connection.ping_pong();
        let silent = async {
            match pings {
                Some(pings) => wire::alive(pings).await,
                None => std::future::pending().await,
            }
        };
        let place = &self.place;
        let enough = async {
            tokio::select! {
                () = agent.stop.cancelled() => {}
                () = place.taken() => {}
            }
        };
        tokio::pin!(silent, enough);
        let mut ending = false;
        loop {
            let asked = tokio::select! {
                asked = self.connection.accept() => asked,
                why = &mut silent => return why.to_string(),
                () = agent.cut.cancelled() => return "this process ends".to_owned(),
                () = &mut enough, if !ending => {
                    // Streams that are open run to their end.
                    self.connection.graceful_shutdown();
                    ending = true;
                    continue;
                }
            };
            match asked {
                Some(Ok(asked)) => answer(agent, place, asked),
                Some(Err(e)) => return e.to_string(),
                None => return "it was closed".to_owned(),
            }
        }
    }
}

fn answer(agent: &Arc<Agent>, place: &Place, (request, respond): Asked) {
    match (request.method(), request.uri().path()) {
        (&Method::CONNECT, _) => {
            tokio::spawn(stream::serve(Arc::clone(agent), request, respond));
        }
        (&Method::POST, wire::RENEW) => {
            let replica = &place.replica;
            tracing::warn!(replica, "the tunnel asks for another session");
            place.give_up();
            reply(respond, StatusCode::NO_CONTENT);
        }
        _ => reply(respond, StatusCode::NOT_FOUND),
    }
}
