//! The objects of a resource at one revision.

use std::sync::Arc;

use crate::{
    entry::{Entry, Extra},
    tree::Tree,
};

/// Does not change; cheap to copy.
pub struct Snapshot<X: Extra> {
    pub revision: i64,
    pub(crate) tree: Tree<X>,
}

impl<X: Extra> Clone for Snapshot<X> {
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

    /// Entries from `start` to before `end`, in the order of their keys.
    pub fn range(
        &self,
        start: &[u8],
        end: &[u8],
    ) -> impl Iterator<Item = &Arc<Entry<X>>> + use<'_, X> {
        self.groups(start, end).flat_map(|g| g.entries)
    }

    /// The entries of [`Self::range`] in groups of neighbours. They are counted
    /// before, so that walking does not look at keys.
    pub fn groups(
        &self,
        start: &[u8],
        end: &[u8],
    ) -> impl Iterator<Item = Neighbours<'_, X>> + use<'_, X> {
        let mut left = self.count(start, end);
        let mut leaves = self.tree.leaves(start);
        std::iter::from_fn(move || {
            let mut group = leaves.next().filter(|_| left > 0)?;
            group.entries = &group.entries[..left.min(group.entries.len())];
            left -= group.entries.len();
            Some(group)
        })
    }

    /// How many entries there are from `start` to before `end`.
    pub fn count(&self, start: &[u8], end: &[u8]) -> usize {
        self.tree.rank(end).saturating_sub(self.tree.rank(start))
    }
}

/// Some neighbours of a snapshot, and what is kept beside them.
pub struct Neighbours<'a, X: Extra> {
    /// Those that were asked for.
    pub entries: &'a [Arc<Entry<X>>],
    /// All that `group` is about.
    pub all: &'a [Arc<Entry<X>>],
    pub group: &'a X::Group,
}
