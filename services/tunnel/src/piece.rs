//! Bytes of a connection, piece by piece.

use std::{future::poll_fn, io, pin::Pin, task::ready};

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;

use crate::limits;

/// Shorter pieces are copied: one that waits must not hold a whole buffer.
const SHORT: usize = limits::CHUNK / 4;

/// The next piece; none at the end. Nothing is held while none is there, and
/// nothing is lost when the future is dropped.
///
/// # Errors
/// Those of reading.
pub(crate) async fn next(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Bytes>> {
    poll_fn(|cx| {
        let mut buffer = BytesMut::with_capacity(limits::CHUNK);
        let n = ready!(poll_read_buf(Pin::new(&mut *from), cx, &mut buffer))?;
        let piece = match n {
            0 => None,
            n if n < SHORT => Some(Bytes::copy_from_slice(&buffer)),
            _ => Some(buffer.freeze()),
        };
        Ok(piece).into()
    })
    .await
}
