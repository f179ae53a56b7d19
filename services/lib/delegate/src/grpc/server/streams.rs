//! The calls of every request, beside those that tonic answers.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use catena_proto::delegate::v1::{ServeReply, ServeRequest, delegate_server::DelegateServer};
use futures_util::future::BoxFuture;
use http::{HeaderMap, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, Limited};
use prost::Message as _;
use tonic::{Status, body::Body, metadata::MetadataMap, server::NamedService};

use super::service::{Items, Service};
use crate::grpc::{GRPC, MAX_MESSAGE, SERVE, SERVE_STREAM, frames};

/// Answers all calls: `Serve` and `ServeStream` itself, with bodies that are not
/// copied.
#[derive(Clone)]
pub(super) struct Streams {
    pub(super) own: Arc<Service>,
    pub(super) others: DelegateServer<Service>,
}

impl NamedService for Streams {
    const NAME: &'static str = <DelegateServer<Service> as NamedService>::NAME;
}

impl tower::Service<http::Request<Body>> for Streams {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let streamed = match request.uri().path() {
            SERVE => false,
            SERVE_STREAM => true,
            _ => return self.others.call(request),
        };
        let own = Arc::clone(&self.own);
        Box::pin(async move {
            let answer = answer(&own, request, streamed).await;
            Ok(answer.map_or_else(Status::into_http, |(metadata, sent)| {
                let mut response = http::Response::new(Body::new(sent));
                *response.headers_mut() = metadata.into_headers();
                response.headers_mut().insert(header::CONTENT_TYPE, GRPC);
                response
            }))
        })
    }
}

async fn answer(
    own: &Service,
    request: http::Request<Body>,
    streamed: bool,
) -> Result<(MetadataMap, Sent), Status> {
    let call = message(request).await?;
    if streamed {
        let (metadata, items, _) = own.stream(call).await?.into_parts();
        return Ok((metadata, Sent::items(items)));
    }
    let (metadata, reply, _) = own.short(call).await?.into_parts();
    Ok((metadata, Sent::one(&reply)))
}

/// The one message of the caller.
async fn message(request: http::Request<Body>) -> Result<tonic::Request<ServeRequest>, Status> {
    let bad = |what| Status::invalid_argument(what);
    let (head, body) = request.into_parts();
    if head.headers.get(header::CONTENT_TYPE) != Some(&GRPC) {
        return Err(bad("the content type is not application/grpc"));
    }
    // Its prefix has 5 bytes.
    let body = Limited::new(body, MAX_MESSAGE + 5).collect().await;
    let body = body
        .map_err(|_| bad("the message was not read"))?
        .to_bytes();
    let message = frames::message(body).map_err(|e| Status::invalid_argument(e.to_string()))?;
    let message = ServeRequest::decode(message).map_err(|e| bad_message(&e))?;
    let metadata = MetadataMap::from_headers(head.headers);
    Ok(tonic::Request::from_parts(
        metadata,
        head.extensions,
        message,
    ))
}

fn bad_message(e: &prost::DecodeError) -> Status {
    Status::invalid_argument(e.to_string())
}

/// Items as frames, with the status behind them.
struct Sent {
    /// Until its end.
    items: Option<Items>,
    ready: VecDeque<Bytes>,
    /// Behind what is ready.
    trailers: Option<HeaderMap>,
}

impl Sent {
    fn items(items: Items) -> Self {
        Self {
            items: Some(items),
            ready: VecDeque::new(),
            trailers: None,
        }
    }

    fn one(reply: &ServeReply) -> Self {
        let mut sent = Self {
            items: None,
            ready: VecDeque::from([frames::whole(reply)]),
            trailers: None,
        };
        sent.end(&Status::ok(""));
        sent
    }

    fn end(&mut self, status: &Status) {
        let mut trailers = HeaderMap::new();
        // What a header cannot hold is told by its code alone.
        if status.add_header(&mut trailers).is_err() {
            trailers.clear();
            let _ = Status::new(status.code(), "").add_header(&mut trailers);
        }
        self.items = None;
        self.trailers = Some(trailers);
    }
}

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            let Some(items) = &mut self.items else {
                let trailers = self.trailers.take();
                return Poll::Ready(trailers.map(|t| Ok(Frame::trailers(t))));
            };
            match ready!(items.as_mut().poll_next(cx)) {
                Some(Ok(item)) => {
                    let (head, data) = frames::of_item(item);
                    self.ready.push_back(head);
                    self.ready.extend(data);
                }
                Some(Err(status)) => self.end(&status),
                None => self.end(&Status::ok("")),
            }
        }
    }
}
