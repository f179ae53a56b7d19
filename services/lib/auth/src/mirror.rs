//! What stands below a prefix of storage, as an immutable map behind a pointer.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Context as _;
use arc_swap::ArcSwap;
use catena_objects::Value;
use catena_storage::Storage;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::follow::{Sink, follow};

/// Bound on the first read at start.
const FIRST: Duration = Duration::from_secs(60);

type Entries<T> = BTreeMap<String, Arc<T>>;

/// By key, what was made of each object.
pub(crate) struct Mirror<T> {
    entries: Arc<State<T>>,
    changes: watch::Receiver<u64>,
}

struct State<T> {
    current: ArcSwap<Entries<T>>,
    make: fn(&Value) -> T,
}

impl<T: Send + Sync + 'static> Sink for State<T> {
    fn replace(&self, all: Vec<(String, Value)>) {
        let made = all
            .into_iter()
            .map(|(key, v)| (key, Arc::new((self.make)(&v))));
        self.current.store(Arc::new(made.collect()));
    }

    fn change(&self, changes: Vec<(String, Option<Value>)>) {
        let mut entries = Entries::clone(&self.current.load());
        for (key, value) in changes {
            match value {
                Some(v) => entries.insert(key, Arc::new((self.make)(&v))),
                None => entries.remove(&key),
            };
        }
        self.current.store(Arc::new(entries));
    }
}

impl<T: Send + Sync + 'static> Mirror<T> {
    /// `make` says what is kept of an object.
    pub(crate) fn follow(
        storage: Arc<dyn Storage>,
        prefix: &'static str,
        make: fn(&Value) -> T,
        stop: CancellationToken,
    ) -> Self {
        let entries = Arc::new(State {
            current: ArcSwap::default(),
            make,
        });
        let changes = follow(storage, prefix, entries.clone(), stop);
        Self { entries, changes }
    }

    pub(crate) fn get(&self) -> Arc<Entries<T>> {
        self.entries.current.load_full()
    }

    /// Counts the states; 0 until storage was read.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }
}

/// Waits until all were read once.
pub(crate) async fn synced(all: &mut [watch::Receiver<u64>]) -> anyhow::Result<()> {
    for changes in all {
        tokio::time::timeout(FIRST, changes.wait_for(|n| *n > 0))
            .await
            .context("storage did not answer")?
            .context("storage is not followed any more")?;
    }
    Ok(())
}
