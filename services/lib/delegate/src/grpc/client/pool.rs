//! The replicas of a delegate as one gRPC service.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use arc_swap::ArcSwap;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::Stats;

use super::{
    Settings,
    balance::{Choice, choose},
    dial::{Address, Dial},
    replica::{InFlight, Replica},
    resolve::{self, Endpoints},
};

/// Tries of a call that no server has seen.
const UNSENT_TRIES: usize = 8;

#[derive(Clone)]
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    replicas: ArcSwap<Vec<Arc<Replica>>>,
    changed: watch::Sender<()>,
    turn: AtomicUsize,
    connect_wait: Duration,
    slow_start: Duration,
}

/// A call that got no answer from a server.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    #[error("no replica is connected")]
    Nobody,
    #[error("connection was lost while a call was running")]
    Midway(#[source] hyper::Error),
}

impl Lost {
    /// Whether a server was lost midway: another one may be asked.
    pub(super) fn caused(status: &tonic::Status) -> bool {
        let mut cause = std::error::Error::source(status);
        while let Some(e) = cause {
            if e.is::<hyper::Error>() {
                return true;
            }
            cause = e.source();
        }
        false
    }
}

impl Pool {
    /// Starts the tasks that find replicas and keep connections, until `stop`.
    pub(super) fn start(
        settings: &Settings,
        dialer: Arc<dyn Dial>,
        stop: CancellationToken,
    ) -> Self {
        let pool = Self(Arc::new(Shared {
            replicas: ArcSwap::default(),
            changed: watch::channel(()).0,
            turn: AtomicUsize::new(0),
            connect_wait: settings.connect_wait,
            slow_start: settings.slow_start,
        }));
        tokio::spawn(pool.clone().find(settings.endpoints.clone(), dialer, stop));
        pool
    }

    pub(super) fn stats(&self) -> Stats {
        let replicas = self.0.replicas.load();
        Stats {
            replicas: replicas.len(),
            connected: replicas.iter().filter(|r| r.is_open()).count(),
            in_flight: replicas.iter().map(|r| r.in_flight()).sum(),
        }
    }

    async fn find(self, endpoints: Endpoints, dialer: Arc<dyn Dial>, stop: CancellationToken) {
        let mut known: HashMap<Address, (Arc<Replica>, DropGuard)> = HashMap::new();
        loop {
            if let Some(found) = endpoints.resolve().await {
                self.replace(&mut known, &found, &dialer);
            }
            if !endpoints.dynamic() {
                stop.cancelled().await;
                return;
            }
            let mut changed = self.0.changed.subscribe();
            let lost = async {
                tokio::time::sleep(resolve::SOON).await;
                while self.stats().connected > 0 {
                    let _ = changed.changed().await;
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(resolve::AGAIN) => {}
                () = lost => {}
            }
        }
    }

    fn replace(
        &self,
        known: &mut HashMap<Address, (Arc<Replica>, DropGuard)>,
        found: &[Address],
        dialer: &Arc<dyn Dial>,
    ) {
        if found.len() == known.len() && found.iter().all(|a| known.contains_key(a)) {
            return;
        }
        known.retain(|address, _| found.contains(address));
        for address in found {
            known.entry(address.clone()).or_insert_with(|| {
                let replica = Arc::new(Replica::new(address.clone()));
                let retired = CancellationToken::new();
                let (dialer, changed) = (Arc::clone(dialer), self.0.changed.clone());
                tokio::spawn(Arc::clone(&replica).keep(dialer, changed, retired.clone()));
                (replica, retired.drop_guard())
            });
        }
        let list = found
            .iter()
            .filter_map(|a| known.get(a))
            .map(|(r, _)| Arc::clone(r))
            .collect();
        self.0.replicas.store(Arc::new(list));
        self.0.changed.send_replace(());
    }

    fn choose(&self) -> Option<Choice> {
        let turn = self.0.turn.fetch_add(1, Relaxed);
        choose(&self.0.replicas.load(), turn, self.0.slow_start)
    }

    /// Waits while replicas are being connected for the first time; not when
    /// they are known not to answer.
    async fn connected(&self) -> Result<Choice, Lost> {
        let mut changed = self.0.changed.subscribe();
        let until = Instant::now() + self.0.connect_wait;
        loop {
            if let Some(choice) = self.choose() {
                return Ok(choice);
            }
            let replicas = self.0.replicas.load_full();
            if !replicas.is_empty() && replicas.iter().all(|r| r.has_failed()) {
                return Err(Lost::Nobody);
            }
            match tokio::time::timeout_at(until, changed.changed()).await {
                Ok(Ok(())) => {}
                _ => return Err(Lost::Nobody),
            }
        }
    }

    async fn send(
        &self,
        request: http::Request<tonic::body::Body>,
    ) -> Result<http::Response<Tracked>, Lost> {
        let mut request = request;
        // A description is open as long as the process and costs nothing.
        let counts = !request.uri().path().ends_with("/Describe");
        for _ in 0..UNSENT_TRIES {
            let Choice {
                replica,
                mut sender,
                number,
            } = match self.choose() {
                Some(choice) => choice,
                None => self.connected().await?,
            };
            let guard = counts.then(|| replica.enter());
            match sender.try_send_request(request).await {
                Ok(response) => {
                    return Ok(response.map(|body| Tracked {
                        body,
                        _guard: guard,
                    }));
                }
                Err(mut e) => {
                    replica.lose(number);
                    match e.take_message() {
                        // No server has seen it: any may have it.
                        Some(unsent) => request = unsent,
                        None => return Err(Lost::Midway(e.into_error())),
                    }
                }
            }
        }
        Err(Lost::Nobody)
    }
}

impl tower::Service<http::Request<tonic::body::Body>> for Pool {
    type Response = http::Response<Tracked>;
    type Error = tonic::Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, tonic::Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), tonic::Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let pool = self.clone();
        Box::pin(async move {
            pool.send(request).await.map_err(|lost| {
                let mut status = tonic::Status::unavailable(lost.to_string());
                status.set_source(Arc::new(lost));
                status
            })
        })
    }
}

/// A body that counts as a call in flight.
pub(super) struct Tracked {
    body: Incoming,
    _guard: Option<InFlight>,
}

impl http_body::Body for Tracked {
    type Data = bytes::Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
