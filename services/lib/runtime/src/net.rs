//! Listeners and connections over TCP and unix sockets.

mod corked;
mod together;

pub use corked::Corked;
pub use together::Together;

use std::{io, net::SocketAddr, os::unix::fs::FileTypeExt, path::PathBuf, str::FromStr};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
};

/// A byte stream in both directions.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

/// Where a process listens or is reached: `host:port`, or a path for a unix socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// A host, by name or address, and a port.
    Host(String, u16),
    Unix(PathBuf),
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = text
            .strip_prefix("unix://")
            .or_else(|| text.strip_prefix("unix:"))
            .unwrap_or(text);
        if path.starts_with('/') || path.len() < text.len() {
            return Ok(Self::Unix(path.into()));
        }
        let (host, port) = text
            .rsplit_once(':')
            .ok_or_else(|| format!("{text:?} is neither host:port nor the path of a socket"))?;
        let port = port.parse().map_err(|_| format!("{port:?} is no port"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Ok(Self::Host(
            if host.is_empty() { "0.0.0.0" } else { host }.to_owned(),
            port,
        ))
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Host(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A bound listener.
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Listener {
    /// Binds; a socket file that an earlier process left is replaced.
    pub async fn bind(at: &Endpoint) -> io::Result<Self> {
        match at {
            Endpoint::Host(host, port) => {
                Ok(Self::Tcp(TcpListener::bind((host.as_str(), *port)).await?))
            }
            Endpoint::Unix(path) => {
                let stale =
                    std::fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket());
                if stale && UnixStream::connect(path).await.is_err() {
                    std::fs::remove_file(path)?;
                }
                Ok(Self::Unix(UnixListener::bind(path)?, path.clone()))
            }
        }
    }

    /// The address that was bound, with the port that was chosen for port 0.
    pub fn local(&self) -> io::Result<Endpoint> {
        Ok(match self {
            Self::Tcp(l) => {
                let addr = l.local_addr()?;
                Endpoint::Host(addr.ip().to_string(), addr.port())
            }
            Self::Unix(_, path) => Endpoint::Unix(path.clone()),
        })
    }

    /// The next connection and the address of its peer. TCP is sent without
    /// delay: a small answer would else wait for the acknowledgement of the one before.
    pub async fn accept(&self) -> io::Result<(Box<dyn Io>, Option<SocketAddr>)> {
        match self {
            Self::Tcp(l) => {
                let (stream, peer) = l.accept().await?;
                stream.set_nodelay(true)?;
                Ok((Box::new(stream), Some(peer)))
            }
            Self::Unix(l, _) => Ok((Box::new(l.accept().await?.0), None)),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Connects over TCP without delay.
pub async fn connect_tcp(addr: SocketAddr) -> io::Result<Box<dyn Io>> {
    let stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    Ok(Box::new(stream))
}

/// Connects to a unix socket.
pub async fn connect_unix(path: &std::path::Path) -> io::Result<Box<dyn Io>> {
    Ok(Box::new(UnixStream::connect(path).await?))
}
