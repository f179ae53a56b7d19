//! Connections: accepted, and encrypted when there is a certificate.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use catena_runtime::{
    net::{Corked, Io, Listener},
    tls::{HANDSHAKE_TIMEOUT, ServerTls},
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

/// Connections that are open but not served yet.
const BACKLOG: usize = 64;
/// After a failure to accept (no more descriptors) the next try waits.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An open connection.
pub(super) struct Connection(Box<dyn Io>);

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
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}

/// Accepts until `stop`; each handshake runs on its own, so that a slow peer
/// does not hold up the others.
pub(super) fn connections(
    listener: Listener,
    tls: Option<Arc<ServerTls>>,
    stop: CancellationToken,
) -> impl Stream<Item = io::Result<Connection>> + Send {
    let (tx, rx) = mpsc::channel(BACKLOG);
    tokio::spawn(async move {
        if let Some(tls) = &tls {
            tokio::spawn(Arc::clone(tls).watch(stop.clone()));
        }
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                () = tx.closed() => break,
                a = listener.accept() => a,
            };
            match accepted {
                Ok((io, from)) => {
                    let (tls, tx) = (tls.clone(), tx.clone());
                    tokio::spawn(async move {
                        match handshake(io, tls).await {
                            // The receiver is gone when the server drains.
                            Ok(connection) => drop(tx.send(Ok(connection)).await),
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
    });
    ReceiverStream::new(rx)
}

async fn handshake(io: Box<dyn Io>, tls: Option<Arc<ServerTls>>) -> io::Result<Connection> {
    let Some(tls) = tls else {
        return Ok(Connection(Box::new(Corked::for_http2(io))));
    };
    let accept = TlsAcceptor::from(tls.config()).accept(io);
    let stream = tokio::time::timeout(HANDSHAKE_TIMEOUT, accept)
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no handshake in time"))??;
    Ok(Connection(Box::new(Corked::for_http2(stream))))
}
