//! Bodies of answers: whole, or a stream that may break off.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use catena_delegate::{Body, ByteStream, Response};
use catena_telemetry::metrics::Series;
use http::{HeaderValue, header};
use http_body::{Frame, SizeHint};

/// Body of an answer to a client.
pub(crate) enum FrontBody {
    Full(Option<Bytes>),
    Stream(ByteStream),
}

impl FrontBody {
    pub(crate) fn empty() -> Self {
        Self::Full(None)
    }
}

/// A stream that failed: the connection is cut, so that the client sees that
/// the answer is not whole.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Broken(String);

impl http_body::Body for FrontBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut *self {
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Self::Stream(stream) => stream
                .as_mut()
                .poll_next(cx)
                .map(|item| item.map(|r| r.map(Frame::data).map_err(|s| Broken(s.message)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

/// The answer of a delegate as HTTP.
pub(crate) fn to_http(answer: Response) -> http::Response<FrontBody> {
    let body = match answer.body {
        Body::Full(bytes) if bytes.is_empty() => FrontBody::Full(None),
        Body::Full(bytes) => FrontBody::Full(Some(bytes)),
        other => FrontBody::Stream(other.into_bytes()),
    };
    let mut response = http::Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(answer.status)
        .unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = answer.headers;
    for warning in &answer.warnings {
        if let Some(value) = warning_header(warning) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    response
}

/// `299 - "text"` (RFC 7234), quoted as kube-apiserver quotes it.
fn warning_header(text: &str) -> Option<HeaderValue> {
    let mut out = String::with_capacity(text.len() + 9);
    out.push_str("299 - \"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    HeaderValue::from_bytes(out.as_bytes()).ok()
}

impl FrontBody {
    /// Keeps something until the stream ends.
    pub(crate) fn with<T: Send + 'static>(self, kept: T) -> Self {
        use futures_util::StreamExt as _;
        match self {
            Self::Stream(stream) => Self::Stream(
                stream
                    .map(move |item| {
                        let _ = &kept;
                        item
                    })
                    .boxed(),
            ),
            full @ Self::Full(_) => full,
        }
    }

    /// Observes how many bytes it has had, once it ends.
    pub(crate) fn measured(self, sizes: Series) -> Self {
        use futures_util::StreamExt as _;
        match self {
            Self::Stream(stream) => {
                let mut size = Size { sizes, bytes: 0 };
                let counted = stream.inspect(move |part| {
                    size.add(part.as_ref().map_or(0, Bytes::len));
                });
                Self::Stream(counted.boxed())
            }
            Self::Full(bytes) => {
                let mut size = Size { sizes, bytes: 0 };
                size.add(bytes.as_ref().map_or(0, Bytes::len));
                Self::Full(bytes)
            }
        }
    }

    /// The body of a remote server's answer, as it comes.
    pub(crate) fn remote<S>(stream: S) -> Self
    where
        S: futures_util::Stream<Item = Result<Bytes, hyper::Error>> + Send + 'static,
    {
        use futures_util::StreamExt as _;
        let stream =
            stream.map(|r| r.map_err(|e| catena_objects::Status::unavailable(e.to_string())));
        Self::Stream(stream.boxed())
    }
}

/// Bytes of a body; observed when it is dropped.
struct Size {
    sizes: Series,
    bytes: u64,
}

impl Size {
    fn add(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }
}

impl Drop for Size {
    fn drop(&mut self) {
        #[expect(clippy::cast_precision_loss, reason = "no body is that large")]
        self.sizes.observe(self.bytes as f64, None);
    }
}
