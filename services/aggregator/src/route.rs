//! Who answers: the front itself, a remote API server, or the chain.

use std::sync::Arc;

use bytes::Bytes;
use catena_delegate::{Body, Outcome, Request, Response};
use catena_objects::{Reason, Status};
use catena_telemetry::trace;
use futures_util::StreamExt as _;
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use crate::{
    Front, apiservices,
    body::{FrontBody, to_http},
    call::Call,
    documents, metrics, upgrade,
};

/// Largest body of a request (`MaxRequestBodyBytes`).
const MAX_BODY: usize = 3 << 20;

/// How much of a body that is too large is read.
const MAX_DISCARDED: usize = 64 << 20;

/// Headers that end here: those of the connection, credentials, and names of users.
const OURS: [&str; 13] = [
    "authorization",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "host",
    "content-length",
    "traceparent",
    "audit-id",
];

/// Answers a request that passed the filters.
pub(crate) async fn answer(
    front: &Arc<Front>,
    call: &mut Call,
    request: http::Request<Incoming>,
) -> Result<http::Response<FrontBody>, Status> {
    if !call.info.is_resource {
        if let Some(answer) = Box::pin(documents::answer(front, call)).await {
            return answer.map(to_http);
        }
    } else if call.info.resource.is_empty() {
        return Err(no_resource(call));
    }
    if let Some(entry) = front.remote(&call.path) {
        return Box::pin(front.proxy.forward(&entry, call, request)).await;
    }
    if call.wants_upgrade() {
        return Box::pin(upgrade::answer(front, call, request)).await;
    }
    let body = request.into_body();
    let body = match http_body::Body::is_end_stream(&body) {
        true => Bytes::new(),
        false => trace::span("read body").run(read(body)).await?,
    };
    let delegated = delegated(call, body);
    let outcome = chain(front, &call.path, delegated).await?;
    let answer = metrics::counted_events(call, outcome);
    Ok(to_http(front.until_drained(answer, call)))
}

/// `/api/v1/watch` and the like.
fn no_resource(call: &Call) -> Status {
    let url = &call.path;
    Status::internal(format!(
        "failed to get request info: unable to determine kind and namespace from url, {url}"
    ))
}

/// The delegate that claims the path, else one after the other. A delegate
/// that cannot be reached is an error: what it would say is not known.
pub(crate) async fn chain(front: &Front, path: &str, request: Request) -> Result<Response, Status> {
    if path.starts_with("//") {
        return Ok(no_such_path());
    }
    let own = request.info.api_group != apiservices::GROUP || !front.settings.chain_only;
    if own && front.own.claims(path, &request.info) {
        if let Outcome::Served(response) = front.own.delegate.serve(request).await? {
            return Ok(response);
        }
        return Ok(no_such_path());
    }
    if let Some(owner) = front.links.iter().find(|l| l.claims(path)) {
        return match owner.delegate.serve(request).await? {
            Outcome::Served(response) => Ok(response),
            // A group that is known, a version or resource that is not.
            Outcome::NotMine if owner.name == "core" => Err(Status::no_such_path()),
            Outcome::NotMine => Ok(no_such_path()),
        };
    }
    for link in &front.links {
        if let Outcome::Served(response) = link.delegate.serve(request.clone()).await? {
            return Ok(response);
        }
    }
    Ok(no_such_path())
}

/// The end of the chain.
pub(crate) fn no_such_path() -> Response {
    let mut answer = Response::new(404, "text/plain; charset=utf-8", "404 page not found\n");
    answer.headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        http::HeaderValue::from_static("nosniff"),
    );
    answer
}

/// The request as delegates get it.
pub(crate) fn delegated(call: &Call, body: Bytes) -> Request {
    let mut headers = forwarded(&call.headers);
    if call.info.subresource == "proxy" {
        of_proxy(call, &mut headers);
    }
    Request {
        method: call.method.as_str().to_owned(),
        path: call.path.clone(),
        query: call.query.clone(),
        headers,
        info: call.info.clone(),
        user: call.user.clone(),
        audit_id: call.audit_id.clone(),
        audit_level: 0,
        deadline: call.deadline,
        traceparent: call.traceparent.clone(),
        remote_addr: call.peer.addr.to_string(),
        body,
    }
}

/// What is proxied hears of the host that the client asked, and of the client
/// (`httputil.ReverseProxy`).
fn of_proxy(call: &Call, headers: &mut HeaderMap) {
    if let Some(host) = call.headers.get(header::HOST) {
        headers.insert(header::HOST, host.clone());
    }
    let before = headers.get_all("x-forwarded-for").iter();
    let mut way: Vec<&str> = before.filter_map(|v| v.to_str().ok()).collect();
    let client = call.peer.addr.ip().to_canonical().to_string();
    way.push(&client);
    if let Ok(way) = http::HeaderValue::from_str(&way.join(", ")) {
        headers.insert("x-forwarded-for", way);
    }
}

/// The client's headers without those that are the front's business.
pub(crate) fn forwarded(headers: &HeaderMap) -> HeaderMap {
    let mut out = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let text = name.as_str();
        let user = text.starts_with("impersonate-") || text.starts_with("x-remote-");
        if !user && !OURS.contains(&text) {
            out.append(name, value.clone());
        }
    }
    out
}

/// The whole body of a request. What is too large is read to its end (within
/// reason) and thrown away: a client that still writes would not hear the answer.
async fn read(mut body: Incoming) -> Result<Bytes, Status> {
    let mut pieces: Vec<Bytes> = Vec::new();
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|e| Status::bad_request(format!("the body was not read: {e}")))?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        size += piece.len();
        if size > MAX_BODY {
            pieces.clear();
        } else {
            pieces.push(piece);
        }
        if size > MAX_DISCARDED {
            break;
        }
    }
    if size > MAX_BODY {
        let text = format!("Request entity too large: limit is {MAX_BODY}");
        return Err(Status::new(Reason::RequestEntityTooLarge, text));
    }
    if pieces.len() == 1 {
        return Ok(pieces.swap_remove(0));
    }
    Ok(pieces.concat().into())
}

/// The whole body of an answer.
pub(crate) async fn whole(body: Body) -> Result<Bytes, Status> {
    match body {
        Body::Full(bytes) => Ok(bytes),
        other => {
            let mut stream = other.into_bytes();
            let mut out = Vec::new();
            while let Some(piece) = stream.next().await {
                out.extend_from_slice(&piece?);
            }
            Ok(out.into())
        }
    }
}
