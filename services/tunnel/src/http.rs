//! `/livez`, `/healthz`, `/readyz` and `/metrics`.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use catena_runtime::net::Listener;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio_util::sync::CancellationToken;

use crate::{accept, limits};

/// A request's head comes within this time.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection ends after this time: probes and scrapes are short.
const CONNECTION: Duration = Duration::from_secs(60);

/// What is asked for, in this process.
pub(crate) struct Health {
    /// Name of its one check.
    pub(crate) check: &'static str,
    /// The check: why the process is not ready.
    pub(crate) holds: Box<dyn Fn() -> Result<(), String> + Send + Sync>,
    /// The text format of Prometheus.
    pub(crate) metrics: Box<dyn Fn() -> Vec<u8> + Send + Sync>,
}

impl Health {
    fn answer(&self, request: &Request<Incoming>) -> (StatusCode, Vec<u8>) {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return (
                StatusCode::METHOD_NOT_ALLOWED,
                b"only GET is served\n".to_vec(),
            );
        }
        let path = request.uri().path();
        let verbose = request
            .uri()
            .query()
            .is_some_and(|q| q.starts_with("verbose"));
        match path {
            "/metrics" => (StatusCode::OK, (self.metrics)()),
            // A process that lost its nodes is not helped by a restart.
            "/livez" | "/livez/ping" => (StatusCode::OK, b"ok".to_vec()),
            "/healthz" | "/readyz" => self.checks(&path[1..], verbose),
            _ if self.is_only(path) => match (self.holds)() {
                Ok(()) => (StatusCode::OK, b"ok".to_vec()),
                Err(why) => {
                    let text = format!("internal server error: {why}\n");
                    (StatusCode::INTERNAL_SERVER_ERROR, text.into_bytes())
                }
            },
            _ => (StatusCode::NOT_FOUND, b"404 page not found\n".to_vec()),
        }
    }

    fn checks(&self, kind: &str, verbose: bool) -> (StatusCode, Vec<u8>) {
        let check = self.check;
        match (self.holds)() {
            Ok(()) if !verbose => (StatusCode::OK, b"ok".to_vec()),
            Ok(()) => {
                let text = format!("[+]ping ok\n[+]{check} ok\n{kind} check passed\n");
                (StatusCode::OK, text.into_bytes())
            }
            Err(why) => {
                tracing::warn!(reason = why, "{check} failed");
                let text = format!(
                    "[+]ping ok\n[-]{check} failed: reason withheld\n{kind} check failed\n"
                );
                (StatusCode::INTERNAL_SERVER_ERROR, text.into_bytes())
            }
        }
    }

    fn is_only(&self, path: &str) -> bool {
        ["/healthz/", "/readyz/"].iter().any(|p| {
            path.strip_prefix(p)
                .is_some_and(|c| c.replace("%20", " ") == self.check)
        })
    }
}

/// Serves until `stop`.
pub(crate) async fn serve_on(
    listener: Listener,
    health: Arc<Health>,
    stop: CancellationToken,
) -> io::Result<()> {
    let mut incoming = accept::connections(listener, None, stop);
    while let Some(connection) = incoming.recv().await {
        let connection = TokioIo::new(connection?);
        let health = Arc::clone(&health);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let (status, body) = health.answer(&request);
                std::future::ready(Ok::<_, Infallible>(response(status, body)))
            });
            let serving = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT)
                .max_buf_size(limits::HEAD)
                .serve_connection(connection, service);
            let _ = tokio::time::timeout(CONNECTION, serving).await;
        });
    }
    Ok(())
}

fn response(status: StatusCode, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
