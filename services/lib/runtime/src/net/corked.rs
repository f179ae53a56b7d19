//! Writes that wait for the flush.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that wait at most: four records of TLS, which are one system call.
const MOST: usize = 64 << 10;
/// An idle connection keeps no more than this.
const KEPT: usize = 2 << 10;

/// A stream whose small writes go out together when it is flushed.
///
/// HTTP/2 writes each frame of data by itself: an answer is two or three
/// records of TLS and as many system calls, and the events of 200 watches on one
/// connection are 200. Protocols on top must flush, as hyper does.
pub struct Corked<S> {
    inner: S,
    waiting: Vec<u8>,
    /// Of `waiting`, how much was written.
    written: usize,
    /// A flush is put off to the next read.
    late: bool,
    /// A flush was put off.
    owed: bool,
}

impl<S: AsyncWrite + Unpin> Corked<S> {
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            waiting: Vec::new(),
            written: 0,
            late: false,
            owed: false,
        }
    }

    /// For HTTP/2. The `h2` crate flushes after each frame of data, and whoever
    /// answers a call wakes the connection, which flushes. Here a flush only wakes
    /// the task once more, and is made by the read with which that begins: after
    /// the other tasks that were ready, so that what all of them have to say goes
    /// out together. Nothing but one task, which reads, may use the stream.
    pub fn for_http2(inner: S) -> Self {
        Self {
            late: true,
            ..Self::new(inner)
        }
    }

    fn poll_flush_now(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_uncork(cx))?;
        ready!(Pin::new(&mut self.inner).poll_flush(cx))?;
        self.owed = false;
        Poll::Ready(Ok(()))
    }

    /// Writes what waits.
    fn poll_uncork(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.waiting.len() {
            let rest = &self.waiting[self.written..];
            match ready!(Pin::new(&mut self.inner).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n => self.written += n,
            }
        }
        self.written = 0;
        if self.waiting.capacity() > KEPT {
            self.waiting = Vec::new();
        } else {
            self.waiting.clear();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Corked<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.owed {
            let _ = self.poll_flush_now(cx)?;
        }
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Corked<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.waiting.len() + data.len() > MOST {
            ready!(self.poll_uncork(cx))?;
        }
        if data.len() >= MOST {
            return Pin::new(&mut self.inner).poll_write(cx, data);
        }
        self.waiting.extend_from_slice(data);
        Poll::Ready(Ok(data.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let size: usize = parts.iter().map(|p| p.len()).sum();
        if self.waiting.len() + size > MOST {
            ready!(self.poll_uncork(cx))?;
        }
        if size >= MOST {
            return Pin::new(&mut self.inner).poll_write_vectored(cx, parts);
        }
        for part in parts {
            self.waiting.extend_from_slice(part);
        }
        Poll::Ready(Ok(size))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.late && !self.waiting.is_empty() {
            if !std::mem::replace(&mut self.owed, true) {
                cx.waker().wake_by_ref();
            }
            return Poll::Ready(Ok(()));
        }
        self.poll_flush_now(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_uncork(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn small_writes_wait_for_the_flush() {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let mut corked = Corked::new(near);
        corked.write_all(b"one ").await.expect("written");
        corked.write_all(b"two").await.expect("written");
        let mut got = vec![0; 64];
        let nothing = futures_util::FutureExt::now_or_never(far.read(&mut got));
        assert!(nothing.is_none());
        corked.flush().await.expect("flushed");
        assert_eq!(far.read(&mut got).await.expect("read"), 7);
    }

    #[tokio::test]
    async fn frames_that_are_flushed_one_by_one_go_out_together() {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let mut corked = Corked::for_http2(near);
        for _ in 0..3 {
            corked.write_all(b"frame").await.expect("written");
            corked.flush().await.expect("put off");
        }
        let mut got = vec![0; 64];
        let nothing = futures_util::FutureExt::now_or_never(far.read(&mut got));
        assert!(nothing.is_none());
        let read = futures_util::FutureExt::now_or_never(corked.read(&mut got));
        assert!(read.is_none());
        assert_eq!(far.read(&mut got).await.expect("read"), 15);
    }

    /// Whoever waits for an answer has sent what it asks.
    #[tokio::test]
    async fn a_read_flushes_what_was_put_off() {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let mut corked = Corked::for_http2(near);
        corked.write_all(b"question").await.expect("written");
        corked.flush().await.expect("put off");
        let mut answer = [0; 64];
        let peer = async {
            let mut got = [0; 8];
            far.read_exact(&mut got).await.expect("asked");
            far.write_all(&got).await.expect("answered");
        };
        let (read, ()) = tokio::join!(corked.read(&mut answer), peer);
        assert_eq!(read.expect("read"), 8);
    }

    #[tokio::test]
    async fn everything_arrives_in_order_through_a_narrow_pipe() {
        let (near, mut far) = tokio::io::duplex(1000);
        let sent: Vec<u8> = (0..200_000_u32).map(|i| (i % 251) as u8).collect();
        let expected = sent.clone();
        let writer = tokio::spawn(async move {
            let mut corked = Corked::new(near);
            let mut at = 0;
            for (i, size) in [1, 100, MOST, 7, MOST - 1, 3 * MOST]
                .iter()
                .cycle()
                .enumerate()
            {
                let end = (at + size).min(sent.len());
                if i % 2 == 0 {
                    corked.write_all(&sent[at..end]).await.expect("written");
                } else {
                    let parts = [io::IoSlice::new(&sent[at..end])];
                    at += corked.write_vectored(&parts).await.expect("written");
                    continue;
                }
                at = end;
                if at == sent.len() {
                    break;
                }
            }
            corked.shutdown().await.expect("shut down");
        });
        let mut got = Vec::new();
        far.read_to_end(&mut got).await.expect("read");
        writer.await.expect("written");
        assert!(got == expected);
    }
}
