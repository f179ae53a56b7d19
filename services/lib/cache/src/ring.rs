//! Recent changes, one ring for all watchers, and the objects as they were
//! after each of them.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    entry::{Change, Extra},
    tree::Tree,
};

/// The changes of one revision.
pub struct Batch<X> {
    pub revision: i64,
    pub changes: Vec<Arc<Change<X>>>,
    size: usize,
}

impl<X: Extra> Batch<X> {
    pub(crate) fn new(revision: i64, changes: Vec<Arc<Change<X>>>) -> Self {
        Self {
            revision,
            size: changes.iter().map(|c| c.size()).sum(),
            changes,
        }
    }
}

/// Bounds of a ring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Batches, and bytes of the objects in them.
    pub(crate) batches: usize,
    pub(crate) bytes: usize,
    /// Batches whose state is kept; each holds a few nodes of its own.
    pub(crate) states: usize,
}

struct Slot<X: Extra> {
    batch: Arc<Batch<X>>,
    /// The objects after the changes; `None`: not kept so long.
    state: Option<Tree<X>>,
}

pub(crate) struct Ring<X: Extra> {
    slots: VecDeque<Slot<X>>,
    /// Number of the first batch; numbers grow by one.
    first: u64,
    /// Changes after this revision are in the ring, and the objects then.
    base: i64,
    base_state: Option<Tree<X>>,
    bytes: usize,
    bounds: Bounds,
}

impl<X: Extra> Ring<X> {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            slots: VecDeque::new(),
            first: 0,
            base: i64::MAX,
            base_state: None,
            bytes: 0,
            bounds,
        }
    }

    /// Begins anew: whoever reads the ring has missed something.
    pub(crate) fn restart(&mut self, revision: i64, state: Option<Tree<X>>) {
        self.first = self.end() + 1;
        self.slots.clear();
        self.bytes = 0;
        self.base = revision;
        self.base_state = state;
    }

    /// Number of the batch that comes next.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    pub(crate) fn base(&self) -> i64 {
        self.base
    }

    pub(crate) fn push(&mut self, batch: Batch<X>, state: Tree<X>) {
        self.bytes += batch.size;
        self.slots.push_back(Slot {
            batch: Arc::new(batch),
            state: Some(state),
        });
        if let Some(i) = self.slots.len().checked_sub(self.bounds.states + 1) {
            self.slots[i].state = None;
        }
        // The newest stays, however large.
        while self.slots.len() > self.bounds.batches
            || (self.bytes > self.bounds.bytes && self.slots.len() > 1)
        {
            let Some(old) = self.slots.pop_front() else {
                return;
            };
            self.first += 1;
            self.bytes -= old.batch.size;
            self.base = old.batch.revision;
            self.base_state = old.state;
        }
    }

    /// Number of the first batch after a revision, if nothing between is gone.
    pub(crate) fn after(&self, revision: i64) -> Option<u64> {
        if revision < self.base {
            return None;
        }
        let i = self.slots.partition_point(|s| s.batch.revision <= revision);
        Some(self.first + i as u64)
    }

    /// Batches from a number on, at most so many. `None`: it is gone.
    pub(crate) fn read(&self, from: u64, most: usize) -> Option<Vec<Arc<Batch<X>>>> {
        let skip = usize::try_from(from.checked_sub(self.first)?).ok()?;
        let slots = self.slots.iter().skip(skip).take(most);
        Some(slots.map(|s| Arc::clone(&s.batch)).collect())
    }

    /// The objects at a revision that has been reached, if they are remembered.
    pub(crate) fn state_at(&self, revision: i64) -> Option<Tree<X>> {
        if revision < self.base {
            return None;
        }
        let i = self.slots.partition_point(|s| s.batch.revision <= revision);
        match i.checked_sub(1) {
            Some(i) => self.slots[i].state.clone(),
            None => self.base_state.clone(),
        }
    }
}
