//! gRPC on one connection that stands.

use std::{io, time::Duration};

use catena_runtime::net::Io;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tonic::transport::{Channel, Endpoint};

/// Largest message; peers send pieces that are far shorter.
pub(crate) const MAX_MESSAGE: usize = 4 << 20;
const WINDOW: u32 = 1 << 20;
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_ANSWER: Duration = Duration::from_secs(10);

/// On this connection, and on no other one after it.
pub(crate) async fn channel(io: Box<dyn Io>) -> Result<Channel, String> {
    let only = Mutex::new(Some(TokioIo::new(io)));
    let connector = tower::service_fn(move |_: http::Uri| {
        let io = only.lock().take();
        async move { io.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected)) }
    });
    Endpoint::from_static("http://egress")
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_ANSWER)
        .connect_with_connector(connector)
        .await
        .map_err(|e| format!("connection error: desc = \"transport: {e}\""))
}

/// A failure as Go's client tells it.
pub(crate) fn failure(e: &tonic::Status) -> String {
    format!("rpc error: code = {:?} desc = {}", e.code(), e.message())
}
