//! Requests and responses of the storage contract.

use bytes::Bytes;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyValue {
    pub key: Bytes,
    /// Empty when only keys were asked for.
    pub value: Bytes,
    pub create_revision: i64,
    pub mod_revision: i64,
    pub version: i64,
    pub lease: i64,
}

/// One key (`end` empty) or the half-open range from `key` to `end`, in key order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeRequest {
    pub key: Bytes,
    pub end: Bytes,
    /// 0: no limit.
    pub limit: i64,
    /// 0: the current revision.
    pub revision: i64,
    pub keys_only: bool,
    pub count_only: bool,
    /// A possibly stale answer of one member is enough.
    pub serializable: bool,
}

impl RangeRequest {
    pub fn key(key: impl Into<Bytes>) -> Self {
        Self {
            key: key.into(),
            ..Self::default()
        }
    }

    pub fn prefix(prefix: &str) -> Self {
        Self {
            key: Bytes::copy_from_slice(prefix.as_bytes()),
            end: prefix_end(prefix.as_bytes()),
            ..Self::default()
        }
    }
}

/// End of the range that holds all keys with this prefix.
pub fn prefix_end(prefix: &[u8]) -> Bytes {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            return end.into();
        }
    }
    Bytes::from_static(&[0])
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeResponse {
    /// Revision of the store when it answered.
    pub revision: i64,
    pub kvs: Vec<KeyValue>,
    pub more: bool,
    /// Keys in the range, without regard to the limit.
    pub count: i64,
}

/// A condition of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compare {
    /// The key's `mod_revision` equals; 0 means that the key does not exist.
    ModRevision { key: Bytes, equals: i64 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    Put {
        key: Bytes,
        value: Bytes,
        lease: i64,
    },
    /// Returns what was deleted.
    Delete {
        key: Bytes,
    },
    Get {
        key: Bytes,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxnRequest {
    pub compare: Vec<Compare>,
    pub success: Vec<Op>,
    pub failure: Vec<Op>,
}

impl TxnRequest {
    /// Puts a key that must not exist.
    pub fn create(key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        let (key, value) = (key.into(), value.into());
        Self {
            compare: vec![Compare::ModRevision {
                key: key.clone(),
                equals: 0,
            }],
            success: vec![Op::Put {
                key,
                value,
                lease: 0,
            }],
            failure: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpResponse {
    Put,
    Delete(Option<KeyValue>),
    Get(Option<KeyValue>),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxnResponse {
    pub revision: i64,
    pub succeeded: bool,
    pub responses: Vec<OpResponse>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchRequest {
    pub key: Bytes,
    pub end: Bytes,
    /// First revision to report; 0: from now on.
    pub start_revision: i64,
    pub prev_kv: bool,
    /// The server sends [`WatchMessage::Progress`] by itself while nothing happens.
    pub progress_notify: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    Put,
    Delete,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub kind: EventKind,
    /// For a deletion: key and the revision of the deletion in `mod_revision`.
    pub kv: KeyValue,
    pub prev: Option<KeyValue>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchMessage {
    /// The watch is registered; everything after `revision` will be reported.
    Created { revision: i64 },
    /// All events of one or more whole revisions; with them everything up to
    /// `revision` has been reported.
    Events { revision: i64, events: Vec<Event> },
    /// Everything up to `revision` has been reported.
    Progress { revision: i64 },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageStatus {
    pub revision: i64,
    pub db_size_bytes: i64,
}
