//! The objects of a resource at one revision.

use std::sync::Arc;

use crate::{
    entry::{Entry, Extra},
    tree::Tree,
};

/// Does not change; cheap to copy.
pub struct Snapshot<X> {
    pub revision: i64,
    pub(crate) tree: Tree<X>,
}

impl<X> Clone for Snapshot<X> {
    fn clone(&self) -> Self {
        Self {
            revision: self.revision,
            tree: self.tree.clone(),
        }
    }
}

impl<X: Extra> Snapshot<X> {
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, key: &[u8]) -> Option<&Arc<Entry<X>>> {
        self.tree.get(key)
    }

    /// Entries from `start` to before `end`, in the order of their keys. They are
    /// counted before, so that walking does not look at keys.
    pub fn range(
        &self,
        start: &[u8],
        end: &[u8],
    ) -> impl Iterator<Item = &Arc<Entry<X>>> + use<'_, X> {
        self.tree.from(start).take(self.count(start, end))
    }

    /// How many entries there are from `start` to before `end`.
    pub fn count(&self, start: &[u8], end: &[u8]) -> usize {
        self.tree.rank(end).saturating_sub(self.tree.rank(start))
    }
}
