//! What readers ask of the cache.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use catena_storage::{RangeRequest, Storage};
use catena_telemetry::trace;
use parking_lot::{Mutex, RwLock};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    Error, Result,
    entry::Extra,
    feed,
    ring::{Bounds, Ring},
    snapshot::Snapshot,
    watcher::Watcher,
};

/// Storage is asked for its progress again after so long.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Bounds of a cache.
#[derive(Clone, Debug)]
pub struct Options {
    /// Revisions that stay watchable from memory.
    pub history: usize,
    /// Revisions of them that stay readable.
    pub states: usize,
    /// Bytes of the objects in them.
    pub history_bytes: usize,
    /// How long a reader waits for a revision (`blockTimeout` in the cacher).
    pub wait: Duration,
    /// Without use for so long, the cache lets go of everything.
    pub idle: Duration,
    /// Objects read at a time when the cache fills.
    pub page: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            history: 16 << 10,
            states: 512,
            history_bytes: 16 << 20,
            wait: Duration::from_secs(3),
            idle: Duration::from_secs(300),
            page: 500,
        }
    }
}

/// How far the cache has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Position {
    /// Every change up to it is in the ring; 0: the cache is not filled.
    pub(crate) revision: i64,
    /// Why storage is not followed at the moment.
    pub(crate) fault: Option<catena_storage::Error>,
}

pub(crate) struct Shared<X: Extra> {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) prefix: String,
    pub(crate) options: Options,
    pub(crate) view: ArcSwapOption<Snapshot<X>>,
    pub(crate) ring: RwLock<Ring<X>>,
    pub(crate) position: watch::Sender<Position>,
    /// Number of the batch that comes next; wakes watchers.
    pub(crate) news: watch::Sender<u64>,
    /// Somebody waits for progress.
    pub(crate) wanted: Notify,
    /// Whether answers about progress can be believed; storage tells with the watch.
    pub(crate) ordered: AtomicBool,
    pub(crate) running: Mutex<bool>,
    started: Instant,
    /// Milliseconds after `started`.
    used: AtomicU64,
}

impl<X: Extra> Shared<X> {
    fn touch(&self) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.used.store(now, Ordering::Relaxed);
    }

    /// How long nobody used the cache; watchers use it all the time.
    pub(crate) fn unused(&self) -> Duration {
        if self.news.receiver_count() > 0 {
            self.touch();
        }
        let used = Duration::from_millis(self.used.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(used)
    }
}

/// The cache of one resource.
pub struct Cache<X: Extra> {
    pub(crate) shared: Arc<Shared<X>>,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
    revision: tokio::sync::Mutex<Asked>,
    clock: AtomicU64,
}

/// The last time storage was asked for its revision.
#[derive(Default)]
struct Asked {
    at: u64,
    revision: i64,
}

impl<X: Extra> Cache<X> {
    /// A cache of the keys with a prefix; does nothing until it is used.
    pub fn new(storage: Arc<dyn Storage>, prefix: impl Into<String>, options: Options) -> Self {
        let stop = CancellationToken::new();
        let ring = Ring::new(Bounds {
            batches: options.history,
            bytes: options.history_bytes,
            states: options.states,
        });
        Self {
            shared: Arc::new(Shared {
                storage,
                prefix: prefix.into(),
                options,
                view: ArcSwapOption::empty(),
                ring: RwLock::new(ring),
                position: watch::Sender::new(Position::default()),
                news: watch::Sender::new(0),
                wanted: Notify::new(),
                ordered: AtomicBool::new(false),
                running: Mutex::new(false),
                started: Instant::now(),
                used: AtomicU64::new(0),
            }),
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
            revision: tokio::sync::Mutex::default(),
            clock: AtomicU64::new(1),
        }
    }

    /// Any state: what is there, or the first that comes.
    ///
    /// # Errors
    /// When storage cannot be read or followed.
    pub async fn snapshot(&self) -> Result<Snapshot<X>> {
        self.snapshot_at_least(0).await
    }

    /// What is there now, if the cache is filled; does not start it.
    pub fn peek(&self) -> Option<Snapshot<X>> {
        self.view()
    }

