//! Connections by this machine's own network.

use std::{io, path::Path, time::Duration};

use async_trait::async_trait;
use catena_runtime::net::{Io, connect_unix};
use tokio::net::TcpStream;

use crate::{DialError, Egress, authority};

/// As Go's default transport has it.
pub(crate) const CONNECT: Duration = Duration::from_secs(30);

/// Dials from here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Direct;

#[async_trait]
impl Egress for Direct {
    async fn dial(&self, host: &str, port: u16) -> Result<Box<dyn Io>, DialError> {
        tcp(host, port).await.map_err(DialError)
    }
}

/// Connects over TCP; a name may have several addresses.
pub(crate) async fn tcp(host: &str, port: u16) -> Result<Box<dyn Io>, String> {
    let failed = |why: String| format!("dial tcp {}: {why}", authority(host, port));
    let connected = tokio::time::timeout(CONNECT, TcpStream::connect((host, port)));
    let stream = match connected.await {
        Err(_) => return Err(failed("i/o timeout".to_owned())),
        Ok(Err(e)) if e.to_string().starts_with("failed to lookup address") => {
            return Err(format!("dial tcp: lookup {host}: no such host"));
        }
        Ok(connected) => connected.map_err(|e| failed(words(&e)))?,
    };
    stream.set_nodelay(true).map_err(|e| failed(words(&e)))?;
    Ok(Box::new(stream))
}

/// Connects to a socket of this machine.
pub(crate) async fn unix(path: &Path) -> Result<Box<dyn Io>, String> {
    let failed = |why: String| format!("dial unix {}: {why}", path.display());
    tokio::time::timeout(CONNECT, connect_unix(path))
        .await
        .map_err(|_| failed("i/o timeout".to_owned()))?
        .map_err(|e| failed(words(&e)))
}

/// The error in Go's words.
fn words(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::ConnectionRefused => "connect: connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connect: connection reset by peer".to_owned(),
        io::ErrorKind::HostUnreachable => "connect: no route to host".to_owned(),
        io::ErrorKind::NetworkUnreachable => "connect: network is unreachable".to_owned(),
        io::ErrorKind::NotFound => "connect: no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "connect: permission denied".to_owned(),
        io::ErrorKind::TimedOut => "i/o timeout".to_owned(),
        _ => e.to_string(),
    }
}
