//! Storage over the etcd v3 API: a real etcd, or our `store`.

mod connect;
mod convert;
mod version;
mod watch;

use std::{future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use catena_proto::etcdserverpb::{
    self as pb, kv_client::KvClient, lease_client::LeaseClient,
    maintenance_client::MaintenanceClient, watch_client::WatchClient,
};
use catena_runtime::flags;
use catena_storage::{
    Error, RangeRequest, RangeResponse, Result, Storage, StorageStatus, TxnRequest, TxnResponse,
    Watch, WatchRequest,
};
use catena_telemetry::trace::{self, Span};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::Channel;

/// Largest message of an answer: a list of many objects.
const MAX_ANSWER: usize = 1 << 30;
/// Largest message of a request; the server refuses less.
const MAX_REQUEST: usize = 64 << 20;

/// Bound on one request, so that a server that hangs cannot hold its callers.
const LONGEST: Duration = Duration::from_secs(60);

/// How long a start waits for storage.
const START: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_millis(100);

/// A client of servers of the etcd v3 API. Connects when it is first used, and
/// again when a connection is lost.
#[derive(Clone)]
pub struct EtcdStorage {
    kv: KvClient<Channel>,
    lease: LeaseClient<Channel>,
    maintenance: MaintenanceClient<Channel>,
    watch: WatchClient<Channel>,
    /// Whether progress can be relied on, once a server told its version.
    progress: Arc<tokio::sync::OnceCell<bool>>,
    /// Ends what the connections run.
    _stop: Arc<DropGuard>,
}

impl EtcdStorage {
    /// Prepares connections to the servers of the flags. Must be called inside
    /// a runtime.
    ///
    /// # Errors
    /// When an address or a certificate is not usable.
    pub fn connect(options: &flags::Etcd) -> anyhow::Result<Self> {
        let stop = CancellationToken::new();
        let channel = connect::channel(options, stop.clone())?;
        Ok(Self {
            kv: KvClient::new(channel.clone())
                .max_decoding_message_size(MAX_ANSWER)
                .max_encoding_message_size(MAX_REQUEST),
            lease: LeaseClient::new(channel.clone()),
            maintenance: MaintenanceClient::new(channel.clone()),
            watch: WatchClient::new(channel).max_decoding_message_size(MAX_ANSWER),
            progress: Arc::default(),
            _stop: Arc::new(stop.drop_guard()),
        })
    }

    async fn server(&self) -> Result<pb::StatusResponse> {
        let mut client = self.maintenance.clone();
        let span = trace::call("etcdserverpb.Maintenance/Status");
        let request = traced(&span, pb::StatusRequest {});
        bounded(span, client.status(request)).await
    }

    /// A server whose version is unknown is taken for an old one.
    async fn progress_is_ordered(&self) -> bool {
        let ask = async || -> Result<bool> {
            Ok(version::orders_progress(&self.server().await?.version))
        };
        let known = self.progress.get_or_try_init(ask).await;
        known.is_ok_and(|known| *known)
    }
}

/// Runs a call to its end, but not for ever. Its span ends with it.
async fn bounded<T>(
    span: Span,
    call: impl Future<Output = std::result::Result<tonic::Response<T>, tonic::Status>>,
) -> Result<T> {
    let ended = match tokio::time::timeout(LONGEST, call).await {
        Ok(answer) => answer
            .map(tonic::Response::into_inner)
            .map_err(convert::error),
        Err(_) => Err(Error::Timeout),
    };
    span.result(&ended);
    ended
}

/// Waits until storage answers, as kube-apiserver does at its start.
///
/// # Errors
/// After a minute without an answer.
pub async fn wait(storage: &dyn Storage) -> anyhow::Result<()> {
    let waiting = async {
        while let Err(e) = storage.status().await {
            tracing::debug!(error = %e, "storage does not answer yet");
            tokio::time::sleep(AGAIN).await;
        }
    };
    tokio::time::timeout(START, waiting).await.map_err(|_| {
        anyhow::anyhow!("error waiting for etcd connection: timed out waiting for the condition")
    })
}

/// A message that carries the span of its call.
fn traced<T>(span: &Span, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    if let Some(parent) = span.traceparent()
        && let Ok(value) = parent.parse()
    {
        request.metadata_mut().insert(trace::TRACEPARENT, value);
    }
    request
}

#[async_trait]
impl Storage for EtcdStorage {
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse> {
        let mut client = self.kv.clone();
        let span = trace::call("etcdserverpb.KV/Range");
        let request = traced(&span, convert::range(request));
        let answer = bounded(span, client.range(request)).await?;
        Ok(convert::range_answer(answer))
    }

    async fn txn(&self, request: TxnRequest) -> Result<TxnResponse> {
        let mut client = self.kv.clone();
        let span = trace::call("etcdserverpb.KV/Txn");
        let request = traced(&span, convert::txn(request));
        let answer = bounded(span, client.txn(request)).await?;
        Ok(convert::txn_answer(answer))
    }

    async fn watch(&self, request: WatchRequest) -> Result<Watch> {
        let ordered = self.progress_is_ordered().await;
        let start = watch::start(self.watch.clone(), request, ordered);
        match tokio::time::timeout(LONGEST, start).await {
            Ok(watch) => watch,
            Err(_) => Err(Error::Timeout),
        }
    }

    async fn compact(&self, revision: i64) -> Result<()> {
        let request = pb::CompactionRequest {
            revision,
            physical: false,
        };
        let span = trace::call("etcdserverpb.KV/Compact");
        let request = traced(&span, request);
        bounded(span, self.kv.clone().compact(request)).await?;
        Ok(())
    }

    async fn lease_grant(&self, ttl_seconds: i64) -> Result<i64> {
        let request = pb::LeaseGrantRequest {
            ttl: ttl_seconds,
            id: 0,
        };
        let span = trace::call("etcdserverpb.Lease/LeaseGrant");
        let request = traced(&span, request);
        let answer = bounded(span, self.lease.clone().lease_grant(request)).await?;
        if answer.error.is_empty() {
            Ok(answer.id)
        } else {
            Err(Error::Internal(answer.error))
        }
    }

    async fn status(&self) -> Result<StorageStatus> {
        let answer = self.server().await?;
        Ok(StorageStatus {
            revision: answer.header.map_or(0, |h| h.revision),
            db_size_bytes: answer.db_size,
        })
    }
}

/// Pieces of a snapshot of a server, in their order.
pub struct Snapshot(tonic::Streaming<pb::SnapshotResponse>);

impl Snapshot {
    /// The next piece; none after the last one.
    ///
    /// # Errors
    /// When the server or the connection fails, or nothing comes for a minute.
    pub async fn next(&mut self) -> Result<Option<bytes::Bytes>> {
        match tokio::time::timeout(LONGEST, self.0.message()).await {
            Ok(piece) => Ok(piece.map_err(convert::error)?.map(|p| p.blob)),
            Err(_) => Err(Error::Timeout),
        }
    }
}

impl EtcdStorage {
    /// A snapshot of one server: what `etcdctl snapshot save` writes to a file.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        let mut client = self.maintenance.clone();
        let span = trace::call("etcdserverpb.Maintenance/Snapshot");
        let request = traced(&span, pb::SnapshotRequest {});
        let pieces = bounded(span, client.snapshot(request)).await?;
        Ok(Snapshot(pieces))
    }
}
