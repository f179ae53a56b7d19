//! The two keyspaces on disk: `rev` holds history, `meta` what else must survive.

use std::path::Path;

use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable as _};

use super::{
    EngineOptions, Error,
    index::{Index, Version},
    record::{Record, Rev},
};

/// Of what is on disk; another one is refused.
const FORMAT: i64 = 1;
const KEY_FORMAT: &[u8] = b"format";
const KEY_COMPACTED: &[u8] = b"compacted";
/// Followed by the identity of the lease, big endian; the value is its TTL.
const LEASE_PREFIX: &[u8] = b"lease/";

pub(super) struct Disk {
    db: Database,
    rev: Keyspace,
    meta: Keyspace,
    sync: PersistMode,
}

/// What a restart finds.
#[derive(Default)]
pub(super) struct Found {
    pub(super) index: Index,
    pub(super) revision: i64,
    pub(super) compacted: i64,
    /// Identity and TTL in seconds.
    pub(super) leases: Vec<(i64, i64)>,
}

/// Where something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    History,
    Meta,
}

/// Writes that become durable together.
pub(super) struct Batch<'a> {
    disk: &'a Disk,
    batch: fjall::OwnedWriteBatch,
}

impl Disk {
    pub(super) fn open(dir: &Path, options: &EngineOptions) -> Result<Self, Error> {
        let db = Database::builder(dir)
            .cache_size(options.cache_bytes)
            .open()
            .map_err(Error::read)?;
        let small = || KeyspaceCreateOptions::default().max_memtable_size(options.write_bytes);
        let keyspace = |name| db.keyspace(name, small);
        let disk = Self {
            rev: keyspace("rev").map_err(Error::read)?,
            meta: keyspace("meta").map_err(Error::read)?,
            sync: if options.unsafe_no_fsync {
                PersistMode::Buffer
            } else {
                PersistMode::SyncData
            },
            db,
        };
        match disk.number(KEY_FORMAT)? {
            Some(FORMAT) => {}
            Some(other) => {
                return Err(Error::corrupt(format!("format {other} is not known")));
            }
            None => {
                let mut batch = disk.batch();
                batch.number(KEY_FORMAT, FORMAT);
                batch.commit()?;
            }
        }
        Ok(disk)
    }

    fn number(&self, key: &[u8]) -> Result<Option<i64>, Error> {
        let Some(value) = self.meta.get(key).map_err(Error::read)? else {
            return Ok(None);
        };
        decode_number(&value).map(Some)
    }

    /// Reads all of history into an index.
    ///
    /// # Errors
    /// When a revision is missing: then the disk lost acknowledged writes.
    pub(super) fn load(&self) -> Result<Found, Error> {
        let compacted = self.number(KEY_COMPACTED)?.unwrap_or(0);
        let mut found = Found {
            compacted,
            revision: compacted.max(1),
            ..Found::default()
        };
        let mut last = Rev {
            main: found.revision,
            sub: 0,
        };
        for item in self.rev.iter() {
            let (key, value) = item.into_inner().map_err(Error::read)?;
            let rev = Rev::decode(&key)?;
            let record = Record::decode(&value.into())?;
            if rev.main > compacted.max(1) {
                follows(last, rev)?;
                last = rev;
                found.revision = rev.main;
            }
            found.index.push(&record.key, Version::of(rev, &record));
        }
        for item in self.meta.prefix(LEASE_PREFIX) {
            let (key, value) = item.into_inner().map_err(Error::read)?;
            let id = decode_number(key.get(LEASE_PREFIX.len()..).unwrap_or_default())?;
            found.leases.push((id, decode_number(&value)?));
        }
        Ok(found)
    }

    pub(super) fn get(&self, rev: Rev) -> Result<Option<Record>, Error> {
        let value = self.rev.get(rev.encode()).map_err(Error::read)?;
        value.map(|v| Record::decode(&v.into())).transpose()
    }

