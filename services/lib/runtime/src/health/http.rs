//! The port, and what is answered on it.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use catena_telemetry::metrics;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;

use super::Health;
use crate::net::{Io, Listener};

/// A request's head comes within this time, and has at most this many bytes.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const HEAD: usize = 8 << 10;
/// A connection ends after this time: probes and scrapes are short.
const CONNECTION: Duration = Duration::from_secs(60);
/// Connections at once.
const CONNECTIONS: usize = 64;
/// After a failure to accept (no more descriptors) the next try waits.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

pub(super) async fn serve(listener: Listener, health: Health) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((io, _)) => {
                let health = health.clone();
                tokio::spawn(async move {
                    let _ = tokio::time::timeout(CONNECTION, connection(io, health)).await;
                    drop(place);
                });
            }
            Err(e) => {
                tracing::warn!(error = %e, "cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(io: Box<dyn Io>, health: Health) -> hyper::Result<()> {
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        std::future::ready(Ok::<_, Infallible>(respond(&health, &request)))
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(io), service)
        .await
}

/// As kube-apiserver's: `ok`, or the list of checks when one failed or the list
/// is asked for; a check alone by its name.
pub(super) fn answer<B>(health: &Health, request: &Request<B>) -> (StatusCode, Vec<u8>) {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return (
            StatusCode::METHOD_NOT_ALLOWED,
            b"only GET is served\n".to_vec(),
        );
    }
    let verbose = request.uri().query().unwrap_or_default();
    let verbose = verbose
        .split('&')
        .any(|p| p.split('=').next() == Some("verbose"));
    let path = request.uri().path().trim_start_matches('/');
    let (kind, only) = path.split_once('/').unwrap_or((path, ""));
    let mut checks = match kind {
        "livez" => vec![("ping", true)],
        "readyz" | "healthz" => health.checks().to_vec(),
        _ => Vec::new(),
    };
    checks.retain(|(name, _)| only.is_empty() || *name == only);
    if checks.is_empty() {
        return (StatusCode::NOT_FOUND, b"404 page not found\n".to_vec());
    }
    let passed = checks.iter().all(|(_, passed)| *passed);
    if passed && !verbose {
        return (StatusCode::OK, b"ok".to_vec());
    }
    let mut text = String::new();
    for (name, passed) in checks {
        text += &match passed {
            true => format!("[+]{name} ok\n"),
            false => format!("[-]{name} failed: reason withheld\n"),
        };
    }
    let (status, end) = match passed {
        true => (StatusCode::OK, "passed"),
        false => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
    };
    text += &format!("{kind} check {end}\n");
    (status, text.into_bytes())
}

fn respond<B>(health: &Health, request: &Request<B>) -> Response<Full<Bytes>> {
    let wants_metrics = request.method() == Method::GET && request.uri().path() == "/metrics";
    let (status, kind, body) = if wants_metrics {
        let accept = request.headers().get(header::ACCEPT);
        let accept = accept.and_then(|a| a.to_str().ok()).unwrap_or_default();
        let shown = metrics::expose(accept);
        (StatusCode::OK, shown.content_type, shown.body)
    } else {
        let (status, body) = answer(health, request);
        (status, "text/plain; charset=utf-8", body)
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
