//! One SSH session to a node, shared by all its streams.

mod hosts;
mod identity;
mod socket;
mod stream;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use catena_proto::tunnel::v1::Stage;
use parking_lot::Mutex;
use russh::{
    ChannelOpenFailure,
    client::{self, Handle},
    keys::PublicKeyOrCertificate,
};
use tokio::{net::TcpStream, time::timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{failure::Failure, limits, metrics::Metrics, stream::Stream, target::Target};
use hosts::Known;
use socket::Socket;

pub(crate) use hosts::HostKeys;
pub(crate) use identity::Identity;
pub(crate) use stream::Writer;

/// How sessions are opened.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub user: String,
    pub identity: Identity,
    pub hosts: HostKeys,
}

/// An open session.
pub(crate) struct Session {
    handle: Handle<Judge>,
    closed: CancellationToken,
    streams: AtomicUsize,
    metrics: Arc<Metrics>,
}

/// Judges the host key, and tells the end of the session by its own.
struct Judge {
    known: Option<Known>,
    refusal: Arc<Mutex<Option<String>>>,
    _closed: DropGuard,
}

impl client::Handler for Judge {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        let verdict = self.known.as_ref().map_or(Ok(()), |k| k.judge(shown));
        *self.refusal.lock() = verdict.clone().err();
        Ok(verdict.is_ok())
    }
}

impl Session {
    /// Connects, in three stages with a deadline each. `name`: another name
    /// under which the host key may be known.
    ///
    /// # Errors
    /// The stage that failed, and why.
    pub(crate) async fn connect(
        address: &Target,
        name: &str,
        settings: &Settings,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>, Failure> {
        let tcp = connect_tcp(address).await?;
        let mut names = vec![address.host.clone()];
        if name != address.host {
            names.push(name.to_owned());
        }
        let known = settings
            .hosts
            .of(names, address.port)
            .map_err(|e| Failure::new(Stage::Handshake, e))?;
        let mut config = config();
        if let Some(known) = &known {
            known.order(&mut config.preferred);
        }
        let closed = CancellationToken::new();
        let refusal = Arc::new(Mutex::new(None));
        let judge = Judge {
            known,
            refusal: Arc::clone(&refusal),
            _closed: closed.clone().drop_guard(),
        };
        let shaken = client::connect_stream(Arc::new(config), tcp, judge);
        let mut handle = within(limits::HANDSHAKE, Stage::Handshake, shaken)
            .await
            .map_err(|f| match refusal.lock().take() {
                Some(why) => Failure::new(Stage::Handshake, why),
                None => f,
            })?;
        let auth = settings.identity.authenticate(&mut handle, &settings.user);
        within(limits::AUTH, Stage::Auth, auth).await?;
        Ok(Arc::new(Self {
            handle,
            closed,
            streams: AtomicUsize::new(0),
            metrics,
        }))
    }

    /// Ends when the session does.
    pub(crate) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// Streams that are open.
    pub(crate) fn streams(&self) -> usize {
        self.streams.load(Relaxed)
    }

    /// Asks the node to connect to `target`.
    ///
    /// # Errors
    /// Stage channel when the node answers no or not in time, stage stream
    /// when the session ends meanwhile.
    pub(crate) async fn open(
        self: &Arc<Self>,
        target: &Target,
        deadline: Duration,
        pending: impl Send + 'static,
    ) -> Result<Stream, Failure> {
        let (session, to) = (Arc::clone(self), target.clone());
        // A channel that opens after the deadline must be closed, so the
        // opening outlives the caller; `pending` bounds how many there are.
        let opening = tokio::spawn(async move {
            let _pending = pending;
            let (host, port) = (to.host, u32::from(to.port));
            let opening = session
                .handle
                .channel_open_direct_tcpip(host, port, "127.0.0.1", 0);
            tokio::select! {
                biased;
                opened = opening => match opened {
                    Ok(channel) => Ok(stream::start(Arc::clone(&session), channel)),
                    Err(e) => Err(refused(&e)),
                },
                () = session.closed() => Err(ended()),
            }
        });
        match timeout(deadline, opening).await {
            Ok(Ok(opened)) => opened,
            Ok(Err(e)) => Err(Failure::new(Stage::Channel, e)),
            Err(_) => Err(Failure::new(
                Stage::Channel,
                format!("the node did not connect to {target} in {deadline:?}"),
            )),
        }
    }
}

/// The session is gone.
pub(crate) fn ended() -> Failure {
    Failure::new(Stage::Stream, "the SSH session ended")
}

fn refused(e: &russh::Error) -> Failure {
    let why = match e {
        russh::Error::ChannelOpenFailure(ChannelOpenFailure::ConnectFailed) => {
            "the node could not connect to it"
        }
        russh::Error::ChannelOpenFailure(ChannelOpenFailure::AdministrativelyProhibited) => {
            "the node's sshd forbids the connection"
        }
        russh::Error::ChannelOpenFailure(_) => "the node's sshd refused the channel",
        _ => return ended(),
    };
    Failure::new(Stage::Channel, why)
}

async fn connect_tcp(address: &Target) -> Result<Socket, Failure> {
    let to = (address.host.as_str(), address.port);
    let tcp = within(limits::CONNECT, Stage::Connect, TcpStream::connect(to)).await?;
    Socket::new(tcp).map_err(|e| Failure::new(Stage::Connect, e))
}

fn config() -> client::Config {
    client::Config {
        window_size: limits::WINDOW,
        manual_window: true,
        maximum_packet_size: limits::PACKET,
        keepalive_interval: Some(limits::KEEPALIVE),
        // Bounds writing to a dead peer too, which keep-alives do not.
        inactivity_timeout: Some(limits::SILENCE),
        ..client::Config::default()
    }
}

async fn within<T, E: ToString>(
    limit: Duration,
    stage: Stage,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Failure> {
    match timeout(limit, work).await {
        Ok(done) => done.map_err(|e| Failure::new(stage, e)),
        Err(_) => Err(Failure::new(stage, format!("no answer in {limit:?}"))),
    }
}
