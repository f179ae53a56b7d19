//! What rules may know about the request they run in.

use std::sync::Arc;

use catena_objects::user::User;
use parking_lot::Mutex;

/// What the client is warned of, in the order in which it came up, each text once.
/// Clones share it: an answer carries the warnings of a failed write too.
#[derive(Clone, Debug, Default)]
pub struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    pub fn add(&self, text: impl Into<String>) {
        let text = text.into();
        let mut all = self.0.lock();
        if !all.contains(&text) {
            all.push(text);
        }
    }

    pub fn extend(&self, texts: impl IntoIterator<Item = String>) {
        texts.into_iter().for_each(|t| self.add(t));
    }

    pub fn len(&self) -> usize {
        self.0.lock().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes back what came after the first so many.
    pub fn truncate(&self, len: usize) {
        self.0.lock().truncate(len);
    }

    /// All of them; none is left.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock())
    }
}

/// Facts of one write.
#[derive(Clone, Debug, Default)]
pub struct Context {
    pub user: User,
    /// "" for cluster-scoped resources.
    pub namespace: String,
    /// Version of the request, e.g. "v1".
    pub version: String,
    /// "" for the resource itself.
    pub subresource: String,
    pub dry_run: bool,
    /// The time of the write as RFC 3339 in whole seconds, UTC: `2026-01-02T03:04:05Z`.
    pub now: String,
    pub warnings: Warnings,
}
