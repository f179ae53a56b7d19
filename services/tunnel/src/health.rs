//! Whether a node answers through its session.

use bytes::Bytes;
use catena_proto::tunnel::v1::Stage;
use tokio::time::timeout;

use crate::{failure::Failure, limits, link::Link, target::Target};

/// Asks the kubelet's healthz through the session. Any HTTP answer is one of a
/// living tunnel, and so is a node that says that nobody listens there.
///
/// # Errors
/// When the node says nothing in time, or the session ended.
pub(crate) async fn check(session: &Link, healthz: &Target) -> Result<(), Failure> {
    let asked = timeout(limits::HEALTH_TIMEOUT, ask(session, healthz)).await;
    asked.unwrap_or_else(|_| {
        let why = format!("no answer of {healthz} in {:?}", limits::HEALTH_TIMEOUT);
        Err(Failure::new(Stage::Stream, why))
    })
}

async fn ask(session: &Link, healthz: &Target) -> Result<(), Failure> {
    // Longer than the timeout of the whole check: what is refused comes as such.
    let mut stream = match session.open(healthz, limits::DIAL, ()).await {
        Ok(stream) => stream,
        Err(f) if f.stage == Stage::Channel => return Ok(()),
        Err(f) => return Err(f),
    };
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {healthz}\r\nConnection: close\r\n\r\n");
    stream.writer.write(Bytes::from(request)).await?;
    match stream.reader.recv().await {
        Some(Ok(answer)) if answer.starts_with(b"HTTP/") => Ok(()),
        Some(Err(f)) => Err(f),
        Some(Ok(_)) => Err(Failure::new(Stage::Stream, "the answer is not HTTP")),
        None => Err(Failure::new(
            Stage::Stream,
            "the connection ended without an answer",
        )),
    }
}
