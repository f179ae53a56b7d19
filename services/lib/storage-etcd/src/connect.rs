//! Connections to the servers.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use catena_runtime::{
    flags,
    net::{Corked, Io, Together, connect_unix},
    tls::{ALPN_H2, ClientTls},
};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

const CONNECT: Duration = Duration::from_secs(5);
/// How long a server that is not there is waited for, and how often it is tried.
const RESTART: Duration = Duration::from_secs(2);
const AGAIN: Duration = Duration::from_millis(2);
const AGAIN_AT_MOST: Duration = Duration::from_millis(50);
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_ANSWER: Duration = Duration::from_secs(10);
const WINDOW: u32 = 8 << 20;

/// One server.
#[derive(Clone, Debug)]
enum Server {
    Tcp {
        host: String,
        port: u16,
        secure: bool,
    },
    Unix(PathBuf),
}

fn parse(text: &str) -> anyhow::Result<Server> {
    if let Some(path) = text
        .strip_prefix("unix://")
        .or_else(|| text.strip_prefix("unix:"))
    {
        return Ok(Server::Unix(path.into()));
    }
    let uri: http::Uri = text
        .parse()
        .with_context(|| format!("--etcd-servers {text:?}"))?;
    let host = uri
        .host()
        .with_context(|| format!("--etcd-servers {text:?} names no host"))?;
    Ok(Server::Tcp {
        host: host.trim_matches(['[', ']']).to_owned(),
        port: uri.port_u16().unwrap_or(2379),
        secure: uri.scheme_str() == Some("https"),
    })
}

/// A channel that dials the servers one after the other until one answers. What
/// it runs is in one task, until `stop`.
pub(crate) fn channel(options: &flags::Etcd, stop: CancellationToken) -> anyhow::Result<Channel> {
    let servers = options
        .etcd_servers
        .iter()
        .map(|s| parse(s))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let secure = servers
        .iter()
        .any(|s| matches!(s, Server::Tcp { secure: true, .. }));
    let tls = if secure {
        let ca = options
            .etcd_cafile
            .clone()
            .context("--etcd-cafile must be specified for https servers")?;
        let identity = options
            .etcd_certfile
            .clone()
            .zip(options.etcd_keyfile.clone());
        Some(Arc::new(ClientTls::new(ca, identity, &[ALPN_H2])?))
    } else {
        None
    };
    let servers: Arc<[Server]> = servers.into();
    // Each connection begins with another server: the last one may have failed.
    let turn = Arc::new(AtomicUsize::new(0));
    let dial = tower::service_fn(move |_: http::Uri| {
        let (servers, tls) = (servers.clone(), tls.clone());
        let first = turn.fetch_add(1, Ordering::Relaxed);
        async move {
            let io = any(&servers, first, tls.as_deref()).await;
            io.map(|io| TokioIo::new(Corked::for_http2(io)))
        }
    });
    let tasks = Together::after_others();
    tokio::spawn(tasks.clone().drive(stop.cancelled_owned()));
    Ok(Endpoint::from_static("http://etcd")
        .executor(tasks)
        .connect_timeout(CONNECT)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(2 * WINDOW)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_ANSWER)
        .keep_alive_while_idle(true)
        .connect_with_connector_lazy(dial))
}

/// The first server that answers. One that is being started again is waited for.
async fn any(servers: &[Server], first: usize, tls: Option<&ClientTls>) -> io::Result<Box<dyn Io>> {
    let first = first % servers.len().max(1);
    let end = Instant::now() + RESTART;
    let mut pause = AGAIN;
    loop {
        let mut last = io::Error::other("no server is given");
        for server in servers[first..].iter().chain(&servers[..first]) {
            match tokio::time::timeout(CONNECT, one(server, tls)).await {
                Ok(Ok(io)) => return Ok(io),
                Ok(Err(e)) => last = e,
                Err(_) => last = io::ErrorKind::TimedOut.into(),
            }
        }
        let absent = [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused];
        if !absent.contains(&last.kind()) || Instant::now() + pause > end {
            return Err(last);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(AGAIN_AT_MOST);
    }
}

async fn one(server: &Server, tls: Option<&ClientTls>) -> io::Result<Box<dyn Io>> {
    let (host, port, secure) = match server {
        Server::Unix(path) => return connect_unix(path).await,
        Server::Tcp { host, port, secure } => (host, *port, *secure),
    };
    let stream = TcpStream::connect((host.as_str(), port)).await?;
    stream.set_nodelay(true)?;
    let Some(tls) = tls.filter(|_| secure) else {
        return Ok(Box::new(stream));
    };
    tls.refresh();
    let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
    let stream = TlsConnector::from(tls.config())
        .connect(name, stream)
        .await?;
    Ok(Box::new(stream))
}
