//! Turns a request into changes. Runs on the writer's thread only, so what it
//! reads does not change under it.

use std::collections::HashMap;

use bytes::Bytes;
use catena_proto::{
    etcdserverpb::{self as pb, request_op::Request, response_op::Response},
    mvccpb::KeyValue,
};
use parking_lot::RwLock;

use super::{
    Error,
    disk::Disk,
    index::{Index, Span, Version},
    leases::Leases,
    query::{self, Values},
    record::{Record, Rev},
};

/// Later than every revision: sees changes that are not durable yet.
const NEWEST: i64 = i64::MAX;

/// Changes of requests that will become durable together.
pub(super) struct Draft<'a> {
    pub(super) disk: &'a Disk,
    pub(super) index: &'a RwLock<Index>,
    pub(super) leases: &'a Leases,
    /// Revision after the requests before this one.
    pub(super) revision: i64,
    pub(super) compacted: i64,
    /// Next part of the revision that this request makes; 0: it changed nothing.
    sub: u32,
    /// In the order of history.
    pub(super) changes: Vec<(Rev, Record)>,
    /// Where in `changes` a revision is.
    places: HashMap<Rev, usize>,
}

impl Values for Draft<'_> {
    fn value(&self, rev: Rev) -> Result<Option<Record>, Error> {
        match self.places.get(&rev) {
            Some(&at) => Ok(self.changes.get(at).map(|(_, r)| r.clone())),
            None => self.disk.get(rev),
        }
    }
}

impl<'a> Draft<'a> {
    pub(super) fn new(
        disk: &'a Disk,
        index: &'a RwLock<Index>,
        leases: &'a Leases,
        revision: i64,
        compacted: i64,
    ) -> Self {
        Self {
            disk,
            index,
            leases,
            revision,
            compacted,
            sub: 0,
            changes: Vec::new(),
            places: HashMap::new(),
        }
    }

    /// Ends a request: what it changed is one revision.
    pub(super) fn end(&mut self) -> i64 {
        if self.sub > 0 {
            self.revision += 1;
            self.sub = 0;
        }
        self.revision
    }

    /// Whether the request that runs has written something already.
    pub(super) fn dirty(&self) -> bool {
        self.sub > 0
    }

    /// Deletes exactly these keys, those of a lease that ended.
    pub(super) fn delete_keys(&mut self, keys: Vec<Bytes>) {
        for key in keys {
            if self.live(&key).is_some() {
                self.change(Record {
                    key,
                    tombstone: true,
                    ..Record::default()
                });
            }
        }
    }

    /// Revision of what this request reads and writes now.
    fn current(&self) -> i64 {
        self.revision + i64::from(self.sub > 0)
    }

    fn header(&self) -> Option<pb::ResponseHeader> {
        Some(pb::ResponseHeader {
            revision: self.current(),
            ..pb::ResponseHeader::default()
        })
    }

    fn change(&mut self, record: Record) {
        let rev = Rev {
            main: self.revision + 1,
            sub: self.sub,
        };
        self.sub += 1;
        self.leases
            .attach(&record.key, if record.tombstone { 0 } else { record.lease });
        let version = Version::of(rev, &record);
        self.index.write().push(&record.key, version);
        self.places.insert(rev, self.changes.len());
        self.changes.push((rev, record));
    }

    fn live(&self, key: &[u8]) -> Option<Version> {
        let index = self.index.read();
        index.newest(key, NEWEST).filter(|v| !v.tombstone).copied()
    }

    fn kv(&self, version: &Version) -> Result<KeyValue, Error> {
        let record = self.value(version.rev)?;
        let record = record.ok_or_else(|| Error::corrupt("the value of a live key is missing"))?;
        Ok(record.into_kv(version.rev))
    }

    fn check_lease(&self, r: &pb::PutRequest) -> Result<(), Error> {
        if r.lease != 0 && !self.leases.exists(r.lease) {
            return Err(Error::LeaseNotFound);
        }
        Ok(())
    }

    fn check_kept(&self, r: &pb::PutRequest) -> Result<(), Error> {
        if (r.ignore_value || r.ignore_lease) && self.live(&r.key).is_none() {
            return Err(Error::KeyNotFound);
        }
        Ok(())
    }

    fn check_range(&self, r: &pb::RangeRequest) -> Result<(), Error> {
        if r.revision > self.revision {
            return Err(Error::FutureRevision);
        }
        if r.revision > 0 && r.revision < self.compacted {
            return Err(Error::Compacted {
                oldest: self.compacted,
            });
        }
        Ok(())
    }

    pub(super) fn put_alone(&mut self, r: pb::PutRequest) -> Result<pb::PutResponse, Error> {
        self.check_lease(&r)?;
        self.check_kept(&r)?;
        self.put(r)
    }

