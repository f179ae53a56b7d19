//! The filter chain: what happens to every request, once, in the front.
//!
//! [`run`] is the whole of it, in order; each filter is a file
//! (`k8s.io/apiserver/pkg/server/config.go`, `DefaultBuildHandlerChain`).

mod authentication;
mod authorization;
mod deadline;
mod impersonation;
mod in_flight;
mod panic;
mod traced;

pub(crate) use in_flight::InFlight;

use std::sync::Arc;

use catena_delegate::Response;
use catena_endpoints::encode;
use catena_objects::Status;
use catena_telemetry::trace;
use http::{HeaderValue, header};
use hyper::body::Incoming;

use crate::{
    Front,
    body::{FrontBody, to_http},
    call::{Call, Peer},
    compress, metrics, route,
};

/// Answers a request.
pub(crate) async fn run(
    front: Arc<Front>,
    peer: Arc<Peer>,
    request: http::Request<Incoming>,
) -> http::Response<FrontBody> {
    let (head, body) = request.into_parts();
    let mut call = Call::new(&head, peer);
    let request = http::Request::from_parts(head, body);
    let counted = metrics::Counted::start(&call);
    let accept = call.header("accept").to_owned();
    let audit_id = call.audit_id.clone();
    let mut answer = panic::recover(filters(&front, &mut call, request))
        .await
        .unwrap_or_else(|status| to_http(failure(&accept, &status)));
    let headers = answer.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&audit_id) {
        headers.insert("audit-id", id);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-cache, private"));
    let answer = compress::gzip(&call, counted.end(&call, answer)).await;
    traced::end(&call, answer)
}

async fn filters(
    front: &Arc<Front>,
    call: &mut Call,
    request: http::Request<Incoming>,
) -> Result<http::Response<FrontBody>, Status> {
    deadline::set(front, call)?;
    let limit = call.deadline;
    let rest = async {
        let known = authentication::identify(front, call).await;
        metrics::authenticated(call, &known);
        traced::begin(call, known.is_ok());
        known?;
        let span = call.span.clone();
        let rest = async {
            impersonation::apply(front, call).await?;
            let _counted = front.in_flight.enter(call)?;
            let judged = authorization::check(front, call);
            trace::span("authorization").run(judged).await?;
            route::answer(front, call, request).await
        };
        span.run(rest).await
    };
    let answer = deadline::within(limit, rest).await;
    if let Err(s) = &answer
        && s.reason == catena_objects::Reason::Timeout
    {
        metrics::terminated(call, 504);
    }
    answer
}

/// A failure as the client reads it. Overload is told in plain text, as the
/// reference does it before anything is known of the request.
fn failure(accept: &str, status: &Status) -> Response {
    if status.message == in_flight::MESSAGE {
        let text = format!("{}\n", in_flight::MESSAGE);
        let mut answer = Response::new(429, "text/plain; charset=utf-8", text);
        answer
            .headers
            .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        return answer;
    }
    encode::failure(accept, status)
}
