//! Large answers in gzip for clients that take it
//! (`endpoints/handlers/responsewriters/writers.go`).

use std::io::Write as _;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderValue, header};

use crate::body::FrontBody;

/// Answers up to here go as they are (`defaultGzipThresholdBytes`).
const THRESHOLD: usize = 128 << 10;

/// Compresses a whole body that is large enough.
pub(crate) async fn gzip(
    accepted: bool,
    mut answer: http::Response<FrontBody>,
) -> http::Response<FrontBody> {
    let FrontBody::Full(Some(bytes)) = answer.body() else {
        return answer;
    };
    if !accepted
        || bytes.len() <= THRESHOLD
        || answer.headers().contains_key(header::CONTENT_ENCODING)
    {
        return answer;
    }
    let bytes = bytes.clone();
    // Milliseconds a megabyte: other requests of this thread must not wait for it.
    let Ok(Ok(smaller)) = tokio::task::spawn_blocking(move || encode(&bytes)).await else {
        return answer;
    };
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.remove(header::CONTENT_LENGTH);
    *answer.body_mut() = FrontBody::Full(Some(smaller));
    answer
}

fn encode(bytes: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 8), Compression::fast());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.into())
}
