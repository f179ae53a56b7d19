//! Between the storage contract and the messages of the etcd v3 API.

use catena_proto::{etcdserverpb as pb, mvccpb};
use catena_storage::{
    Compare, Error, KeyValue, Op, OpResponse, RangeRequest, RangeResponse, TxnRequest, TxnResponse,
};
use pb::{compare::TargetUnion, request_op::Request, response_op::Response};
use tonic::{Code, Status};

pub(crate) fn range(r: RangeRequest) -> pb::RangeRequest {
    pb::RangeRequest {
        key: r.key,
        range_end: r.end,
        limit: r.limit,
        revision: r.revision,
        keys_only: r.keys_only,
        count_only: r.count_only,
        serializable: r.serializable,
        ..pb::RangeRequest::default()
    }
}

pub(crate) fn range_answer(r: pb::RangeResponse) -> RangeResponse {
    RangeResponse {
        revision: r.header.map_or(0, |h| h.revision),
        kvs: r.kvs.into_iter().map(key_value).collect(),
        more: r.more,
        count: r.count,
    }
}

pub(crate) fn key_value(kv: mvccpb::KeyValue) -> KeyValue {
    KeyValue {
        key: kv.key,
        value: kv.value,
        create_revision: kv.create_revision,
        mod_revision: kv.mod_revision,
        version: kv.version,
        lease: kv.lease,
    }
}

pub(crate) fn txn(r: TxnRequest) -> pb::TxnRequest {
    let ops = |list: Vec<Op>| list.into_iter().map(op).collect();
    pb::TxnRequest {
        compare: r.compare.into_iter().map(compare).collect(),
        success: ops(r.success),
        failure: ops(r.failure),
    }
}

fn compare(c: Compare) -> pb::Compare {
    let Compare::ModRevision { key, equals } = c;
    pb::Compare {
        result: pb::compare::CompareResult::Equal.into(),
        target: pb::compare::CompareTarget::Mod.into(),
        key,
        target_union: Some(TargetUnion::ModRevision(equals)),
        ..pb::Compare::default()
    }
}

fn op(op: Op) -> pb::RequestOp {
    let request = match op {
        Op::Put { key, value, lease } => Request::RequestPut(pb::PutRequest {
            key,
            value,
            lease,
            ..pb::PutRequest::default()
        }),
        Op::Delete { key } => Request::RequestDeleteRange(pb::DeleteRangeRequest {
            key,
            prev_kv: true,
            ..pb::DeleteRangeRequest::default()
        }),
        Op::Get { key } => Request::RequestRange(pb::RangeRequest {
            key,
            ..pb::RangeRequest::default()
        }),
    };
    pb::RequestOp {
        request: Some(request),
    }
}

pub(crate) fn txn_answer(r: pb::TxnResponse) -> TxnResponse {
    TxnResponse {
        revision: r.header.map_or(0, |h| h.revision),
        succeeded: r.succeeded,
        responses: r.responses.into_iter().filter_map(op_answer).collect(),
    }
}

fn op_answer(r: pb::ResponseOp) -> Option<OpResponse> {
    let first = |kvs: Vec<mvccpb::KeyValue>| kvs.into_iter().next().map(key_value);
    match r.response? {
        Response::ResponsePut(_) => Some(OpResponse::Put),
        Response::ResponseDeleteRange(d) => Some(OpResponse::Delete(first(d.prev_kvs))),
        Response::ResponseRange(r) => Some(OpResponse::Get(first(r.kvs))),
        Response::ResponseTxn(_) => None,
    }
}

/// etcd tells its errors apart by their texts (`api/v3rpc/rpctypes/error.go`).
pub(crate) fn error(status: Status) -> Error {
    let text = status.message();
    match status.code() {
        Code::OutOfRange if text.contains("compacted") => Error::Compacted { oldest: 0 },
        Code::OutOfRange if text.contains("future revision") => Error::FutureRevision,
        Code::InvalidArgument if text.contains("request is too large") => Error::TooLarge,
        Code::ResourceExhausted if text.contains("larger than max") => Error::TooLarge,
        Code::DeadlineExceeded => Error::Timeout,
        Code::Unavailable if text.contains("timed out") => Error::Timeout,
        Code::Unavailable | Code::Cancelled => Error::Unavailable(text.to_owned()),
        // A connection that breaks under a call shows as `Unknown`.
        Code::Unknown if text.contains("transport") || text.contains("h2 protocol") => {
            Error::Unavailable(text.to_owned())
        }
        _ => Error::Internal(text.to_owned()),
    }
}
