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
    /// The objects after the changes.
    pub(crate) tree: Tree<X>,
    size: usize,
}

impl<X: Extra> Batch<X> {
    pub(crate) fn new(revision: i64, changes: Vec<Arc<Change<X>>>, tree: Tree<X>) -> Self {
        Self {
            revision,
            size: changes.iter().map(|c| c.size()).sum(),
            changes,
            tree,
        }
    }
}

pub(crate) struct Ring<X> {
    batches: VecDeque<Arc<Batch<X>>>,
    /// Number of the first batch; numbers grow by one.
    first: u64,
    /// Changes after this revision are in the ring, and the objects then.
    base: i64,
    base_tree: Tree<X>,
    bytes: usize,
    most: usize,
    most_bytes: usize,
}

impl<X: Extra> Ring<X> {
    pub(crate) fn new(most: usize, most_bytes: usize) -> Self {
        Self {
            batches: VecDeque::new(),
            first: 0,
            base: i64::MAX,
            base_tree: Tree::default(),
            bytes: 0,
            most,
            most_bytes,
        }
    }

    /// Begins anew: whoever reads the ring has missed something.
    pub(crate) fn restart(&mut self, revision: i64, tree: Tree<X>) {
        self.first = self.end() + 1;
        self.batches.clear();
        self.bytes = 0;
        self.base = revision;
        self.base_tree = tree;
    }

    /// Number of the batch that comes next.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.batches.len() as u64
    }

    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    pub(crate) fn base(&self) -> i64 {
        self.base
    }

    pub(crate) fn push(&mut self, batch: Batch<X>) {
        self.bytes += batch.size;
        self.batches.push_back(Arc::new(batch));
        // The newest stays, however large.
        while self.batches.len() > self.most
            || (self.bytes > self.most_bytes && self.batches.len() > 1)
        {
            let Some(old) = self.batches.pop_front() else {
                return;
            };
            self.first += 1;
            self.bytes -= old.size;
            self.base = old.revision;
            self.base_tree = old.tree.clone();
        }
    }

    /// Number of the first batch after a revision, if nothing between is gone.
    pub(crate) fn after(&self, revision: i64) -> Option<u64> {
        if revision < self.base {
            return None;
        }
        let i = self.batches.partition_point(|b| b.revision <= revision);
        Some(self.first + i as u64)
    }

    /// Batches from a number on, at most so many. `None`: it is gone.
    pub(crate) fn read(&self, from: u64, most: usize) -> Option<Vec<Arc<Batch<X>>>> {
        let skip = usize::try_from(from.checked_sub(self.first)?).ok()?;
        Some(self.batches.iter().skip(skip).take(most).cloned().collect())
    }

    /// The objects at a revision that has been reached.
    pub(crate) fn tree_at(&self, revision: i64) -> Option<Tree<X>> {
        if revision < self.base {
            return None;
        }
        let i = self.batches.partition_point(|b| b.revision <= revision);
        Some(match i.checked_sub(1) {
            Some(i) => self.batches[i].tree.clone(),
            None => self.base_tree.clone(),
        })
    }
}
