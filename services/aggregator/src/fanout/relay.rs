//! One watch of the delegate for any number of clients.

use std::{
    slice,
    sync::{Arc, Weak},
    time::Duration,
};

use catena_delegate::{Body, Event, EventKind, EventStream, Outcome, Request};
use futures_util::StreamExt as _;
use parking_lot::RwLock;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Head, Inner, Key, pace::Pace, question, ring::Ring};
use crate::metrics::{self, Running};

/// Pauses before a lost watch is asked for again; then its clients are told.
const AGAIN: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(20),
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_millis(1000),
];

/// Number of the next event, or that there will be none.
#[derive(Clone, Copy, PartialEq, Eq)]
enum News {
    End(u64),
    Over,
}

/// Lives as long as somebody listens.
pub(super) struct Relay {
    pub(super) head: Head,
    key: Key,
    inner: Arc<Inner>,
    ring: RwLock<Ring>,
    news: watch::Sender<News>,
    _stop: DropGuard,
    _counted: Running,
}

/// A client's place in a relay.
pub(super) struct Reader {
    relay: Arc<Relay>,
    news: watch::Receiver<News>,
    next: u64,
    _counted: Running,
}

impl Relay {
    pub(super) fn start(
        inner: Arc<Inner>,
        key: Key,
        asked: Request,
        head: Head,
        revision: i64,
        events: EventStream,
    ) -> Arc<Self> {
        let stop = CancellationToken::new();
        let relay = Arc::new(Self {
            _counted: metrics::shared_watch(inner.name),
            head,
            key,
            inner,
            ring: RwLock::new(Ring::new(revision)),
            news: watch::channel(News::End(0)).0,
            _stop: stop.clone().drop_guard(),
        });
        let pump = Pump {
            relay: Arc::downgrade(&relay),
            asked,
        };
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = pump.run(events) => {}
            }
        });
        relay
    }

    /// Number of the first event after a revision, if nothing between is gone
    /// and more will come.
    pub(super) fn after(&self, revision: i64) -> Option<u64> {
        if *self.news.borrow() == News::Over {
            return None;
        }
        self.ring.read().after(revision)
    }

    pub(super) fn reader(self: Arc<Self>, next: u64) -> Reader {
        Reader {
            _counted: metrics::sharing_watch(self.inner.name),
            news: self.news.subscribe(),
            relay: self,
            next,
        }
    }

    fn push(&self, events: Vec<Event>) {
        let mut ring = self.ring.write();
        for event in events {
            ring.push(event);
        }
    }

    /// Wakes the readers.
    fn tell(&self) {
        let end = self.ring.read().end();
        self.news.send_replace(News::End(end));
    }

    fn readers(&self) -> usize {
        self.news.receiver_count()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.inner.left(&self.key);
    }
}

impl Reader {
    /// The next events; `None` when there are no more, or when the client was so
    /// slow that they are gone: it goes on with a watch from its revision.
    pub(super) async fn next(&mut self) -> Option<Vec<Event>> {
        loop {
            let news = *self.news.borrow_and_update();
            let events = self.relay.ring.read().read(self.next)?;
            if !events.is_empty() {
                self.next += events.len() as u64;
                return Some(events);
            }
            if news == News::Over {
                return None;
            }
            // The relay, which holds the sender, lives as long as the reader.
            let _ = self.news.changed().await;
        }
    }
}

/// Fills a relay, and goes on elsewhere when the delegate is lost.
struct Pump {
    relay: Weak<Relay>,
    asked: Request,
}

impl Pump {
    async fn run(self, mut events: EventStream) {
        let mut pauses = AGAIN.iter();
        loop {
            match self.pass_on(&mut events, &mut pauses).await {
                Ended::Lost => {}
                Ended::Failed => return self.end(),
                Ended::Unheard => return,
            }
            loop {
                let Some(pause) = pauses.next() else {
                    return self.end();
                };
                tokio::time::sleep(*pause).await;
                match self.resume().await {
                    Resumed::With(again) => break events = again,
                    Resumed::Later => {}
                    Resumed::Never => return self.end(),
                }
            }
        }
    }

    /// Brings events to the ring and tells the clients of them at their pace;
    /// with the first event the pauses begin anew.
    async fn pass_on(
        &self,
        events: &mut EventStream,
        pauses: &mut slice::Iter<'_, Duration>,
    ) -> Ended {
        let mut pace = Pace::new();
        loop {
            // `None`: what waits is due.
            let came = tokio::select! {
                biased;
                part = events.next() => Some(part),
                () = pace.due() => None,
            };
            let Some(relay) = self.relay.upgrade() else {
                return Ended::Unheard;
            };
            if let Some(part) = came {
                let Some(Ok(part)) = part else {
                    relay.tell();
                    return Ended::Lost;
                };
                *pauses = AGAIN.iter();
                let failed = part.last().is_some_and(|e| e.kind == EventKind::Error);
                relay.push(part);
                if failed {
                    return Ended::Failed;
                }
            }
            if pace.news(relay.readers()) {
                relay.tell();
            }
        }
    }

    async fn resume(&self) -> Resumed {
        let Some(relay) = self.relay.upgrade() else {
            return Resumed::Never;
        };
        let seen = relay.ring.read().seen();
        let request = question::resumed(self.asked.clone(), &relay.key, seen);
        let delegate = relay.inner.delegate.clone();
        drop(relay);
        match delegate.serve(request).await {
            Ok(Outcome::Served(answer)) => match answer.body {
                Body::Events(events) => Resumed::With(events),
                _ => Resumed::Never,
            },
            Ok(Outcome::NotMine) => Resumed::Never,
            Err(_) => Resumed::Later,
        }
    }

    fn end(&self) {
        if let Some(relay) = self.relay.upgrade() {
            relay.news.send_replace(News::Over);
        }
    }
}

/// Why a watch of the delegate brings no more events.
enum Ended {
    Lost,
    /// The last event was an error, which the clients hear.
    Failed,
    /// No client is left.
    Unheard,
}

enum Resumed {
    With(EventStream),
    Later,
    /// The delegate has another answer now; the client shall hear it.
    Never,
}
