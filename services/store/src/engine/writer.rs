//! The thread that writes: many requests become durable with one sync.

use std::sync::{Arc, atomic::Ordering};

use catena_proto::etcdserverpb as pb;
use tokio::sync::{mpsc, oneshot};

use super::{
    Error, Shared, apply::Draft, compactor::Compaction, disk::Batch, hub::Commit, leases::MAX_TTL,
};

/// Requests that become durable together.
const GROUP: usize = 1024;
/// Changes of more bytes are not gathered for one sync.
const GROUP_BYTES: usize = 16 << 20;

pub(super) enum Request {
    Put(pb::PutRequest),
    Delete(pb::DeleteRangeRequest),
    Txn(pb::TxnRequest),
    Compact(i64),
    Grant { id: i64, ttl: i64 },
    Revoke { id: i64, only_if_expired: bool },
}

pub(super) enum Response {
    Put(pb::PutResponse),
    Delete(pb::DeleteRangeResponse),
    Txn(pb::TxnResponse),
    /// Of what has no answer but its revision.
    Done(i64),
}

pub(super) type Answer = oneshot::Sender<Result<Response, Error>>;

pub(super) struct Command {
    pub(super) request: Request,
    pub(super) answer: Answer,
}

pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) requests: mpsc::Receiver<Command>,
    pub(super) compactor: std::sync::mpsc::Sender<Compaction>,
}

/// What a group adds to its changes.
#[derive(Default)]
struct Effects {
    compacted: Option<i64>,
    bytes: usize,
}

impl Writer {
    /// Until all senders are gone.
    pub(super) fn run(mut self) {
        let mut revision = self.shared.hub.visible();
        while let Some(first) = self.requests.blocking_recv() {
            if self.shared.has_failed() {
                let _ = first.answer.send(Err(Error::Stopped));
                continue;
            }
            revision = self.group(first, revision);
        }
    }

    /// Gives the revision after it.
    fn group(&mut self, first: Command, before: i64) -> i64 {
        let shared = Arc::clone(&self.shared);
        let compacted = shared.compacted.load(Ordering::Acquire);
        let mut draft = Draft::new(
            &shared.disk,
            &shared.index,
            &shared.leases,
            before,
            compacted,
        );
        let mut batch = shared.disk.batch();
        let mut effects = Effects::default();
        let mut answers = Vec::new();
        let mut next = Some(first);
        while let Some(Command { request, answer }) = next {
            let result = evaluate(&mut draft, &mut batch, &mut effects, request);
            if result.is_err() && draft.dirty() {
                // Half a request is in the index; it must never be seen.
                shared.fail("a request failed when half of it was done");
                answers.push((answer, result));
                break;
            }
            draft.end();
            answers.push((answer, result));
            let room = answers.len() < GROUP && effects.bytes < GROUP_BYTES;
            next = room.then(|| self.requests.try_recv().ok()).flatten();
        }
        let after = draft.revision;
        let mut changes = Vec::with_capacity(draft.changes.len());
        for (rev, record) in draft.changes {
            let (encoded, record) = record.pack();
            batch.put(rev, encoded);
            changes.push((rev, record));
        }
        let written = if shared.has_failed() {
            Err(Error::Stopped)
        } else {
            batch.commit()
        };
        match written {
            Ok(()) => {
                self.publish(Commit::group(changes), &effects);
                for (answer, result) in answers {
                    let _ = answer.send(result);
                }
            }
            Err(e) => {
                shared.fail(&e.to_string());
                for (answer, _) in answers {
                    let _ = answer.send(Err(e.clone()));
                }
            }
        }
        after
    }

    fn publish(&self, commits: Vec<Arc<Commit>>, effects: &Effects) {
        self.shared.hub.publish(commits);
        if let Some(revision) = effects.compacted {
            self.shared.compacted.store(revision, Ordering::Release);
            // The thread is gone only when the engine closes; a restart does it again.
            let _ = self.compactor.send(Compaction::To(revision));
        }
    }
}

fn evaluate(
    draft: &mut Draft<'_>,
    batch: &mut Batch<'_>,
    effects: &mut Effects,
    request: Request,
) -> Result<Response, Error> {
    let changes = draft.changes.len();
    let response = match request {
        Request::Put(r) => Response::Put(draft.put_alone(r)?),
        Request::Delete(r) => Response::Delete(draft.delete(&r)?),
        Request::Txn(r) => Response::Txn(draft.txn(r)?),
        Request::Compact(revision) => {
            let oldest = draft.compacted;
            if revision <= oldest {
                return Err(Error::Compacted { oldest });
            }
            if revision > draft.revision {
                return Err(Error::FutureRevision);
            }
            draft.compacted = revision;
            effects.compacted = Some(revision);
            batch.compacted(revision);
            Response::Done(draft.revision)
        }
        Request::Grant { id, ttl } => {
            if draft.leases.exists(id) {
                return Err(Error::LeaseExists);
            }
            if ttl > MAX_TTL {
                return Err(Error::LeaseTtlTooLarge);
            }
            draft.leases.grant(id, ttl);
            batch.lease(id, Some(ttl));
            Response::Done(draft.revision)
        }
        Request::Revoke {
            id,
            only_if_expired,
        } => {
            let keys = draft.leases.keys(id)?;
            if !only_if_expired || draft.leases.is_expired(id) {
                draft.delete_keys(keys);
                draft.leases.remove(id);
                batch.lease(id, None);
            }
            Response::Done(draft.revision + i64::from(draft.dirty()))
        }
    };
    let new = draft.changes.get(changes..).unwrap_or_default();
    effects.bytes += new
        .iter()
        .map(|(_, r)| r.key.len() + r.value.len())
        .sum::<usize>();
    Ok(response)
}
