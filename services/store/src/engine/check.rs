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
            if let Some(Request::RequestDeleteRange(r)) = &op.request
                // As etcd: a deletion without an end conflicts with nothing.
                && *r.range_end != [0]
            {
                let span = Span::new(r.key.clone(), r.range_end.clone());
                all.deletes.push(span);
            }
        }
        for op in ops {
            if let Some(Request::RequestTxn(r)) = &op.request {
                all.nested(r)?;
            }
        }
        for op in ops {
            if let Some(Request::RequestPut(r)) = &op.request {
                all.check(&r.key)?;
                all.puts.insert(r.key.clone());
            }
        }
        Ok(all)
    }

    /// Adds both branches: one of them runs, so the two may touch the same keys.
    fn nested(&mut self, r: &pb::TxnRequest) -> Result<(), Error> {
        let mut both = Self::of(&r.success)?;
        let other = Self::of(&r.failure)?;
        both.puts.extend(other.puts);
        both.puts.iter().try_for_each(|key| self.check(key))?;
        self.puts.extend(both.puts);
        self.deletes.extend(both.deletes);
        self.deletes.extend(other.deletes);
        Ok(())
    }

    /// Whether a key may be put beside all that is here.
    fn check(&self, key: &Bytes) -> Result<(), Error> {
        if self.puts.contains(key) || self.deletes.iter().any(|d| d.contains(key)) {
            return Err(Error::DuplicateKey);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
