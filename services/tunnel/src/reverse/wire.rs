//! What the tunnel and the agents of nodes speak: HTTP/2 over TLS with the roles
//! turned round. The agent connects, then the tunnel is the client: a CONNECT
//! (RFC 9113, section 8.5) is a connection, its DATA are the bytes, the flow
//! control of its stream is the back-pressure.

use std::{future::poll_fn, io, time::Duration};

use bytes::Bytes;
use h2::{Ping, PingPong, SendStream};
use tokio::time::{sleep, timeout};

use crate::limits;

/// Proves in the TLS handshake that both sides mean this.
pub(crate) const ALPN: &[u8] = b"catena-tunnel/1";

/// First request of the tunnel, with the id of the replica. 204: the session
/// is wanted. 409: there is one to this replica already.
pub(crate) const HELLO: &str = "/v1/hello";
/// Asks the agent for a session in place of this one.
pub(crate) const RENEW: &str = "/v1/renew";

pub(crate) const REPLICA: &str = "catena-replica";
/// How many replicas there are, where the operator said so.
pub(crate) const REPLICAS: &str = "catena-replicas";
/// What is left of the time for a CONNECT.
pub(crate) const DEADLINE: &str = "catena-deadline-millis";

/// Streams of a session, and what each may send before it is read. All of them
/// fit into the window of the connection (RFC 9113, section 6.9.1), so that
/// readers who pause never hold up one who reads.
pub(crate) const STREAMS: u32 = 4000;
pub(crate) const WINDOW: u32 = 512 << 10;
pub(crate) const CONNECTION_WINDOW: u32 = (1 << 31) - 1;
const _: () = assert!(STREAMS as u64 * WINDOW as u64 <= CONNECTION_WINDOW as u64);

/// Largest DATA frame.
pub(crate) const FRAME: u32 = limits::CHUNK as u32;
pub(crate) const HEADERS: u32 = 8 << 10;
/// Text of a refusal.
pub(crate) const REASON: usize = 1 << 10;

/// Streams that were reset and are remembered, so that what is still under way
/// to them is no error.
pub(crate) const RESETS: usize = STREAMS as usize;

/// Sends all of it, and waits while the other side takes nothing.
///
/// # Errors
/// When the stream was reset or the session broke.
pub(crate) async fn send(to: &mut SendStream<Bytes>, mut data: Bytes) -> Result<(), h2::Error> {
    while !data.is_empty() {
        to.reserve_capacity(data.len());
        while to.capacity() == 0 {
            match poll_fn(|cx| to.poll_capacity(cx)).await {
                Some(more) => drop(more?),
                None => return Err(h2::Reason::STREAM_CLOSED.into()),
            }
        }
        let piece = data.split_to(to.capacity().min(data.len()));
        to.send_data(piece, false)?;
    }
    Ok(())
}

/// Asks for a sign of life again and again; ends, with the reason, when none
/// comes.
pub(crate) async fn alive(mut pings: PingPong) -> io::Error {
    const ANSWER: Duration = limits::SILENCE.saturating_sub(limits::KEEPALIVE);
    loop {
        sleep(limits::KEEPALIVE).await;
        match timeout(ANSWER, pings.ping(Ping::opaque())).await {
            Ok(Ok(_)) => {}
            Ok(Err(e)) => return io::Error::other(e),
            Err(_) => return io::Error::new(io::ErrorKind::TimedOut, "it fell silent"),
        }
    }
}

/// A failure of HTTP/2 in words of TCP where there are some.
pub(crate) fn said(e: &h2::Error) -> String {
    match e.reason() {
        Some(h2::Reason::CONNECT_ERROR) => "the connection at the node broke".to_owned(),
        Some(h2::Reason::CANCEL) => "the node gave the connection up".to_owned(),
        _ => format!("the session with the node ended: {e}"),
    }
}