    /// What was checked may have been deleted by the transaction itself since
    /// (etcd ends then): there is nothing to keep.
    fn put(&mut self, r: pb::PutRequest) -> Result<pb::PutResponse, Error> {
        let old = self.live(&r.key);
        let wanted = r.prev_kv || r.ignore_value;
        let prev = match &old {
            Some(v) if wanted => Some(self.kv(v)?),
            _ => None,
        };
        let value = match &prev {
            Some(kv) if r.ignore_value => kv.value.clone(),
            _ => r.value,
        };
        self.change(Record {
            key: r.key,
            value,
            create: old.map_or(self.revision + 1, |v| v.create),
            version: old.map_or(1, |v| v.version + 1),
            lease: match old {
                Some(v) if r.ignore_lease => v.lease,
                _ => r.lease,
            },
            tombstone: false,
        });
        Ok(pb::PutResponse {
            header: self.header(),
            prev_kv: prev.filter(|_| r.prev_kv),
        })
    }

    pub(super) fn delete(
        &mut self,
        r: &pb::DeleteRangeRequest,
    ) -> Result<pb::DeleteRangeResponse, Error> {
        let span = Span::new(r.key.clone(), r.range_end.clone());
        let found: Vec<(Bytes, Version)> = {
            let index = self.index.read();
            let live = index.live(&span, NEWEST);
            live.map(|(k, v)| (k.clone(), *v)).collect()
        };
        let mut prev_kvs = Vec::new();
        if r.prev_kv {
            for (_, version) in &found {
                prev_kvs.push(self.kv(version)?);
            }
        }
        let deleted = i64::try_from(found.len()).unwrap_or(i64::MAX);
        for (key, _) in found {
            self.change(Record {
                key,
                tombstone: true,
                ..Record::default()
            });
        }
        Ok(pb::DeleteRangeResponse {
            header: self.header(),
            deleted,
            prev_kvs,
        })
    }

    fn range(&self, r: &pb::RangeRequest) -> Result<pb::RangeResponse, Error> {
        let at = if r.revision > 0 { r.revision } else { NEWEST };
        let selected = query::select(&self.index.read(), r, at);
        let mut response = query::answer(selected, r, self, || self.compacted)?;
        response.header = self.header();
        Ok(response)
    }

    pub(super) fn txn(&mut self, r: pb::TxnRequest) -> Result<pb::TxnResponse, Error> {
        // All conditions are judged before anything is written, nested ones too.
        let mut path = Vec::new();
        self.judge(&r, &mut path)?;
        // As etcd: all puts are checked before any range is.
        walk(&r, &mut path.iter().copied(), &mut |op| match op {
            Request::RequestPut(r) => {
                self.check_kept(r)?;
                self.check_lease(r)
            }
            _ => Ok(()),
        })?;
        walk(&r, &mut path.iter().copied(), &mut |op| match op {
            Request::RequestRange(r) => self.check_range(r),
            _ => Ok(()),
        })?;
        self.run(r, &mut path.into_iter())
    }

    fn judge(&self, r: &pb::TxnRequest, path: &mut Vec<bool>) -> Result<(), Error> {
        let mut holds = true;
        for compare in &r.compare {
            holds = holds && query::holds(&self.index.read(), compare, NEWEST, self)?;
        }
        path.push(holds);
        for op in if holds { &r.success } else { &r.failure } {
            if let Some(Request::RequestTxn(r)) = &op.request {
                self.judge(r, path)?;
            }
        }
        Ok(())
    }

    fn run(
        &mut self,
        r: pb::TxnRequest,
        path: &mut dyn Iterator<Item = bool>,
    ) -> Result<pb::TxnResponse, Error> {
        let succeeded = path.next().unwrap_or(false);
        let mut responses = Vec::new();
        for op in if succeeded { r.success } else { r.failure } {
            let response = match op.request {
                Some(Request::RequestRange(r)) => Response::ResponseRange(self.range(&r)?),
                Some(Request::RequestPut(r)) => Response::ResponsePut(self.put(r)?),
                Some(Request::RequestDeleteRange(r)) => {
                    Response::ResponseDeleteRange(self.delete(&r)?)
                }
                Some(Request::RequestTxn(r)) => Response::ResponseTxn(pb::TxnResponse {
                    // As etcd's: only the outer one tells a revision.
                    header: Some(pb::ResponseHeader::default()),
                    ..self.run(r, path)?
                }),
                None => continue,
            };
            responses.push(pb::ResponseOp {
                response: Some(response),
            });
        }
        Ok(pb::TxnResponse {
            header: self.header(),
            succeeded,
            responses,
        })
    }
}

/// Visits the operations that a transaction will run.
fn walk(
    r: &pb::TxnRequest,
    path: &mut dyn Iterator<Item = bool>,
    visit: &mut dyn FnMut(&Request) -> Result<(), Error>,
) -> Result<(), Error> {
    let holds = path.next().unwrap_or(false);
    for op in if holds { &r.success } else { &r.failure } {
        match &op.request {
            Some(Request::RequestTxn(r)) => walk(r, path, visit)?,
            Some(op) => visit(op)?,
            None => {}
        }
    }
    Ok(())
}
