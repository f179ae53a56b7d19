//! What is written for one change of one key, and under which key it is written.

use bytes::{BufMut as _, Bytes};
use catena_proto::mvccpb::KeyValue;

use super::Error;

/// Length of a key of the `rev` keyspace.
pub(super) const REV_KEY: usize = 12;
const HEADER: usize = 1 + 3 * 8 + 4;
const TOMBSTONE: u8 = 1;

/// Where a change stands in history: all changes of one transaction share `main`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Rev {
    pub(super) main: i64,
    pub(super) sub: u32,
}

impl Rev {
    /// Big endian, so that the order of the bytes is the order of history.
    pub(super) fn encode(self) -> [u8; REV_KEY] {
        let mut out = [0; REV_KEY];
        out[..8].copy_from_slice(&self.main.to_be_bytes());
        out[8..].copy_from_slice(&self.sub.to_be_bytes());
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (Some((main, rest)), REV_KEY) = (bytes.split_first_chunk(), bytes.len()) else {
            return Err(Error::corrupt("a revision key has the wrong length"));
        };
        let Some(sub) = rest.first_chunk() else {
            return Err(Error::corrupt("a revision key has the wrong length"));
        };
        Ok(Self {
            main: i64::from_be_bytes(*main),
            sub: u32::from_be_bytes(*sub),
        })
    }
}

/// One change: a new value, or the deletion of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) key: Bytes,
    pub(super) value: Bytes,
    pub(super) create: i64,
    pub(super) version: i64,
    pub(super) lease: i64,
    pub(super) tombstone: bool,
}

impl Record {
    pub(super) fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(HEADER + self.key.len() + self.value.len());
        out.put_u8(if self.tombstone { TOMBSTONE } else { 0 });
        out.put_i64(self.create);
        out.put_i64(self.version);
        out.put_i64(self.lease);
        // Requests are far below 4 GiB.
        out.put_u32(u32::try_from(self.key.len()).unwrap_or(u32::MAX));
        out.put_slice(&self.key);
        out.put_slice(&self.value);
        out.into()
    }

    /// Its encoding, and itself as a part of that: a record of a request is a slice
    /// of what the peer sent, several times its size.
    pub(super) fn pack(self) -> (Bytes, Self) {
        let encoded = self.encode();
        let key = HEADER..HEADER + self.key.len();
        let packed = Self {
            key: encoded.slice(key.clone()),
            value: encoded.slice(key.end..),
            ..self
        };
        (encoded, packed)
    }

    /// Shares the memory of `bytes`.
    pub(super) fn decode(bytes: &Bytes) -> Result<Self, Error> {
        let number = |at: usize| {
            let field = bytes.get(at..at + 8).and_then(|b| b.first_chunk());
            field.copied().map(i64::from_be_bytes)
        };
        let length = bytes.get(25..HEADER).and_then(|b| b.first_chunk());
        let (Some(flags), Some(create), Some(version), Some(lease), Some(length)) =
            (bytes.first(), number(1), number(9), number(17), length)
        else {
            return Err(Error::corrupt("a record is too short"));
        };
        let end = HEADER.saturating_add(u32::from_be_bytes(*length) as usize);
        if end > bytes.len() {
            return Err(Error::corrupt("the key of a record is cut off"));
        }
        Ok(Self {
            key: bytes.slice(HEADER..end),
            value: bytes.slice(end..),
            create,
            version,
            lease,
            tombstone: flags & TOMBSTONE != 0,
        })
    }

    /// As clients see it; a tombstone has a key and the revision of the deletion only.
    pub(super) fn into_kv(self, rev: Rev) -> KeyValue {
        KeyValue {
            key: self.key,
            create_revision: if self.tombstone { 0 } else { self.create },
            mod_revision: rev.main,
            version: self.version,
            value: self.value,
            lease: self.lease,
        }
    }
}

#[cfg(test)]
mod tests;
