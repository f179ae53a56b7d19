//! The definitions that the server knows: one snapshot, replaced on every change.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use arc_swap::ArcSwap;
use catena_objects::Status;
use catena_registry::{Resource, codec};
use catena_storage::KeyValue;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::entry::Entry;

pub(crate) type Snapshot = BTreeMap<String, Arc<Entry>>;

/// What a change was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) name: String,
    pub(crate) group: String,
    /// Accepted names were given up: others of the group may get them.
    pub(crate) frees_names: bool,
}

/// Readers take the snapshot; writers (the watch and own writes) are few.
pub(crate) struct Catalog {
    pub(crate) storage_prefix: String,
    resource: Arc<Resource>,
    snapshot: ArcSwap<Snapshot>,
    writer: Mutex<Writer>,
    /// Grows with every change.
    version: watch::Sender<u64>,
}

#[derive(Default)]
struct Writer {
    /// Definitions deleted by revision, until the watch has passed it: an older
    /// event must not bring them back.
    gone: HashMap<String, i64>,
    /// Changes that the keeper has not seen.
    changes: Vec<Change>,
}

impl Catalog {
    /// `resource` is that of the definitions themselves.
    pub(crate) fn new(resource: Arc<Resource>) -> Self {
        Self {
            storage_prefix: resource.list_prefix(""),
            resource,
            snapshot: ArcSwap::default(),
            writer: Mutex::default(),
            version: watch::channel(0).0,
        }
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Entry>> {
        self.snapshot.load().get(name).cloned()
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// What changed since the last call; for the keeper alone.
    pub(crate) fn take_changes(&self) -> Vec<Change> {
        std::mem::take(&mut self.writer.lock().changes)
    }

    fn read(&self, kv: &KeyValue) -> Result<Entry, Status> {
        let object = codec::decode(&self.resource, kv)?;
        Ok(Entry::read(&object, kv.value.clone(), kv.mod_revision))
    }

    /// Takes over a stored definition, unless a newer state of it is known.
    pub(crate) fn put(&self, kv: &KeyValue) {
        // Most events of the watch are echoes of own writes.
        let known = |name: String| {
            self.get(&name)
                .is_some_and(|e| e.revision >= kv.mod_revision)
        };
        if self.name_of(&kv.key).is_some_and(known) {
            return;
        }
        let mut entry = match self.read(kv) {
            Ok(e) => e,
            Err(s) => {
                tracing::error!(why = %s.message, "a stored definition cannot be read");
                return;
            }
        };
        let mut writer = self.writer.lock();
        let before = self.get(&entry.name);
        let known = before.as_ref().map_or(0, |b| b.revision);
        let gone = writer.gone.get(&entry.name).copied().unwrap_or(0);
        if entry.revision <= known.max(gone) {
            return;
        }
        if let Some(before) = &before {
            entry.inherit(before);
        }
        writer.changes.push(Change {
            name: entry.name.clone(),
            group: entry.group.clone(),
            frees_names: before.is_some_and(|b| b.accepted != entry.accepted),
        });
        let mut next = (**self.snapshot.load()).clone();
        next.insert(entry.name.clone(), Arc::new(entry));
        self.publish(next);
    }

    /// Forgets a definition that was deleted at `revision`.
    pub(crate) fn remove(&self, key: &[u8], revision: i64) {
        let Some(name) = self.name_of(key) else {
            return;
        };
        let mut writer = self.writer.lock();
        writer.gone.insert(name.clone(), revision);
        let Some(before) = self.get(&name).filter(|b| b.revision < revision) else {
            return;
        };
        writer.changes.push(Change {
            name: name.clone(),
            group: before.group.clone(),
            frees_names: true,
        });
        let mut next = (**self.snapshot.load()).clone();
        next.remove(&name);
        self.publish(next);
    }

    fn name_of(&self, key: &[u8]) -> Option<String> {
        let key = std::str::from_utf8(key).ok()?;
        key.strip_prefix(&self.storage_prefix).map(str::to_owned)
    }

    /// The watch has reported everything up to `revision`.
    pub(crate) fn passed(&self, revision: i64) {
        self.writer.lock().gone.retain(|_, at| *at > revision);
    }

    /// Replaces everything by a list read at `revision`.
    pub(crate) fn replace(&self, kvs: &[KeyValue], revision: i64) {
        let mut writer = self.writer.lock();
        let before = self.snapshot.load_full();
        let mut next = Snapshot::new();
        for kv in kvs {
            match self.read(kv) {
                Ok(mut entry) => {
                    if let Some(b) = before.get(&entry.name) {
                        entry.inherit(b);
                    }
                    next.insert(entry.name.clone(), Arc::new(entry));
                }
                Err(s) => tracing::error!(why = %s.message, "a stored definition cannot be read"),
            }
        }
        // Own writes may be newer than the list.
        for (name, entry) in before.iter().filter(|(_, e)| e.revision > revision) {
            next.insert(name.clone(), entry.clone());
        }
        for (name, _) in writer.gone.iter().filter(|(_, at)| **at > revision) {
            next.remove(name);
        }
        let names: Vec<(&String, &Arc<Entry>)> = before.iter().chain(next.iter()).collect();
        writer
            .changes
            .extend(names.into_iter().map(|(name, e)| Change {
                name: name.clone(),
                group: e.group.clone(),
                frees_names: !next.contains_key(name),
            }));
        self.publish(next);
    }

    fn publish(&self, next: Snapshot) {
        self.snapshot.store(Arc::new(next));
        self.version.send_modify(|v| *v += 1);
    }
}
