//! Leases: keys that live as long as somebody says so.

use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

use bytes::Bytes;
use parking_lot::Mutex;

use super::{
    Error,
    index::{Index, Span},
};

/// Longest time that can be granted, in seconds (etcd's bound).
pub(super) const MAX_TTL: i64 = 9_000_000_000;

struct Lease {
    ttl: i64,
    expires: Instant,
    keys: BTreeSet<Bytes>,
}

#[derive(Default)]
struct State {
    leases: HashMap<i64, Lease>,
    /// The lease of each key that has one.
    keys: HashMap<Bytes, i64>,
}

/// What is known of a lease. Times in seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaseInfo {
    pub granted: i64,
    pub left: i64,
    pub keys: Vec<Bytes>,
}

#[derive(Default)]
pub(super) struct Leases(Mutex<State>);

impl Leases {
    /// What a restart found; every lease lives for its whole TTL again, because
    /// its holder could not renew it meanwhile.
    pub(super) fn restore(leases: &[(i64, i64)], index: &Index) -> Self {
        let out = Self::default();
        for &(id, ttl) in leases {
            out.grant(id, ttl);
        }
        if leases.is_empty() {
            return out;
        }
        for (key, version) in index.live(&Span::all(), i64::MAX) {
            if version.lease != 0 {
                out.attach(key, version.lease);
            }
        }
        out
    }

    pub(super) fn exists(&self, id: i64) -> bool {
        self.0.lock().leases.contains_key(&id)
    }

    pub(super) fn grant(&self, id: i64, ttl: i64) {
        let lease = Lease {
            ttl,
            expires: Instant::now() + seconds(ttl),
            keys: BTreeSet::new(),
        };
        self.0.lock().leases.insert(id, lease);
    }

    /// Binds a key to a lease instead of the one it had; 0: to none.
    pub(super) fn attach(&self, key: &Bytes, id: i64) {
        let state = &mut *self.0.lock();
        if let Some(old) = state.keys.get(&**key).copied() {
            if old == id {
                return;
            }
            state.keys.remove(&**key);
            if let Some(lease) = state.leases.get_mut(&old) {
                lease.keys.remove(&**key);
            }
        }
        if let Some(lease) = state.leases.get_mut(&id) {
            // A slice of a record would keep its value in memory.
            let key = Bytes::copy_from_slice(key);
            lease.keys.insert(key.clone());
            state.keys.insert(key, id);
        }
    }

    pub(super) fn keys(&self, id: i64) -> Result<Vec<Bytes>, Error> {
        let state = self.0.lock();
        let lease = state.leases.get(&id).ok_or(Error::LeaseNotFound)?;
        Ok(lease.keys.iter().cloned().collect())
    }

    /// The keys go on their own, by deletions.
    pub(super) fn remove(&self, id: i64) {
        self.0.lock().leases.remove(&id);
    }

    /// Gives the TTL in seconds; None when the lease is gone.
    pub(super) fn keep_alive(&self, id: i64) -> Option<i64> {
        let mut state = self.0.lock();
        let lease = state.leases.get_mut(&id)?;
        lease.expires = Instant::now() + seconds(lease.ttl);
        Some(lease.ttl)
    }

    pub(super) fn info(&self, id: i64, keys: bool) -> Option<LeaseInfo> {
        let state = self.0.lock();
        let lease = state.leases.get(&id)?;
        let left = lease.expires.saturating_duration_since(Instant::now());
        Some(LeaseInfo {
            granted: lease.ttl,
            left: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            keys: if keys {
                lease.keys.iter().cloned().collect()
            } else {
                Vec::new()
            },
        })
    }

    pub(super) fn all(&self) -> Vec<i64> {
        let mut ids: Vec<i64> = self.0.lock().leases.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    pub(super) fn is_expired(&self, id: i64) -> bool {
        let state = self.0.lock();
        state
            .leases
            .get(&id)
            .is_some_and(|l| l.expires <= Instant::now())
    }

    pub(super) fn expired(&self, now: Instant) -> Vec<i64> {
        let state = self.0.lock();
        let gone = state.leases.iter().filter(|(_, l)| l.expires <= now);
        gone.map(|(id, _)| *id).collect()
    }
}

fn seconds(ttl: i64) -> Duration {
    Duration::from_secs(u64::try_from(ttl).unwrap_or(0))
}