    /// Changes of the revisions from `from` to `to`, both included.
    pub(super) fn history(
        &self,
        from: i64,
        to: i64,
    ) -> impl Iterator<Item = Result<(Rev, Record), Error>> {
        let start = Rev { main: from, sub: 0 }.encode();
        let end = Rev {
            main: to,
            sub: u32::MAX,
        };
        self.rev.range(start..=end.encode()).map(|item| {
            let (key, value) = item.into_inner().map_err(Error::read)?;
            Ok((Rev::decode(&key)?, Record::decode(&value.into())?))
        })
    }

    /// All that is kept, as it was at one moment.
    pub(super) fn everything(&self) -> impl Iterator<Item = Result<(Place, Bytes, Bytes), Error>> {
        let snapshot = self.db.snapshot();
        let meta = snapshot.iter(&self.meta).map(|item| (Place::Meta, item));
        let history = snapshot.iter(&self.rev).map(|item| (Place::History, item));
        meta.chain(history).map(|(place, item)| {
            let (key, value) = item.into_inner().map_err(Error::read)?;
            Ok((place, key.into(), value.into()))
        })
    }

    pub(super) fn batch(&self) -> Batch<'_> {
        Batch {
            disk: self,
            batch: self.db.batch(),
        }
    }

    /// Whether a commit survives the end of the machine.
    pub(super) fn syncs(&self) -> bool {
        self.sync != PersistMode::Buffer
    }

    /// Bytes on disk, journals included.
    pub(super) fn size(&self) -> u64 {
        self.db.disk_space().unwrap_or(0)
    }

    /// Rewrites the tables without what was removed.
    pub(super) fn defragment(&self) -> Result<(), Error> {
        self.rev.rotate_memtable_and_wait().map_err(Error::write)?;
        self.rev.major_compact().map_err(Error::write)
    }
}

/// Revisions and their parts are dense.
fn follows(last: Rev, rev: Rev) -> Result<(), Error> {
    let next_part = rev.main == last.main && rev.sub == last.sub + 1;
    let next_main = rev.main == last.main + 1 && rev.sub == 0;
    if next_part || next_main {
        return Ok(());
    }
    Err(Error::corrupt(format!(
        "history has a hole: revision {}.{} is followed by {}.{}",
        last.main, last.sub, rev.main, rev.sub
    )))
}

fn decode_number(bytes: &[u8]) -> Result<i64, Error> {
    match <[u8; 8]>::try_from(bytes) {
        Ok(b) => Ok(i64::from_be_bytes(b)),
        Err(_) => Err(Error::corrupt("a number has the wrong length")),
    }
}

impl Batch<'_> {
    /// `record` is a [`Record`], encoded.
    pub(super) fn put(&mut self, rev: Rev, record: Bytes) {
        self.batch.insert(&self.disk.rev, rev.encode(), record);
    }

    pub(super) fn remove(&mut self, rev: Rev) {
        self.batch.remove(&self.disk.rev, rev.encode());
    }

    /// What [`Disk::everything`] gave.
    pub(super) fn raw(&mut self, place: Place, key: &[u8], value: &[u8]) {
        let keyspace = match place {
            Place::History => &self.disk.rev,
            Place::Meta => &self.disk.meta,
        };
        self.batch.insert(keyspace, key, value);
    }

    pub(super) fn compacted(&mut self, revision: i64) {
        self.number(KEY_COMPACTED, revision);
    }

    pub(super) fn lease(&mut self, id: i64, ttl: Option<i64>) {
        let key = [LEASE_PREFIX, &id.to_be_bytes()].concat();
        match ttl {
            Some(ttl) => self.number(&key, ttl),
            None => self.batch.remove(&self.disk.meta, key),
        }
    }

    fn number(&mut self, key: &[u8], value: i64) {
        self.batch.insert(&self.disk.meta, key, value.to_be_bytes());
    }

    /// Durable on return.
    pub(super) fn commit(self) -> Result<(), Error> {
        let batch = self.batch.durability(Some(self.disk.sync));
        batch.commit().map_err(Error::write)
    }

    /// Durable some time later: for what is done again after a loss.
    pub(super) fn commit_lazily(self) -> Result<(), Error> {
        self.batch.commit().map_err(Error::write)
    }
}
