//! The store itself: history on disk, an index of it in memory, one writer.

mod apply;
mod check;
mod compactor;
mod disk;
mod error;
mod guard;
mod hub;
mod index;
mod leases;
mod query;
mod record;
mod requests;
mod snapshot;
mod storage;
#[cfg(test)]
mod tests;
mod watcher;
mod writer;

use std::{
    path::Path,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use catena_proto::mvccpb::KeyValue;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use compactor::Compaction;
use disk::Disk;
pub use error::Error;
use guard::Guard;
use hub::Hub;
use index::Index;
pub use leases::LeaseInfo;
use leases::Leases;
use query::Values;
use record::{Record, Rev};
pub(crate) use storage::PROGRESS;
pub use watcher::{Report, WatchOptions, Watcher};
use writer::{Command, Request, Response, Writer};

/// Requests that wait for the writer; more wait outside.
const QUEUE: usize = 4096;
/// How often leases are looked at, as etcd does, and the newest revision is noted.
const EXPIRY: Duration = Duration::from_millis(500);

/// Directory of the database, in that of the store.
const DATABASE: &str = "db";

/// How an engine is opened.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Answers before data is on disk. For tests only.
    pub unsafe_no_fsync: bool,
    /// Bytes of blocks of tables that stay in memory.
    pub cache_bytes: u64,
    /// Bytes of recent changes that stay in memory for watches.
    pub watch_bytes: usize,
    /// Bytes of changes that stay in memory, besides the journal, until they are
    /// written as a table.
    pub write_bytes: u64,
    /// Largest request that writes (etcd's `--max-request-bytes`).
    pub max_request_bytes: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            unsafe_no_fsync: false,
            cache_bytes: 8 << 20,
            watch_bytes: 4 << 20,
            write_bytes: 8 << 20,
            max_request_bytes: 1536 << 10,
        }
    }
}

struct Shared {
    disk: Disk,
    guard: Mutex<Guard>,
    index: RwLock<Index>,
    leases: Leases,
    hub: Hub,
    compacted: AtomicI64,
    closing: AtomicBool,
    failed: CancellationToken,
}

impl Values for Shared {
    fn value(&self, rev: Rev) -> Result<Option<Record>, Error> {
        self.disk.get(rev)
    }
}

impl Shared {
    fn has_failed(&self) -> bool {
        self.failed.is_cancelled()
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Writes are refused from now on: the index may hold what the disk does not.
    fn fail(&self, why: &str) {
        tracing::error!(error = why, "the store cannot write any more");
        self.failed.cancel();
    }

    /// Notes the newest durable revision. Without syncs, none is durable.
    fn note(&self) {
        if self.disk.syncs() {
            self.guard.lock().write(self.hub.visible());
        }
    }

    fn compacted(&self) -> i64 {
        self.compacted.load(Ordering::Acquire)
    }

    fn check_compacted(&self, revision: i64) -> Result<(), Error> {
        let oldest = self.compacted();
        if revision < oldest {
            return Err(Error::Compacted { oldest });
        }
        Ok(())
    }

    /// What a key was before a revision. None: it was not there, or nobody knows any more.
    fn before(&self, key: &[u8], revision: i64) -> Option<KeyValue> {
        let before = self.index.read().before(key, revision).copied()?;
        match self.disk.get(before.rev) {
            Ok(record) => Some(record?.into_kv(before.rev)),
            Err(e) => {
                tracing::error!(error = %e, "a previous value could not be read");
                None
            }
        }
    }
}

/// Threads end when the last handle goes.
struct Handle {
    shared: Arc<Shared>,
    options: EngineOptions,
    requests: Option<mpsc::Sender<Command>>,
    compactor: Option<std::sync::mpsc::Sender<Compaction>>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
        self.requests = None;
        self.compactor = None;
        for thread in self.threads.drain(..) {
            // A panic there was reported by the hook already.
            let _ = thread.join();
        }
        self.shared.note();
    }
}

/// An open store. Clones share it; the last one closes it.
#[derive(Clone)]
pub struct Engine(Arc<Handle>);

