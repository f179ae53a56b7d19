//! Connections that have no half close.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

/// How long an end that said all it has to say waits for more from the other one.
const LINGER: Duration = Duration::from_secs(10);

/// Proxies that know only whole connections take the end of one direction for
/// the end of both, and cut off what is still on its way back. The end of the
/// writer is kept from them: it is told by dropping the connection, and reading
/// ends after a silence.
pub(crate) struct Whole<T> {
    inner: T,
    lingering: Option<Pin<Box<Sleep>>>,
}

impl<T> Whole<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self {
            inner,
            lingering: None,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Whole<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let read = Pin::new(&mut this.inner).poll_read(cx, buf);
        let Some(silence) = &mut this.lingering else {
            return read;
        };
        if read.is_ready() {
            silence.as_mut().reset(Instant::now() + LINGER);
            return read;
        }
        silence.as_mut().poll(cx).map(Ok)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Whole<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.inner).poll_flush(cx))?;
        self.lingering
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        Poll::Ready(Ok(()))
    }
}
