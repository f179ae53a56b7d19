//! Random requests over few keys, so that they meet.

use catena_proto::etcdserverpb::{self as pb, compare::TargetUnion, request_op::Request as Op};
use rand::{RngExt as _, rngs::StdRng};

pub(crate) enum Request {
    Range(pb::RangeRequest),
    Put(pb::PutRequest),
    Delete(pb::DeleteRangeRequest),
    Txn(pb::TxnRequest),
    Compact(pb::CompactionRequest),
    Grant(pb::LeaseGrantRequest),
    Revoke(pb::LeaseRevokeRequest),
    TimeToLive(pb::LeaseTimeToLiveRequest),
}

/// Identities of leases; 9 is never granted.
const LEASES: [i64; 4] = [0, 5, 6, 9];

fn key(rng: &mut StdRng) -> Vec<u8> {
    let keys: [&[u8]; 8] = [b"a", b"a/1", b"a/2", b"b", b"b/1", b"c", b"\xff", b""];
    // Mostly keys that are allowed.
    let at = rng.random_range(0..keys.len() * 4);
    keys[if at < 31 { at % 7 } else { 7 }].to_vec()
}

fn range_end(rng: &mut StdRng) -> Vec<u8> {
    match rng.random_range(0..6) {
        0 => b"\0".to_vec(),
        1 => b"b".to_vec(),
        2 => b"a0".to_vec(),
        3 => key(rng),
        _ => Vec::new(),
    }
}

fn revision(rng: &mut StdRng, now: i64) -> i64 {
    match rng.random_range(0..4) {
        0 => rng.random_range(1..now + 3),
        1 => rng.random_range((now - 5).max(1)..now + 1),
        _ => 0,
    }
}

fn range(rng: &mut StdRng, now: i64) -> pb::RangeRequest {
    let mut bound = || {
        if rng.random_bool(0.1) {
            rng.random_range(0..now + 2)
        } else {
            0
        }
    };
    let (min_mod_revision, max_mod_revision) = (bound(), bound());
    let (min_create_revision, max_create_revision) = (bound(), bound());
    pb::RangeRequest {
        key: key(rng).into(),
        range_end: range_end(rng).into(),
        limit: rng.random_range(-1..4),
        revision: revision(rng, now),
        sort_order: rng.random_range(0..3),
        sort_target: if rng.random_bool(0.5) {
            0
        } else {
            rng.random_range(0..5)
        },
        serializable: rng.random_bool(0.5),
        keys_only: rng.random_bool(0.2),
        count_only: rng.random_bool(0.1),
        min_mod_revision,
        max_mod_revision,
        min_create_revision,
        max_create_revision,
    }
}

fn put(rng: &mut StdRng) -> pb::PutRequest {
    let ignore_value = rng.random_bool(0.1);
    pb::PutRequest {
        key: key(rng).into(),
        value: if ignore_value && rng.random_bool(0.8) {
            Vec::new().into()
        } else {
            vec![b'0' + rng.random_range(0..5u8)].into()
        },
        lease: if rng.random_bool(0.7) {
            0
        } else {
            LEASES[rng.random_range(0..4)]
        },
        prev_kv: rng.random_bool(0.5),
        ignore_value,
        ignore_lease: rng.random_bool(0.1),
    }
}

fn delete(rng: &mut StdRng) -> pb::DeleteRangeRequest {
    pb::DeleteRangeRequest {
        key: key(rng).into(),
        range_end: if rng.random_bool(0.7) {
            Vec::new()
        } else {
            range_end(rng)
        }
        .into(),
        prev_kv: rng.random_bool(0.5),
    }
}

fn compare(rng: &mut StdRng, now: i64) -> pb::Compare {
    let target = rng.random_range(0..5);
    let number = if rng.random_bool(0.5) {
        0
    } else {
        rng.random_range(0..now + 1)
    };
    pb::Compare {
        result: rng.random_range(0..4),
        target,
        key: key(rng).into(),
        range_end: if rng.random_bool(0.8) {
            Vec::new()
        } else {
            range_end(rng)
        }
        .into(),
        target_union: Some(match target {
            0 => TargetUnion::Version(number % 4),
            1 => TargetUnion::CreateRevision(number),
            2 => TargetUnion::ModRevision(number),
            3 => TargetUnion::Value(vec![b'0' + rng.random_range(0..5u8)].into()),
            _ => TargetUnion::Lease(LEASES[rng.random_range(0..4)]),
        }),
    }
}

fn ops(rng: &mut StdRng, now: i64, depth: usize) -> Vec<pb::RequestOp> {
    let count = rng.random_range(0..4);
    let op = |rng: &mut StdRng| match rng.random_range(0..8) {
        0..=3 => Op::RequestPut(put(rng)),
        4 => {
            let mut delete = delete(rng);
            // Together with a put that keeps a value, it is the end of an etcd.
            if *delete.range_end == [0] {
                delete.range_end = vec![0xff, 0xff].into();
            }
            Op::RequestDeleteRange(delete)
        }
        7 if depth < 2 => Op::RequestTxn(txn(rng, now, depth + 1)),
        _ => Op::RequestRange(range(rng, now)),
    };
    (0..count)
        .map(|_| pb::RequestOp {
            request: Some(op(rng)),
        })
        .collect()
}

fn txn(rng: &mut StdRng, now: i64, depth: usize) -> pb::TxnRequest {
    pb::TxnRequest {
        compare: (0..rng.random_range(0..3))
            .map(|_| compare(rng, now))
            .collect(),
        success: ops(rng, now, depth),
        failure: ops(rng, now, depth),
    }
}

/// `now`: the revision of the stores.
pub(crate) fn any(rng: &mut StdRng, now: i64) -> Request {
    let lease = LEASES[rng.random_range(1..4)];
    match rng.random_range(0..100) {
        0..30 => Request::Range(range(rng, now)),
        30..55 => Request::Put(put(rng)),
        55..65 => Request::Delete(delete(rng)),
        65..93 => Request::Txn(txn(rng, now, 0)),
        93 => Request::Compact(pb::CompactionRequest {
            revision: rng.random_range((now - 30).max(0)..now + 2),
            physical: rng.random_bool(0.5),
        }),
        94..96 => Request::Grant(pb::LeaseGrantRequest {
            ttl: 1000,
            id: lease.min(6),
        }),
        96..98 => Request::Revoke(pb::LeaseRevokeRequest { id: lease }),
        _ => Request::TimeToLive(pb::LeaseTimeToLiveRequest {
            id: lease,
            keys: true,
        }),
    }
}
