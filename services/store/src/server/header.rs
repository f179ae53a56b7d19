//! What every answer begins with.

use catena_proto::etcdserverpb as pb;

/// There is one member; its identity means nothing to anybody.
pub(super) const MEMBER: u64 = 0x1;
const CLUSTER: u64 = 0x1;
/// Nobody was ever elected but this one.
pub(super) const TERM: u64 = 1;

pub(super) fn of(revision: i64) -> Option<pb::ResponseHeader> {
    Some(pb::ResponseHeader {
        cluster_id: CLUSTER,
        member_id: MEMBER,
        revision,
        raft_term: TERM,
    })
}

/// Completes the header of an answer of the engine.
pub(super) fn fill(header: &mut Option<pb::ResponseHeader>) {
    *header = of(header.map_or(0, |h| h.revision));
}
