//! What is wrong with a request whatever the store holds.

use std::collections::HashSet;

use bytes::Bytes;
use catena_proto::etcdserverpb::{
    self as pb,
    range_request::{SortOrder, SortTarget},
    request_op::Request,
};

use super::{Error, index::Span};

/// Bound on the compares, and on the operations of a branch (etcd's `--max-txn-ops`).
const MAX_OPS: usize = 128;
/// Transactions in transactions; a deeper one can only be meant to harm.
const MAX_DEPTH: usize = 16;

pub(super) fn range(request: &pb::RangeRequest) -> Result<(), Error> {
    if request.key.is_empty() {
        return Err(Error::EmptyKey);
    }
    let order = SortOrder::try_from(request.sort_order);
    let target = SortTarget::try_from(request.sort_target);
    match (order, target) {
        (Ok(_), Ok(_)) => Ok(()),
        _ => Err(Error::InvalidSort),
    }
}

pub(super) fn put(request: &pb::PutRequest) -> Result<(), Error> {
    if request.key.is_empty() {
        return Err(Error::EmptyKey);
    }
    if request.ignore_value && !request.value.is_empty() {
        return Err(Error::ValueProvided);
    }
    if request.ignore_lease && request.lease != 0 {
        return Err(Error::LeaseProvided);
    }
    Ok(())
}

pub(super) fn delete(request: &pb::DeleteRangeRequest) -> Result<(), Error> {
    if request.key.is_empty() {
        return Err(Error::EmptyKey);
    }
    Ok(())
}

pub(super) fn txn(request: &pb::TxnRequest) -> Result<(), Error> {
    shape(request, 0)?;
    Touched::of(&request.success)?;
    Touched::of(&request.failure)?;
    Ok(())
}

fn shape(request: &pb::TxnRequest, depth: usize) -> Result<(), Error> {
    let branches = [&request.success, &request.failure];
    let most = branches
        .map(Vec::len)
        .into_iter()
        .fold(request.compare.len(), usize::max);
    if most > MAX_OPS || depth > MAX_DEPTH {
        return Err(Error::TooManyOps);
    }
    if request.compare.iter().any(|c| c.key.is_empty()) {
        return Err(Error::EmptyKey);
    }
    for op in branches.into_iter().flatten() {
        match &op.request {
            Some(Request::RequestRange(r)) => range(r)?,
            Some(Request::RequestPut(r)) => put(r)?,
            Some(Request::RequestDeleteRange(r)) => delete(r)?,
            Some(Request::RequestTxn(r)) => shape(r, depth + 1)?,
            // etcd says the same about an operation that has no kind.
            None => return Err(Error::KeyNotFound),
        }
    }
    Ok(())
}

/// What the operations of a branch may write: no key twice.
#[derive(Default)]
struct Touched {
    puts: HashSet<Bytes>,
    deletes: Vec<Span>,
}

impl Touched {
    fn of(ops: &[pb::RequestOp]) -> Result<Self, Error> {
        let mut all = Self::default();
        for op in ops {
            match &op.request {
                Some(Request::RequestPut(r)) => {
                    if !all.puts.insert(r.key.clone()) {
                        return Err(Error::DuplicateKey);
                    }
                }
                Some(Request::RequestDeleteRange(r)) => {
                    let span = Span::new(r.key.clone(), r.range_end.clone());
                    all.deletes.push(span);
                }
                Some(Request::RequestRange(_) | Request::RequestTxn(_)) | None => {}
            }
        }
        all.disjoint(&all)?;
        for op in ops {
            let Some(Request::RequestTxn(r)) = &op.request else {
                continue;
            };
            // One of the branches runs, so the two may touch the same keys.
            let mut nested = Self::of(&r.success)?;
            let other = Self::of(&r.failure)?;
            nested.puts.extend(other.puts);
            nested.deletes.extend(other.deletes);
            if !all.puts.is_disjoint(&nested.puts) {
                return Err(Error::DuplicateKey);
            }
            all.disjoint(&nested)?;
            nested.disjoint(&all)?;
            all.puts.extend(nested.puts);
            all.deletes.extend(nested.deletes);
        }
        Ok(all)
    }

    /// No key is put here and deleted there.
    fn disjoint(&self, other: &Self) -> Result<(), Error> {
        let deleted = |key: &Bytes| other.deletes.iter().any(|d| d.contains(key));
        if self.puts.iter().any(deleted) {
            return Err(Error::DuplicateKey);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
