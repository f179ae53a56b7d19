//! An object of the cache and a change of one.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use catena_storage::{Event, EventKind, KeyValue};

/// What the owner of a cache keeps beside an object or a change, made when it
/// is first wanted: an index, encodings.
pub trait Extra: Default + Send + Sync + 'static {
    /// What its user keeps beside a group of neighbours, until one of them changes.
    type Group: Default + Send + Sync + 'static;
}

impl Extra for () {
    type Group = ();
}

/// One version of an object: its bytes as stored, in one allocation.
#[derive(Debug)]
pub struct Entry<X> {
    /// Key, then value. A copy: a slice of a message would keep all of the
    /// message as long as the object lives.
    data: Bytes,
    key_len: usize,
    pub create_revision: i64,
    pub mod_revision: i64,
    pub extra: X,
}

impl<X: Extra> Entry<X> {
    /// An object that was read from storage itself.
    pub fn new(kv: &KeyValue) -> Self {
        let mut data = BytesMut::with_capacity(kv.key.len() + kv.value.len());
        data.extend_from_slice(&kv.key);
        data.extend_from_slice(&kv.value);
        Self {
            data: data.freeze(),
            key_len: kv.key.len(),
            create_revision: kv.create_revision,
            mod_revision: kv.mod_revision,
            extra: X::default(),
        }
    }

    pub fn key(&self) -> &[u8] {
        &self.data[..self.key_len]
    }

    /// The stored bytes.
    pub fn value(&self) -> &[u8] {
        &self.data[self.key_len..]
    }

    /// Key and value, shared with the entry.
    pub fn kv(&self) -> KeyValue {
        KeyValue {
            key: self.data.slice(..self.key_len),
            value: self.data.slice(self.key_len..),
            create_revision: self.create_revision,
            mod_revision: self.mod_revision,
            version: 0,
            lease: 0,
        }
    }

    pub(crate) fn size(&self) -> usize {
        self.data.len() + size_of::<Self>()
    }
}

/// A change of one object. Not both `now` and `before` are absent.
#[derive(Debug)]
pub struct Change<X> {
    pub revision: i64,
    /// `None`: deleted.
    pub now: Option<Arc<Entry<X>>>,
    /// `None`: created.
    pub before: Option<Arc<Entry<X>>>,
    pub extra: X,
}

impl<X: Extra> Change<X> {
    /// A change that storage itself told of; `None` when there was an object before
    /// and storage does not know it any more: a compaction at the very revision of
    /// the change keeps the change only.
    pub fn new(event: &Event) -> Option<Self> {
        let created = event.kv.create_revision == event.kv.mod_revision;
        if event.prev.is_none() && !created {
            return None;
        }
        let entry = |kv| Arc::new(Entry::new(kv));
        Some(Self {
            revision: event.kv.mod_revision,
            now: (event.kind == EventKind::Put).then(|| entry(&event.kv)),
            before: event.prev.as_ref().map(entry),
            extra: X::default(),
        })
    }

    pub fn key(&self) -> &[u8] {
        let entry = self.now.as_ref().or(self.before.as_ref());
        entry.map_or(&[], |e| e.key())
    }

    pub(crate) fn size(&self) -> usize {
        let entry = self.now.as_ref().or(self.before.as_ref());
        entry.map_or(0, |e| e.size()) + size_of::<Self>()
    }
}
