//! What can be asked of an engine, as the etcd v3 API names it. Headers of
//! answers hold the revision only.

use bytes::Bytes;
use catena_proto::etcdserverpb as pb;
use tokio::sync::{mpsc, oneshot};

use super::{
    Compaction, Engine, Error, LeaseInfo, Request, Response, WatchOptions, Watcher, check, query,
    snapshot,
};

fn header(revision: i64) -> Option<pb::ResponseHeader> {
    Some(pb::ResponseHeader {
        revision,
        ..pb::ResponseHeader::default()
    })
}

impl Engine {
    /// Reads a key or a range. Never waits for writes.
    ///
    /// # Errors
    /// As etcd's `Range`.
    pub async fn range(&self, request: pb::RangeRequest) -> Result<pb::RangeResponse, Error> {
        check::range(&request)?;
        if request.range_end.is_empty() {
            return self.range_now(&request);
        }
        // Many values may have to be read.
        let engine = self.clone();
        tokio::task::spawn_blocking(move || engine.range_now(&request))
            .await
            .map_err(|_| Error::Stopped)?
    }

    fn range_now(&self, request: &pb::RangeRequest) -> Result<pb::RangeResponse, Error> {
        let shared = self.shared();
        loop {
            let visible = self.revision();
            if request.revision > visible {
                return Err(Error::FutureRevision);
            }
            let at = if request.revision > 0 {
                shared.check_compacted(request.revision)?;
                request.revision
            } else {
                visible
            };
            let selected = query::select(&shared.index.read(), request, at);
            let answered = query::answer(selected, request, shared, || shared.compacted());
            if request.revision <= 0 && at < shared.compacted() {
                // The newest state was asked for, and parts of it became old and
                // were compacted while it was read.
                continue;
            }
            shared.check_compacted(at)?;
            let mut response = answered?;
            response.header = header(visible);
            return Ok(response);
        }
    }

    /// Durable on return, as all writes.
    ///
    /// # Errors
    /// As etcd's `Put`.
    pub async fn put(&self, request: pb::PutRequest) -> Result<pb::PutResponse, Error> {
        check::put(&request)?;
        self.check_size(&request)?;
        match self.write(Request::Put(request)).await? {
            Response::Put(r) => Ok(r),
            _ => Err(Error::Stopped),
        }
    }

    /// Deletes a key or a range.
    ///
    /// # Errors
    /// As etcd's `DeleteRange`.
    pub async fn delete_range(
        &self,
        request: pb::DeleteRangeRequest,
    ) -> Result<pb::DeleteRangeResponse, Error> {
        check::delete(&request)?;
        self.check_size(&request)?;
        match self.write(Request::Delete(request)).await? {
            Response::Delete(r) => Ok(r),
            _ => Err(Error::Stopped),
        }
    }

    /// Runs one of two lists of operations. Atomic.
    ///
    /// # Errors
    /// As etcd's `Txn`.
    pub async fn txn(&self, request: pb::TxnRequest) -> Result<pb::TxnResponse, Error> {
        check::txn(&request)?;
        self.check_size(&request)?;
        match self.write(Request::Txn(request)).await? {
            Response::Txn(r) => Ok(r),
            _ => Err(Error::Stopped),
        }
    }

    /// Forgets history before `revision`. Gives the current revision. With
    /// `physical`, old revisions are removed on return.
    ///
    /// # Errors
    /// As etcd's `Compact`.
    pub async fn compact(&self, revision: i64, physical: bool) -> Result<i64, Error> {
        let now = self.done(Request::Compact(revision)).await?;
        if physical {
            let (done, wait) = oneshot::channel();
            self.background(Compaction::Wait(done))?;
            wait.await.map_err(|_| Error::Stopped)?;
        }
        Ok(now)
    }

