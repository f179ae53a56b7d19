//! Connections: accepted, encrypted, and judged by the names of the peer.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use catena_runtime::{
    net::{Corked, Io, Listener},
    tls::{HANDSHAKE_TIMEOUT, ServerTls, names_in},
};
use futures_util::Stream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::mpsc,
};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

/// Handshakes that have finished but are not served yet.
const BACKLOG: usize = 64;
/// After a failure to accept (no more descriptors) the next try waits.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The verdict on who is at the other end: a front, or why it is none.
#[derive(Clone, Debug)]
pub struct Peer(pub(super) Result<(), Arc<str>>);

/// An open connection with the verdict on its peer.
pub struct Connection {
    io: Box<dyn Io>,
    peer: Peer,
}

impl Connection {
    /// A connection whose peer is known to be a front by other means: both ends
    /// are in this process.
    #[cfg(any(test, feature = "test-util"))]
    pub fn trusted(io: impl Io) -> Self {
        Self {
            io: Box::new(io),
            peer: Peer(Ok(())),
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

/// Accepts until `stop`; each handshake runs on its own, so that a slow peer
/// does not hold up the others.
pub(super) fn connections(
    listener: Listener,
    tls: Arc<ServerTls>,
    fronts: Arc<[String]>,
    stop: CancellationToken,
) -> impl Stream<Item = Connection> + Send {
    let (tx, rx) = mpsc::channel(BACKLOG);
    tokio::spawn(async move {
        let refresh = tokio::spawn(Arc::clone(&tls).watch(stop.clone()));
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                () = tx.closed() => break,
                a = listener.accept() => a,
            };
            match accepted {
                Ok((io, from)) => {
                    let (tls, fronts, tx) = (tls.config(), Arc::clone(&fronts), tx.clone());
                    tokio::spawn(async move {
                        match handshake(io, tls, &fronts).await {
                            // The receiver is gone when the server drains.
                            Ok(connection) => drop(tx.send(connection).await),
                            Err(e) => tracing::debug!(error = %e, ?from, "handshake failed"),
                        }
                    });
                }
                Err(e) => {
                    tracing::warn!(error = %e, "cannot accept connections");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        refresh.abort();
    });
    ReceiverStream::new(rx)
}

async fn handshake(
    io: Box<dyn Io>,
    tls: Arc<rustls::ServerConfig>,
    fronts: &[String],
) -> io::Result<Connection> {
    let stream = tokio::time::timeout(HANDSHAKE_TIMEOUT, TlsAcceptor::from(tls).accept(io))
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no handshake in time"))??;
    let certs = stream.get_ref().1.peer_certificates();
    let peer = Peer(judge(
        certs.and_then(|c| c.first()).map(|c| c.as_ref()),
        fronts,
    ));
    if let Peer(Err(why)) = &peer {
        tracing::warn!(reason = %why, "a peer that is no front connected");
    }
    Ok(Connection {
        io: Box::new(Corked::for_http2(stream)),
        peer,
    })
}

/// The reason to refuse a peer, if there is one.
fn judge(certificate: Option<&[u8]>, fronts: &[String]) -> Result<(), Arc<str>> {
    let der = certificate.ok_or("no client certificate was shown")?;
    let names = names_in(der).map_err(|e| format!("client certificate is not readable: {e}"))?;
    if names.any_of(fronts) {
        return Ok(());
    }
    Err(format!(
        "{:?} is not among the fronts that may call",
        names.common_name
    )
    .into())
}