    /// A state at this revision or a later one; waits for it.
    ///
    /// # Errors
    /// [`Error::NotReached`] after the longest wait, [`Error::NoProgress`] where only
    /// storage can tell whether it is reached; as [`Self::snapshot`].
    pub async fn snapshot_at_least(&self, revision: i64) -> Result<Snapshot<X>> {
        self.start();
        if let Some(view) = self.view().filter(|v| v.revision >= revision) {
            return Ok(view);
        }
        trace::span("cache wait").run(self.reached(revision)).await
    }

    async fn reached(&self, revision: i64) -> Result<Snapshot<X>> {
        let until = Instant::now() + self.shared.options.wait;
        let mut position = self.shared.position.subscribe();
        loop {
            let now = position.borrow_and_update().clone();
            if let Some(view) = self.view().filter(|v| v.revision >= revision) {
                return Ok(view);
            }
            if let Some(fault) = now.fault {
                return Err(fault.into());
            }
            if now.revision > 0 {
                self.shared.wanted.notify_one();
            }
            self.start();
            let _ = tokio::time::timeout(ASK_EVERY, position.changed()).await;
            if Instant::now() >= until {
                if now.revision > 0 && !self.shared.ordered.load(Ordering::Acquire) {
                    return Err(Error::NoProgress);
                }
                return Err(Error::NotReached {
                    wanted: revision,
                    current: self.view().map_or(0, |v| v.revision),
                });
            }
        }
    }

    /// A state that has every write that was finished before the call (KEP-2340).
    ///
    /// # Errors
    /// [`Error::NoProgress`] where only storage can tell; as [`Self::snapshot_at_least`].
    pub async fn snapshot_consistent(&self) -> Result<Snapshot<X>> {
        // The first filling reads storage after the call.
        if self.view().is_none() {
            return self.snapshot().await;
        }
        let span = trace::span("revision of storage");
        let revision = span.run(self.storage_revision()).await?;
        if self.view().is_some_and(|v| v.revision < revision)
            && !self.shared.ordered.load(Ordering::Acquire)
        {
            return Err(Error::NoProgress);
        }
        self.snapshot_at_least(revision).await
    }

    /// The state at exactly this revision, if it is remembered.
    ///
    /// # Errors
    /// As [`Self::snapshot_at_least`].
    pub async fn snapshot_exact(&self, revision: i64) -> Result<Option<Snapshot<X>>> {
        self.snapshot_at_least(revision).await?;
        let tree = self.shared.ring.read().state_at(revision);
        Ok(tree.map(|tree| Snapshot { revision, tree }))
    }

    /// Watches what changes after `revision`.
    ///
    /// # Errors
    /// [`Error::Expired`] when that is not all in memory; as [`Self::snapshot`].
    pub async fn watch(self: &Arc<Self>, revision: i64) -> Result<Watcher<X>> {
        // The receiver keeps the cache from ending as unused.
        let news = self.shared.news.subscribe();
        self.snapshot().await?;
        let ring = self.shared.ring.read();
        match ring.after(revision) {
            Some(next) => Ok(Watcher::new(Arc::clone(self), news, next, revision)),
            None => Err(Error::Expired {
                after: revision,
                oldest: ring.base(),
            }),
        }
    }

    /// Asks storage to tell its progress, for bookmarks that are up to date.
    pub fn ask_progress(&self) {
        self.shared.wanted.notify_one();
    }

    fn view(&self) -> Option<Snapshot<X>> {
        self.shared.view.load().as_deref().cloned()
    }

    /// Makes sure that storage is followed.
    fn start(&self) {
        self.shared.touch();
        let mut running = self.shared.running.lock();
        if !*running {
            *running = true;
            tokio::spawn(feed::run(Arc::clone(&self.shared), self.stop.clone()));
        }
    }

    /// A revision that storage had after the call began. Calls at the same time
    /// share an answer whose question was sent after each of them began.
    async fn storage_revision(&self) -> Result<i64> {
        let called = self.clock.fetch_add(1, Ordering::SeqCst);
        let mut last = self.revision.lock().await;
        if last.at > called {
            return Ok(last.revision);
        }
        let at = self.clock.fetch_add(1, Ordering::SeqCst);
        let question = RangeRequest {
            count_only: true,
            ..RangeRequest::key(self.shared.prefix.clone())
        };
        let answer = self.shared.storage.range(question).await?;
        *last = Asked {
            at,
            revision: answer.revision,
        };
        Ok(answer.revision)
    }
}
