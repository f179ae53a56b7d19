//! Neighbours in one node, and what is kept beside them.

use std::{cmp::Ordering, sync::Arc};

use super::with_room;
use crate::entry::{Entry, Extra};

pub(super) struct Leaf<X: Extra> {
    entries: Vec<Arc<Entry<X>>>,
    group: X::Group,
}

impl<X: Extra> Default for Leaf<X> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<X: Extra> From<Vec<Arc<Entry<X>>>> for Leaf<X> {
    fn from(entries: Vec<Arc<Entry<X>>>) -> Self {
        Self {
            entries,
            group: X::Group::default(),
        }
    }
}

/// Copies are made to be changed.
impl<X: Extra> Clone for Leaf<X> {
    fn clone(&self) -> Self {
        with_room(&self.entries).into()
    }
}

impl<X: Extra> Leaf<X> {
    pub(super) fn entries(&self) -> &[Arc<Entry<X>>] {
        &self.entries
    }

    pub(super) fn group(&self) -> &X::Group {
        &self.group
    }

    /// What was kept beside the entries is not true of others.
    pub(super) fn change(&mut self) -> &mut Vec<Arc<Entry<X>>> {
        self.group = X::Group::default();
        &mut self.entries
    }

    pub(super) fn find(&self, key: &[u8]) -> Result<usize, usize> {
        self.entries.binary_search_by(|e| e.key().cmp(key))
    }

    /// How many keys are smaller.
    pub(super) fn rank(&self, key: &[u8]) -> usize {
        self.entries
            .partition_point(|e| e.key().cmp(key) == Ordering::Less)
    }
}
