//! The two ends of a connection that a task carries.

use std::{
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// Bytes that wait in each direction.
const BUFFER: usize = 256 << 10;

/// Why the connection broke, if it did: its end is then an error for the reader.
pub(crate) type Broken = Arc<OnceLock<String>>;

/// The end that is handed out.
pub(crate) struct Near {
    pipe: DuplexStream,
    broken: Broken,
    /// Tells the task that this end was dropped.
    _alive: tokio::sync::oneshot::Sender<()>,
}

/// The end of the task.
pub(crate) struct Far {
    pub(crate) pipe: DuplexStream,
    pub(crate) broken: Broken,
    /// Ready when the other end was dropped.
    pub(crate) dropped: tokio::sync::oneshot::Receiver<()>,
}

pub(crate) fn pipe() -> (Near, Far) {
    let (near, far) = tokio::io::duplex(BUFFER);
    let (alive, dropped) = tokio::sync::oneshot::channel();
    let broken = Broken::default();
    let near = Near {
        pipe: near,
        broken: broken.clone(),
        _alive: alive,
    };
    let far = Far {
        pipe: far,
        broken,
        dropped,
    };
    (near, far)
}

impl AsyncRead for Near {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.pipe).poll_read(cx, buf);
        match (&read, self.broken.get()) {
            (Poll::Ready(Ok(())), Some(why)) if buf.filled().len() == before => {
                let why = io::Error::new(io::ErrorKind::ConnectionReset, why.clone());
                Poll::Ready(Err(why))
            }
            _ => read,
        }
    }
}

impl AsyncWrite for Near {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}
