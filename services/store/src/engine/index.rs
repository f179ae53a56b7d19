//! Which key had which revisions: everything but the values, in memory.

use std::{collections::BTreeMap, ops::Bound};

use bytes::Bytes;

use super::record::{Record, Rev};

/// One change of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) rev: Rev,
    pub(super) create: i64,
    pub(super) version: i64,
    pub(super) lease: i64,
    pub(super) tombstone: bool,
}

impl Version {
    pub(super) fn of(rev: Rev, record: &Record) -> Self {
        Self {
            rev,
            create: record.create,
            version: record.version,
            lease: record.lease,
            tombstone: record.tombstone,
        }
    }
}

/// Keys of a request: one key, or the half-open range to `end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    key: Bytes,
    end: Bytes,
}

type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// End that means "no end".
const OPEN: &[u8] = &[0];

impl Span {
    pub(super) fn new(key: Bytes, end: Bytes) -> Self {
        Self { key, end }
    }

    pub(super) fn all() -> Self {
        Self::new(Bytes::new(), Bytes::from_static(OPEN))
    }

    pub(super) fn contains(&self, key: &[u8]) -> bool {
        match &*self.end {
            [] => key == &*self.key,
            OPEN => key >= &*self.key,
            end => key >= &*self.key && key < end,
        }
    }

    /// None when nothing can lie in it: `BTreeMap::range` panics on such bounds.
    fn bounds(&self) -> Option<Bounds<'_>> {
        let start = Bound::Included(&*self.key);
        match &*self.end {
            [] => Some((start, start)),
            OPEN => Some((start, Bound::Unbounded)),
            end => (end > &*self.key).then_some((start, Bound::Excluded(end))),
        }
    }
}

#[derive(Default)]
pub(super) struct Index {
    /// Versions in the order of history; never empty.
    keys: BTreeMap<Bytes, Vec<Version>>,
}

impl Index {
    /// Later than all that the key has.
    pub(super) fn push(&mut self, key: &Bytes, version: Version) {
        match self.keys.get_mut(&**key) {
            Some(versions) => versions.push(version),
            None => {
                // A slice of a record would keep its value in memory.
                self.keys.insert(Bytes::copy_from_slice(key), vec![version]);
            }
        }
    }

    /// The newest version of a key at a revision, a tombstone included.
    pub(super) fn newest(&self, key: &[u8], at: i64) -> Option<&Version> {
        newest(self.keys.get(key)?, at)
    }

    /// What the key was before a revision.
    pub(super) fn before(&self, key: &[u8], revision: i64) -> Option<&Version> {
        let versions = self.keys.get(key)?;
        let split = versions.partition_point(|v| v.rev.main < revision);
        versions[..split].last().filter(|v| !v.tombstone)
    }

    /// Keys that exist at a revision, in order.
    pub(super) fn live<'a>(
        &'a self,
        span: &'a Span,
        at: i64,
    ) -> impl Iterator<Item = (&'a Bytes, &'a Version)> {
        let range = span.bounds().map(|b| self.keys.range::<[u8], _>(b));
        range
            .into_iter()
            .flatten()
            .filter_map(move |(k, versions)| Some((k, newest(versions, at)?)))
            .filter(|(_, v)| !v.tombstone)
    }

    /// Forgets what is superseded at `revision`, looking at up to `limit` keys
    /// after `from`. Gives what was forgotten, and where to go on.
    pub(super) fn compact(
        &mut self,
        from: Option<&Bytes>,
        revision: i64,
        limit: usize,
    ) -> (Vec<Rev>, Option<Bytes>) {
        let start = from.map_or(Bound::Unbounded, |k| Bound::Excluded(&**k));
        let (mut gone, mut empty, mut last, mut seen) = (Vec::new(), Vec::new(), None, 0);
        for (key, versions) in self.keys.range_mut::<[u8], _>((start, Bound::Unbounded)) {
            let mut keep = versions
                .partition_point(|v| v.rev.main <= revision)
                .saturating_sub(1);
            // A deletion at the very revision is still seen by a watch from there.
            let stale = |v: &Version| v.tombstone && v.rev.main < revision;
            if versions.get(keep).is_some_and(stale) {
                keep += 1;
            }
            gone.extend(versions.drain(..keep).map(|v| v.rev));
            if versions.is_empty() {
                empty.push(key.clone());
            }
            seen += 1;
            if seen == limit {
                last = Some(key.clone());
                break;
            }
        }
        for key in empty {
            self.keys.remove(&key);
        }
        (gone, last)
    }
}

fn newest(versions: &[Version], at: i64) -> Option<&Version> {
    // Nearly always the last one.
    versions.iter().rev().find(|v| v.rev.main <= at)
}

#[cfg(test)]
mod tests;