impl Engine {
    /// Opens the store in a directory, which is made when it is missing.
    ///
    /// # Errors
    /// When the disk fails, another process has it open, or history has a hole.
    pub fn open(dir: &Path, options: EngineOptions) -> Result<Self, Error> {
        std::fs::create_dir_all(dir).map_err(Error::read)?;
        let disk = Disk::open(&dir.join(DATABASE), &options)?;
        let found = disk.load()?;
        let shared = Arc::new(Shared {
            guard: Guard::open(dir, found.revision)?.into(),
            leases: Leases::restore(&found.leases, &found.index),
            hub: Hub::new(found.revision, options.watch_bytes),
            index: RwLock::new(found.index),
            compacted: found.compacted.into(),
            closing: false.into(),
            failed: CancellationToken::new(),
            disk,
        });
        let (requests, queue) = mpsc::channel(QUEUE);
        let (compactor, work) = std::sync::mpsc::channel();
        if found.compacted > 0 {
            // A crash may have stopped it in the middle.
            let _ = compactor.send(Compaction::To(found.compacted));
        }
        let writer = Writer {
            shared: Arc::clone(&shared),
            requests: queue,
            compactor: compactor.clone(),
        };
        let compacting = Arc::clone(&shared);
        let threads = vec![
            spawn("store-writer", move || writer.run())?,
            spawn("store-compactor", move || {
                compactor::run(&compacting, &work)
            })?,
        ];
        let engine = Self(Arc::new(Handle {
            shared,
            options,
            requests: Some(requests),
            compactor: Some(compactor),
            threads,
        }));
        let weak = Arc::downgrade(&engine.0);
        spawn("store-leases", move || expire(&weak))?;
        Ok(engine)
    }

    /// Whether there is a store in a directory.
    pub fn exists(dir: &Path) -> bool {
        dir.join(DATABASE).exists()
    }

    /// Makes a store in an empty directory from what [`Engine::snapshot`] gave.
    ///
    /// # Errors
    /// When there is a store already, or the snapshot is not whole.
    pub fn restore(dir: &Path, from: impl std::io::Read) -> Result<(), Error> {
        std::fs::create_dir_all(dir).map_err(Error::write)?;
        snapshot::restore(dir, from)
    }

    fn shared(&self) -> &Shared {
        &self.0.shared
    }

    /// The newest durable revision.
    pub fn revision(&self) -> i64 {
        self.shared().hub.visible()
    }

    /// Revisions before it are gone.
    pub fn compact_revision(&self) -> i64 {
        self.shared().compacted()
    }

    /// Bytes on disk.
    pub fn size(&self) -> u64 {
        self.shared().disk.size()
    }

    /// Resolves when the disk failed: then only a restart helps.
    pub async fn failed(&self) {
        self.shared().failed.cancelled().await;
    }

    async fn write(&self, request: Request) -> Result<Response, Error> {
        let (answer, result) = oneshot::channel();
        let Some(requests) = &self.0.requests else {
            return Err(Error::Stopped);
        };
        let command = Command { request, answer };
        let work = async {
            requests.send(command).await.map_err(|_| Error::Stopped)?;
            result.await.map_err(|_| Error::Stopped)?
        };
        catena_telemetry::trace::span("commit").run(work).await
    }

    fn check_size(&self, message: &impl prost::Message) -> Result<(), Error> {
        if message.encoded_len() > self.0.options.max_request_bytes {
            return Err(Error::TooLarge);
        }
        Ok(())
    }
}

fn spawn(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> Result<thread::JoinHandle<()>, Error> {
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(work).map_err(Error::read)
}

/// What is done from time to time, until the engine is closed: ends leases that
/// nobody keeps alive.
fn expire(engine: &Weak<Handle>) {
    loop {
        thread::sleep(EXPIRY);
        let Some(handle) = engine.upgrade() else {
            return;
        };
        handle.shared.note();
        for id in handle.shared.leases.expired(Instant::now()) {
            let (answer, result) = oneshot::channel();
            let request = Request::Revoke {
                id,
                only_if_expired: true,
            };
            let sent = handle
                .requests
                .as_ref()
                .is_some_and(|r| r.blocking_send(Command { request, answer }).is_ok());
            if !sent || result.blocking_recv().is_err() {
                return;
            }
        }
    }
}
