//! The public ports: TLS and plain, HTTP/1.1 and HTTP/2.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use catena_runtime::{
    net::{Corked, Together},
    tls::{ALPN_H2, HANDSHAKE_TIMEOUT, ServerTls},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::{Front, call::Peer, filters};

/// Streams of one HTTP/2 connection (`http2-max-streams-per-connection`).
const MAX_STREAMS: u32 = 100;
/// Bound on the head of a request.
const HEAD: Duration = Duration::from_secs(32);
/// A connection on which nothing answers any more is closed.
const PING: Duration = Duration::from_secs(30);
/// Bound on the size of all headers (Go's `DefaultMaxHeaderBytes`).
const MAX_HEADERS: u32 = 1 << 20;

/// Accepts until `stop`, then lets the connections finish up to `drain`.
pub(crate) async fn serve(
    front: Arc<Front>,
    listener: TcpListener,
    tls: Option<Arc<ServerTls>>,
    stop: CancellationToken,
    drain: Duration,
) {
    let graceful = Arc::new(GracefulShutdown::new());
    loop {
        let (stream, addr) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(e) => {
                    // Out of descriptors, most likely: others must end first.
                    tracing::warn!(error = %e, "connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let (front, tls) = (front.clone(), tls.clone());
        let watcher = graceful.watcher();
        tokio::spawn(async move {
            if let Err(e) = connection(front, tls, stream, addr, watcher).await {
                tracing::debug!(client = %addr, error = %e, "connection ended");
            }
        });
    }
    drop(listener);
    let graceful = Arc::into_inner(graceful);
    let Some(graceful) = graceful else {
        return;
    };
    if tokio::time::timeout(drain, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("connections were still open when the time to drain was over");
    }
}

/// How HTTP is spoken on one connection.
fn protocol(tasks: Together) -> auto::Builder<Together> {
    let mut http = auto::Builder::new(tasks);
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .pipeline_flush(true);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADERS)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .max_frame_size(64 << 10)
        .keep_alive_interval(PING);
    http
}

type Watcher = hyper_util::server::graceful::Watcher;

async fn connection(
    front: Arc<Front>,
    tls: Option<Arc<ServerTls>>,
    stream: TcpStream,
    addr: SocketAddr,
    watcher: Watcher,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let tasks = Together::default();
    let http = protocol(tasks.clone());
    let mut peer = Peer {
        addr,
        certificates: None,
        insecure: tls.is_none(),
    };
    let Some(tls) = tls else {
        let service = service(front, peer);
        let c = http.serve_connection_with_upgrades(TokioIo::new(Corked::new(stream)), service);
        return tasks.drive(watcher.watch(c)).await;
    };
    tls.refresh();
    let acceptor = TlsAcceptor::from(tls.config());
    let stream = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await??;
    let h2 = stream.get_ref().1.alpn_protocol() == Some(ALPN_H2);
    let certificates = stream.get_ref().1.peer_certificates();
    peer.certificates = certificates.map(|c| c.iter().map(|c| c.clone().into_owned()).collect());
    let service = service(front, peer);
    // What follows an upgrade of HTTP/1.1 flushes as it likes.
    let io = if h2 {
        Corked::for_http2(stream)
    } else {
        Corked::new(stream)
    };
    let c = http.serve_connection_with_upgrades(TokioIo::new(io), service);
    tasks.drive(watcher.watch(c)).await
}

fn service(
    front: Arc<Front>,
    peer: Peer,
) -> impl hyper::service::Service<
    http::Request<hyper::body::Incoming>,
    Response = http::Response<crate::body::FrontBody>,
    Error = Infallible,
    Future = impl Future<Output = Result<http::Response<crate::body::FrontBody>, Infallible>> + Send,
> {
    let peer = Arc::new(peer);
    hyper::service::service_fn(move |request| {
        let (front, peer) = (front.clone(), peer.clone());
        async move { Ok(filters::run(front, peer, request).await) }
    })
}
