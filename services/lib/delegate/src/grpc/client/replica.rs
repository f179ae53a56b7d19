//! One replica and its connection, which is kept open.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use catena_runtime::net::Together;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::RwLock;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::dial::{Address, Dial};
use crate::grpc::{
    CONNECTION_WINDOW, FRAME, HEADER_LIST, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, STREAM_WINDOW,
};

pub(super) type Sender = http2::SendRequest<tonic::body::Body>;

const DIAL_TIMEOUT: Duration = Duration::from_secs(5);
const FIRST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_secs(1);

pub(super) struct Replica {
    pub(super) address: Address,
    in_flight: AtomicUsize,
    /// The last try to connect failed.
    failed: AtomicBool,
    connection: RwLock<Option<Open>>,
}

#[derive(Clone)]
struct Open {
    sender: Sender,
    since: Instant,
    /// Tells this connection from the ones before it.
    number: usize,
}

impl Replica {
    pub(super) fn new(address: Address) -> Self {
        Self {
            address,
            in_flight: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
            connection: RwLock::default(),
        }
    }

    /// The connection, its number and its age.
    pub(super) fn open(&self) -> Option<(Sender, usize, Duration)> {
        let open = self.connection.read();
        let open = open.as_ref()?;
        Some((open.sender.clone(), open.number, open.since.elapsed()))
    }

    pub(super) fn is_open(&self) -> bool {
        self.connection.read().is_some()
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Relaxed)
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    /// Counts a call until the result is dropped.
    pub(super) fn enter(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Relaxed);
        InFlight(Arc::clone(self))
    }

    /// A call found this connection closed: nobody else shall take it.
    pub(super) fn lose(&self, number: usize) {
        let mut open = self.connection.write();
        if open.as_ref().is_some_and(|o| o.number == number) {
            *open = None;
        }
    }

    /// Keeps a connection open until the replica is `retired`: then nobody else
    /// takes the connection, and it ends with the last call on it. `changed` is
    /// told about every change.
    pub(super) async fn keep(
        self: Arc<Self>,
        dialer: Arc<dyn Dial>,
        changed: watch::Sender<()>,
        retired: CancellationToken,
    ) {
        let mut backoff = Backoff::new(FIRST, LONGEST);
        for number in 0_usize.. {
            let dial = tokio::time::timeout(DIAL_TIMEOUT, connect(&*dialer, &self.address));
            let dialed = tokio::select! {
                () = retired.cancelled() => return,
                dialed = dial => dialed,
            };
            match dialed {
                Ok(Ok((sender, mut connection))) => {
                    backoff.reset();
                    self.failed.store(false, Relaxed);
                    *self.connection.write() = Some(Open {
                        sender,
                        since: Instant::now(),
                        number,
                    });
                    changed.send_replace(());
                    let ended = tokio::select! {
                        () = retired.cancelled() => {
                            self.lose(number);
                            connection.await
                        }
                        ended = &mut connection => ended,
                    };
                    if let Err(e) = ended {
                        tracing::debug!(address = %self.address, error = %e, "connection to a delegate was lost");
                    }
                    self.lose(number);
                    changed.send_replace(());
                }
                Ok(Err(e)) => self.fail(&e.to_string(), &changed),
                Err(_) => self.fail("no answer in time", &changed),
            }
            tokio::select! {
                () = retired.cancelled() => return,
                () = tokio::time::sleep(backoff.next()) => {}
            }
        }
    }

    fn fail(&self, why: &str, changed: &watch::Sender<()>) {
        if !self.failed.swap(true, Relaxed) {
            tracing::info!(address = %self.address, error = why, "delegate does not answer");
        }
        changed.send_replace(());
    }
}

type Task = std::pin::Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

async fn connect(dialer: &dyn Dial, address: &Address) -> std::io::Result<(Sender, Task)> {
    let io = dialer.dial(address).await?;
    let tasks = Together::default();
    let (sender, connection) = http2::Builder::new(tasks.clone())
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME)
        .max_header_list_size(HEADER_LIST)
        .keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .handshake(TokioIo::new(io))
        .await
        .map_err(std::io::Error::other)?;
    Ok((sender, Box::pin(tasks.drive(connection))))
}

/// A call that runs.
pub(super) struct InFlight(Arc<Replica>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}

/// Waiting times that double, spread so that peers do not come in step.
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            next: first,
        }
    }

    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }

    /// Between half of the time and all of it.
    pub(super) fn next(&mut self) -> Duration {
        let now = self.next;
        self.next = (now * 2).min(self.longest);
        // The clock's low digits are spread enough here.
        let nanos = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |d| d.subsec_nanos());
        now / 2 + now.mul_f64(f64::from(nanos % 1000) / 2000.0)
    }
}
