//! Large answers in gzip for clients that take it
//! (`endpoints/handlers/responsewriters/writers.go`).

use std::io::{self, Write as _};

use bytes::Bytes;
use catena_delegate::ByteStream;
use catena_objects::Status;
use flate2::{Compression, write::GzEncoder};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, header};

use crate::{body::FrontBody, call::Call};

/// Answers up to here go as they are (`defaultGzipThresholdBytes`).
const THRESHOLD: usize = 128 << 10;

/// Whether the client takes gzip: only the plain name says so
/// (`negotiateContentEncoding`).
pub(crate) fn is_accepted(headers: &HeaderMap) -> bool {
    let given = headers.get(header::ACCEPT_ENCODING);
    let given = given.and_then(|v| v.to_str().ok()).unwrap_or_default();
    given.split(',').any(|token| token.trim() == "gzip")
}

/// Compresses a body that is large enough: a whole one, or a list as it comes.
/// Other streams are those of watches, logs and proxies, whose reader waits for
/// each piece.
pub(crate) async fn gzip(
    call: &Call,
    answer: http::Response<FrontBody>,
) -> http::Response<FrontBody> {
    if !is_accepted(&call.headers) || answer.headers().contains_key(header::CONTENT_ENCODING) {
        return answer;
    }
    let (mut head, body) = answer.into_parts();
    let (body, compressed) = match body {
        FrontBody::Full(Some(bytes)) if bytes.len() > THRESHOLD => {
            match compress(
                GzEncoder::new(Vec::new(), Compression::fast()),
                bytes.clone(),
            )
            .await
            {
                Ok(encoder) => (
                    FrontBody::Full(encoder.finish().ok().map(Bytes::from)),
                    true,
                ),
                Err(_) => (FrontBody::Full(Some(bytes)), false),
            }
        }
        FrontBody::Stream(stream) if is_list(call) => streamed(stream).await,
        body => (body, false),
    };
    if compressed {
        let headers = &mut head.headers;
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        headers.remove(header::CONTENT_LENGTH);
    }
    http::Response::from_parts(head, body)
}

fn is_list(call: &Call) -> bool {
    call.info.is_resource && call.info.verb == "list"
}

type Encoder = GzEncoder<Vec<u8>>;

/// Milliseconds a megabyte: other requests of this thread must not wait for it.
async fn compress(mut encoder: Encoder, bytes: Bytes) -> io::Result<Encoder> {
    let work = tokio::task::spawn_blocking(move || encoder.write_all(&bytes).map(|()| encoder));
    work.await.map_err(io::Error::other)?
}

/// The stream, compressed if it has more than a little.
async fn streamed(mut stream: ByteStream) -> (FrontBody, bool) {
    let (mut pieces, mut size) = (Vec::new(), 0);
    while size <= THRESHOLD {
        let Some(piece) = stream.next().await else {
            let all = stream::iter(pieces);
            return (FrontBody::Stream(all.boxed()), false);
        };
        size += piece.as_ref().map_or(0, Bytes::len);
        let failed = piece.is_err();
        pieces.push(piece);
        if failed {
            break;
        }
    }
    let all = stream::iter(pieces).chain(stream);
    let encoder = Some(GzEncoder::new(Vec::new(), Compression::fast()));
    let out = stream::try_unfold((all, encoder), |(mut all, encoder)| async move {
        let Some(mut encoder) = encoder else {
            return Ok(None);
        };
        while let Some(piece) = all.next().await {
            encoder = compress(encoder, piece?).await.map_err(failed)?;
            if !encoder.get_ref().is_empty() {
                let made = std::mem::take(encoder.get_mut());
                return Ok(Some((Bytes::from(made), (all, Some(encoder)))));
            }
        }
        let rest = encoder.finish().map_err(failed)?;
        Ok(Some((rest.into(), (all, None))))
    });
    (FrontBody::Stream(out.boxed()), true)
}

fn failed(e: io::Error) -> Status {
    Status::internal(e.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn only_the_plain_name_is_taken() {
        let accepted = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            is_accepted(&headers)
        };
        assert!(accepted("gzip"));
        assert!(accepted("deflate, gzip , br"));
        for other in ["", "x-gzip", "gzip;q=1", "gzip;q=0", "*", "identity"] {
            assert!(!accepted(other), "{other}");
        }
    }

    async fn read(body: FrontBody) -> Result<Vec<u8>, Status> {
        let FrontBody::Stream(mut stream) = body else {
            panic!("no stream");
        };
        let mut out = Vec::new();
        while let Some(piece) = stream.next().await {
            out.extend_from_slice(&piece?);
        }
        Ok(out)
    }

    fn pieces(count: usize) -> Vec<Result<Bytes, Status>> {
        (0..count)
            .map(|i| Ok(Bytes::from(vec![b'a' + (i % 26) as u8; 10_000])))
            .collect()
    }

    #[tokio::test]
    async fn a_large_stream_is_compressed_and_a_small_one_is_not() {
        for (count, large) in [(1, false), (13, false), (14, true), (200, true)] {
            let plain: Vec<u8> = pieces(count)
                .into_iter()
                .flat_map(|p| p.expect("a piece"))
                .collect();
            let (body, compressed) = streamed(stream::iter(pieces(count)).boxed()).await;
            let mut sent = read(body).await.expect("all of it");
            assert_eq!(compressed, large, "{count}");
            if compressed {
                let mut out = Vec::new();
                flate2::read::GzDecoder::new(&sent[..])
                    .read_to_end(&mut out)
                    .expect("gzip");
                sent = out;
            }
            assert!(sent == plain, "{count}");
        }
    }

    #[tokio::test]
    async fn a_stream_that_breaks_off_does_not_end_well() {
        for count in [1, 40] {
            let mut all = pieces(count);
            all.push(Err(Status::internal("gone")));
            let (body, _) = streamed(stream::iter(all).boxed()).await;
            assert!(read(body).await.is_err(), "{count}");
        }
    }
}
