//! Calls `Serve` and `ServeStream`, and reads what they answer.

use std::{pin::Pin, time::Duration};

use bytes::{Bytes, BytesMut};
use catena_proto::delegate::v1::{ServeReply, ServeRequest, serve_item::Item};
use catena_telemetry::trace::TRACEPARENT;
use http::{HeaderMap, HeaderValue, Method, Uri, Version, header};
use http_body::Body as _;
use http_body_util::Full;
use prost::Message as _;
use tonic::{Code, Status};
use tower::Service as _;

use super::pool::{Pool, Tracked};
use crate::grpc::{
    GRPC, MAX_MESSAGE, SERVE, SERVE_STREAM, TOOK,
    frames::{self, Broken, Reader},
};

/// A message with its prefix.
const LONGEST: usize = MAX_MESSAGE + 5;
const UNFINISHED: &str = "an answer ends without a status";
const TE: HeaderValue = HeaderValue::from_static("trailers");

/// The items of an answer.
pub(super) struct Items {
    body: Tracked,
    reader: Reader,
}

/// The answer of `Serve`, and how long the delegate says that it took.
pub(super) async fn short(
    pool: &Pool,
    message: &ServeRequest,
    traceparent: &str,
) -> Result<(ServeReply, Option<Duration>), Status> {
    let (mut body, took) = send(pool, SERVE, message, traceparent).await?;
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    loop {
        match next(&mut body).await? {
            Next::Data(bytes) if first.is_empty() => first = bytes,
            Next::Data(bytes) => {
                if all.is_empty() {
                    all.extend_from_slice(&first);
                }
                all.extend_from_slice(&bytes);
                if all.len() > LONGEST {
                    return Err(broken(Broken::Long(all.len())));
                }
            }
            Next::End => break,
        }
    }
    if !all.is_empty() {
        first = all.freeze();
    }
    let message = frames::message(first).map_err(broken)?;
    let reply = ServeReply::decode(message).map_err(|_| broken(Broken::Malformed))?;
    Ok((reply, took))
}

/// Asks `ServeStream`; with how long the delegate took to begin its answer.
pub(super) async fn call(
    pool: &Pool,
    message: &ServeRequest,
    traceparent: &str,
) -> Result<(Items, Option<Duration>), Status> {
    let (body, took) = send(pool, SERVE_STREAM, message, traceparent).await?;
    let reader = Reader::default();
    Ok((Items { body, reader }, took))
}

/// Sends a message; what comes back, once the server has begun to answer.
async fn send(
    pool: &Pool,
    path: &'static str,
    message: &ServeRequest,
    traceparent: &str,
) -> Result<(Tracked, Option<Duration>), Status> {
    let body = Full::new(frames::whole(message));
    let mut request = http::Request::new(tonic::body::Body::new(body));
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    // The authority is the delegate's, whatever replica it is.
    *request.uri_mut() = Uri::builder()
        .scheme("https")
        .authority("delegate")
        .path_and_query(path)
        .build()
        .map_err(|e| Status::internal(e.to_string()))?;
    let headers = request.headers_mut();
    headers.insert(header::TE, TE);
    headers.insert(header::CONTENT_TYPE, GRPC);
    if let Ok(value) = HeaderValue::from_str(traceparent)
        && !traceparent.is_empty()
    {
        headers.insert(TRACEPARENT, value);
    }
    let answer = pool.clone().call(request).await?;
    judge(answer.headers())?;
    if answer.status() != http::StatusCode::OK {
        return Err(Status::unavailable(format!(
            "a peer answers with {}",
            answer.status()
        )));
    }
    let took = took(answer.headers());
    Ok((answer.into_body(), took))
}

fn took(headers: &HeaderMap) -> Option<Duration> {
    let micros = headers.get(TOOK)?.to_str().ok()?;
    micros.parse().ok().map(Duration::from_micros)
}

enum Next {
    Data(Bytes),
    End,
}

/// What of a body comes next.
///
/// # Errors
/// The status behind the body, or why there is none.
async fn next(body: &mut Tracked) -> Result<Next, Status> {
    let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await;
    let frame = match frame {
        Some(Ok(frame)) => frame,
        Some(Err(e)) => return Err(Status::from_error(Box::new(e))),
        None => return Err(Status::unavailable(UNFINISHED)),
    };
    match frame.into_data() {
        Ok(bytes) => Ok(Next::Data(bytes)),
        Err(other) => {
            let trailers = other.into_trailers().unwrap_or_default();
            if judge(&trailers)? {
                return Ok(Next::End);
            }
            Err(Status::unavailable(UNFINISHED))
        }
    }
}

/// The status in headers or trailers, where there is one.
fn judge(headers: &HeaderMap) -> Result<bool, Status> {
    match Status::from_header_map(headers) {
        Some(status) if status.code() != Code::Ok => Err(status),
        status => Ok(status.is_some()),
    }
}

impl Items {
    /// The next item; of data, as much as came. `None` at the end.
    ///
    /// # Errors
    /// The status at the end, or why there is none.
    pub(super) async fn next(&mut self) -> Result<Option<Item>, Status> {
        loop {
            if let Some(item) = self.reader.next().map_err(broken)? {
                return Ok(Some(item));
            }
            match next(&mut self.body).await? {
                Next::Data(bytes) => self.reader.push(bytes),
                Next::End => {
                    self.reader.end().map_err(broken)?;
                    return Ok(None);
                }
            }
        }
    }
}

fn broken(e: Broken) -> Status {
    Status::internal(e.to_string())
}
