//! Tells watchers what was committed. The latest revisions stay in memory for
//! all of them; who is further behind reads history from disk.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
};

use catena_proto::mvccpb::KeyValue;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::record::{Record, Rev};

/// One change, shared by all watchers.
pub(super) struct Change {
    pub(super) rev: Rev,
    pub(super) record: Record,
    /// What was before, read when the first watcher wants it.
    pub(super) prev: OnceLock<Option<KeyValue>>,
}

/// All changes of one revision.
pub(super) struct Commit {
    pub(super) revision: i64,
    pub(super) changes: Vec<Change>,
}

impl Commit {
    /// Groups changes, which are in the order of history, by revision.
    pub(super) fn group(changes: Vec<(Rev, Record)>) -> Vec<Arc<Self>> {
        let mut out: Vec<Self> = Vec::new();
        for (rev, record) in changes {
            if out.last().is_none_or(|c| c.revision != rev.main) {
                out.push(Self {
                    revision: rev.main,
                    changes: Vec::new(),
                });
            }
            if let Some(commit) = out.last_mut() {
                commit.changes.push(Change {
                    rev,
                    record,
                    prev: OnceLock::new(),
                });
            }
        }
        out.into_iter().map(Arc::new).collect()
    }

    /// Bytes it keeps in memory, the previous values not counted twice.
    fn weight(&self) -> usize {
        let one = |c: &Change| c.record.key.len() + 2 * c.record.value.len() + 256;
        self.changes.iter().map(one).sum()
    }
}

#[derive(Default)]
struct Ring {
    commits: VecDeque<Arc<Commit>>,
    weight: usize,
}

pub(super) struct Hub {
    ring: Mutex<Ring>,
    /// Bound of the ring in bytes.
    capacity: usize,
    visible: watch::Sender<i64>,
}

/// What the ring has from a revision on.
pub(super) enum Recent {
    Commits(Vec<Arc<Commit>>),
    /// Older revisions must be read from disk, up to this one.
    Before(i64),
}

impl Hub {
    pub(super) fn new(revision: i64, capacity: usize) -> Self {
        Self {
            ring: Mutex::default(),
            capacity,
            visible: watch::channel(revision).0,
        }
    }

    /// The newest durable revision.
    pub(super) fn visible(&self) -> i64 {
        *self.visible.borrow()
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<i64> {
        self.visible.subscribe()
    }

    /// Shows durable revisions to readers and watchers.
    pub(super) fn publish(&self, commits: Vec<Arc<Commit>>) {
        let Some(last) = commits.last().map(|c| c.revision) else {
            return;
        };
        {
            let ring = &mut *self.ring.lock();
            for commit in commits {
                ring.weight += commit.weight();
                ring.commits.push_back(commit);
            }
            while ring.weight > self.capacity {
                let Some(old) = ring.commits.pop_front() else {
                    break;
                };
                ring.weight = ring.weight.saturating_sub(old.weight());
            }
        }
        self.visible.send_replace(last);
    }

    /// Up to `limit` revisions from `from` to `to`, which is visible.
    pub(super) fn recent(&self, from: i64, to: i64, limit: usize) -> Recent {
        let ring = self.ring.lock();
        let Some(first) = ring.commits.front().map(|c| c.revision) else {
            return Recent::Before(to);
        };
        let Ok(skip) = usize::try_from(from - first) else {
            return Recent::Before(to.min(first - 1));
        };
        let commits = ring.commits.iter().skip(skip).take(limit);
        Recent::Commits(commits.take_while(|c| c.revision <= to).cloned().collect())
    }
}
