//! The span of a request (`filters/traces.go`), and its line in the log
//! (`server/httplog`).

use catena_telemetry::trace;
use http::Response;

use crate::{body::FrontBody, call::Call, metrics};

/// Groups whose members decide whether their requests are traced.
const TRUSTED: [&str; 2] = ["system:masters", "system:monitoring"];

/// Begins the span, with authentication as its first part: only now it is known whether
/// the client's own trace is to be believed.
pub(crate) fn begin(call: &mut Call, authenticated: bool) {
    let trusted = authenticated && TRUSTED.iter().any(|g| call.user.in_group(g));
    let span = trace::begin(
        || name(call),
        "authentication",
        &call.traceparent,
        trusted,
        call.received,
    );
    if span.is_none() {
        // What is behind must not take a client's decision for ours; where we decide
        // nothing, it is handed on.
        if trace::is_on() && !trusted {
            call.traceparent.clear();
        }
        return;
    }
    span.set("audit-id", || call.audit_id.clone());
    span.set("http.request.method", || call.method.to_string());
    span.set("url.path", || call.path.clone());
    span.set("user_agent.original", || {
        call.header("user-agent").to_owned()
    });
    span.set("client.address", || call.peer.addr.ip().to_string());
    span.set("verb", || call.info.verb.clone());
    call.traceparent = span.traceparent().unwrap_or_default();
    call.span = span;
}

/// Ends the span with the answer, or with its body where that goes on.
pub(crate) fn end(call: &Call, answer: Response<FrontBody>) -> Response<FrontBody> {
    let status = answer.status();
    let span = &call.span;
    span.set("http.response.status_code", || i64::from(status.as_u16()));
    if status.is_server_error() {
        span.fail(|| status.to_string());
    }
    if catena_runtime::log::requests() {
        line(call, status.as_u16());
    }
    if span.is_none() {
        return answer;
    }
    let span = span.clone();
    answer.map(|body| body.with(span))
}

/// Fields have kube-apiserver's names. The query is not told: it may hold commands.
fn line(call: &Call, status: u16) {
    tracing::info!(
        verb = metrics::verb(call),
        URI = call.raw_path,
        latency = ?call.received.elapsed(),
        userAgent = call.header("user-agent"),
        audit_id = call.audit_id,
        srcIP = %call.peer.addr,
        resp = status,
        trace_id = call.span.trace_id().map(tracing::field::display),
        "HTTP"
    );
}

/// `GET /api/v1/namespaces/{:namespace}/pods/{:name}`: names that are few
/// (`getSpanNameFromRequestInfo`).
fn name(call: &Call) -> String {
    let i = &call.info;
    if !i.is_resource {
        return call.method.to_string();
    }
    let mut path = format!("{} /{}", call.method, i.api_prefix);
    let mut part = |text: &str| {
        path.push('/');
        path.push_str(text);
    };
    if !i.api_group.is_empty() {
        part(&i.api_group);
    }
    part(&i.api_version);
    if !i.namespace.is_empty() {
        part("namespaces/{:namespace}");
    }
    part(&i.resource);
    if !i.name.is_empty() {
        part("{:name}");
    }
    if !i.subresource.is_empty() {
        part(&i.subresource);
    }
    path
}
