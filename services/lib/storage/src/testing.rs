//! Storage in memory for tests: revisions, history, compares, watches and
//! compaction as etcd has them, and outages on demand.

mod contract;
mod state;

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::mpsc;

use crate::{
    Error, Op, RangeRequest, RangeResponse, RequestProgress, Result, Storage, StorageStatus,
    TxnRequest, TxnResponse, Watch, WatchMessage, WatchRequest,
};
pub use contract::contract;
use state::State;

/// As etcd's `--max-request-bytes`.
const LARGEST: usize = 1536 << 10;

/// A store that lives as long as the value.
#[derive(Default)]
pub struct Memory(Arc<Mutex<State>>);

struct Progress {
    state: Arc<Mutex<State>>,
    watch: u64,
}

impl RequestProgress for Progress {
    fn request(&self) {
        let state = self.state.lock().expect("no panic while locked");
        if state.quiet {
            return;
        }
        let revision = state.revision;
        state.send(self.watch, Ok(WatchMessage::Progress { revision }));
    }

    fn supported(&self) -> bool {
        !self.state.lock().expect("no panic while locked").quiet
    }
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic while locked")
    }

    fn up(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.state();
        if state.down {
            return Err(Error::Unavailable("an outage".to_owned()));
        }
        Ok(state)
    }

    /// Sets a key, also during an outage; returns the revision.
    pub fn put(&self, key: &str, value: impl Into<Bytes>) -> i64 {
        let op = Op::Put {
            key: Bytes::copy_from_slice(key.as_bytes()),
            value: value.into(),
            lease: 0,
        };
        let mut state = self.state();
        state.run(&[op]);
        state.revision
    }

    /// Removes a key, also during an outage; returns the revision.
    pub fn delete(&self, key: &str) -> i64 {
        let key = Bytes::copy_from_slice(key.as_bytes());
        let mut state = self.state();
        state.run(&[Op::Delete { key }]);
        state.revision
    }

    /// Begins an outage, which ends every watch, or ends it.
    pub fn set_down(&self, down: bool) {
        let mut state = self.state();
        state.down = down;
        if down {
            state.break_watches();
        }
    }

    /// Ends every watch as a lost connection does; new ones may begin.
    pub fn break_watches(&self) {
        self.state().break_watches();
    }

    /// Loses everything, as when another store takes the address.
    pub fn wipe(&self) {
        let mut state = self.state();
        let (down, quiet) = (state.down, state.quiet);
        *state = State::default();
        (state.down, state.quiet) = (down, quiet);
    }

    /// Questions for progress are not answered any more, or are again.
    pub fn set_quiet(&self, quiet: bool) {
        self.state().quiet = quiet;
    }

    /// Watches that run.
    pub fn watches(&self) -> usize {
        self.state().open_watches()
    }

    /// Calls of [`Storage::range`] so far.
    pub fn ranges(&self) -> u64 {
        self.state().ranges
    }
}

#[async_trait]
impl Storage for Memory {
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse> {
        let mut state = self.up()?;
        state.ranges += 1;
        state.range(&request)
    }

    async fn txn(&self, request: TxnRequest) -> Result<TxnResponse> {
        let mut state = self.up()?;
        if request.success.iter().any(|op| state::size(op) > LARGEST) {
            return Err(Error::TooLarge);
        }
        let succeeded = request.compare.iter().all(|c| state.holds(c));
        let ops = if succeeded {
            &request.success
        } else {
            &request.failure
        };
        let responses = state.run(ops);
        Ok(TxnResponse {
            revision: state.revision,
            succeeded,
            responses,
        })
    }

    async fn watch(&self, request: WatchRequest) -> Result<Watch> {
        let (out, messages) = mpsc::unbounded_channel();
        let watch = self.up()?.watch(request, out);
        Ok(Watch {
            messages: stream::unfold(messages, |mut messages| async move {
                let next = messages.recv().await?;
                Some((next, messages))
            })
            .boxed(),
            progress: Box::new(Progress {
                state: Arc::clone(&self.0),
                watch,
            }),
        })
    }

    async fn compact(&self, revision: i64) -> Result<()> {
        self.up()?.compact(revision)
    }

    async fn lease_grant(&self, _: i64) -> Result<i64> {
        Ok(1)
    }

    async fn status(&self) -> Result<StorageStatus> {
        Ok(StorageStatus {
            revision: self.up()?.revision,
            db_size_bytes: 0,
        })
    }
}