    /// Rewrites tables without what was removed.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn defragment(&self) -> Result<(), Error> {
        let (done, wait) = oneshot::channel();
        self.background(Compaction::Defragment(done))?;
        wait.await.map_err(|_| Error::Stopped)?
    }

    fn background(&self, work: Compaction) -> Result<(), Error> {
        let compactor = self.0.compactor.as_ref().ok_or(Error::Stopped)?;
        compactor.send(work).map_err(|_| Error::Stopped)
    }

    async fn done(&self, request: Request) -> Result<i64, Error> {
        match self.write(request).await? {
            Response::Done(revision) => Ok(revision),
            _ => Err(Error::Stopped),
        }
    }

    /// Grants a lease for `ttl` seconds; with `id` 0 an identity is chosen.
    ///
    /// # Errors
    /// As etcd's `LeaseGrant`.
    pub async fn lease_grant(&self, id: i64, ttl: i64) -> Result<i64, Error> {
        let chosen = match id {
            // Positive, as etcd's.
            0 => rand::random::<i64>() & i64::MAX,
            given => given,
        };
        // etcd's shortest is derived from election timeouts: 2 seconds by default.
        let ttl = ttl.max(MIN_TTL);
        self.done(Request::Grant { id: chosen, ttl }).await?;
        Ok(chosen)
    }

    /// Ends a lease and deletes its keys in one revision.
    ///
    /// # Errors
    /// As etcd's `LeaseRevoke`.
    pub async fn lease_revoke(&self, id: i64) -> Result<i64, Error> {
        let only_if_expired = false;
        self.done(Request::Revoke {
            id,
            only_if_expired,
        })
        .await
    }

    /// Lets a lease live for its TTL again, which is given; None: it is gone.
    pub fn lease_keep_alive(&self, id: i64) -> Option<i64> {
        self.shared().leases.keep_alive(id)
    }

    /// What is known of a lease; None: it is gone.
    pub fn lease_info(&self, id: i64, keys: bool) -> Option<LeaseInfo> {
        self.shared().leases.info(id, keys)
    }

    /// Identities of all leases, in order.
    pub fn leases(&self) -> Vec<i64> {
        self.shared().leases.all()
    }

    /// A hash of the keys and values at a revision (0: the newest), and that
    /// revision. Not the function that etcd has; equal for equal contents.
    ///
    /// # Errors
    /// As etcd's `HashKV`.
    pub async fn hash(&self, revision: i64) -> Result<(i64, u32), Error> {
        let revision = match revision {
            ..=0 => self.revision(),
            given => given,
        };
        let mut hash = Hash::default();
        let mut request = pb::RangeRequest {
            key: Bytes::from_static(&[0]),
            range_end: Bytes::from_static(&[0]),
            revision,
            limit: PAGE,
            ..pb::RangeRequest::default()
        };
        loop {
            let page = self.range(request.clone()).await?;
            for kv in &page.kvs {
                hash.add(&kv.mod_revision.to_be_bytes());
                hash.add(&kv.key);
                hash.add(&kv.value);
            }
            match page.kvs.last() {
                Some(last) if page.more => request.key = [&last.key[..], &[0]].concat().into(),
                _ => return Ok((revision, hash.0)),
            }
        }
    }

    /// The whole store as it is now, in pieces.
    pub fn snapshot(&self) -> mpsc::Receiver<Result<Bytes, Error>> {
        let (pieces, out) = mpsc::channel(SNAPSHOT_PIECES);
        let engine = self.clone();
        tokio::task::spawn_blocking(move || {
            let mut give = |piece| pieces.blocking_send(Ok(piece)).is_ok();
            if let Err(e) = snapshot::write(&engine.shared().disk, &mut give) {
                let _ = pieces.blocking_send(Err(e));
            }
        });
        out
    }

    /// Follows history.
    pub fn watch(&self, options: WatchOptions) -> Watcher {
        Watcher::new(self.clone(), options)
    }
}

/// Shortest TTL in seconds.
const MIN_TTL: i64 = 2;
/// Pieces of a snapshot that wait for their reader.
const SNAPSHOT_PIECES: usize = 4;
/// Keys read at once where all are read.
const PAGE: i64 = 1000;

/// FNV-1a: the same in every version and on every machine.
struct Hash(u32);

impl Default for Hash {
    fn default() -> Self {
        Self(0x811c_9dc5)
    }
}

impl Hash {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    }
}
