//! Connections of clients: accepted, bounded in number, and proven by a
//! certificate where they come over TCP.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use catena_runtime::{
    net::{Io, Listener},
    tls::{HANDSHAKE_TIMEOUT, PeerNames, ServerTls, names_in},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::Sleep,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

use crate::{
    limits,
    reverse::{Guest, wire},
};

/// After a failure to accept (no more descriptors) the next try waits.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Connections that are open but not served yet.
const BACKLOG: usize = 64;

/// Certificates of a listener, and who may call.
#[derive(Clone)]
pub(crate) struct Guard {
    pub tls: Arc<ServerTls>,
    pub admits: Admits,
}

/// Whose certificates are admitted.
#[derive(Clone)]
pub(crate) enum Admits {
    /// Clients with one of these names.
    Names(Arc<[String]>),
    /// Agents of nodes.
    Nodes,
}

impl Admits {
    fn judge(&self, shown: &PeerNames, alpn: Option<&[u8]>) -> Result<Option<Guest>, String> {
        match self {
            Self::Names(names) if shown.any_of(names) => Ok(None),
            Self::Names(_) => Err(format!(
                "{:?} is not among --allowed-client-names",
                shown.common_name
            )),
            Self::Nodes if alpn != Some(wire::ALPN) => Err("it is no agent of a node".to_owned()),
            Self::Nodes => Guest::of(shown).map(Some),
        }
    }
}

/// Length of what every HTTP/2 client sends first; a request of HTTP/1.1 and
/// the settings of an agent are no shorter.
const PREFACE: usize = 24;

/// An open connection of a client that may call.
pub(crate) struct Connection {
    io: Box<dyn Io>,
    guest: Option<Guest>,
    /// Bytes that are still to come until `deadline`.
    owed: usize,
    deadline: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    fn new(io: Box<dyn Io>, guest: Option<Guest>, permit: OwnedSemaphorePermit) -> Self {
        Self {
            io,
            guest,
            owed: PREFACE,
            deadline: Box::pin(tokio::time::sleep(limits::FIRST_FRAME)),
            _permit: permit,
        }
    }

    /// The node whose agent it is.
    pub(crate) fn guest(&self) -> Option<&Guest> {
        self.guest.as_ref()
    }
}

/// Accepts until `stop`; each handshake runs on its own, so that a slow peer
/// holds up no other.
pub(crate) fn connections(
    listener: Listener,
    guard: Option<Guard>,
    stop: CancellationToken,
) -> mpsc::Receiver<io::Result<Connection>> {
    let (tx, rx) = mpsc::channel(BACKLOG);
    tokio::spawn(async move {
        if let Some(guard) = &guard {
            tokio::spawn(Arc::clone(&guard.tls).watch(stop.clone()));
        }
        let places = Arc::new(Semaphore::new(limits::CONNECTIONS));
        loop {
            let next = async {
                let permit = Arc::clone(&places).acquire_owned().await;
                (permit, listener.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                () = stop.cancelled() => return,
                () = tx.closed() => return,
                next = next => next,
            };
            match (permit, accepted) {
                (Ok(permit), Ok((io, from))) => {
                    let (guard, tx) = (guard.clone(), tx.clone());
                    tokio::spawn(async move {
                        match handshake(io, guard).await {
                            // The receiver is gone when the server drains.
                            Ok((io, guest)) => {
                                let _ = tx.send(Ok(Connection::new(io, guest, permit))).await;
                            }
                            Err(e) => tracing::debug!(error = %e, ?from, "handshake failed"),
                        }
                    });
                }
                (_, Err(e)) => {
                    tracing::warn!(error = %e, "cannot accept connections");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                (Err(_), _) => return,
            }
        }
    });
    rx
}

async fn handshake(
    io: Box<dyn Io>,
    guard: Option<Guard>,
) -> io::Result<(Box<dyn Io>, Option<Guest>)> {
    let Some(guard) = guard else {
        return Ok((io, None));
    };
    let accept = TlsAcceptor::from(guard.tls.config()).accept(io);
    let stream = tokio::time::timeout(HANDSHAKE_TIMEOUT, accept)
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no handshake in time"))??;
    let tls = stream.get_ref().1;
    let leaf = tls
        .peer_certificates()
        .and_then(|c| c.first())
        .ok_or_else(|| io::Error::other("no certificate was shown"))?;
    let names = names_in(leaf).map_err(io::Error::other)?;
    let judged = guard.admits.judge(&names, tls.alpn_protocol());
    let guest = judged.map_err(io::Error::other)?;
    Ok((Box::new(stream), guest))
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buf);
        if self.owed > 0 {
            let n = buf.filled().len() - before;
            self.owed = self.owed.saturating_sub(n);
            if read.is_pending() && self.deadline.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        read
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
