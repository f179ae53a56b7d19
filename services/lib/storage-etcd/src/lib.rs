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
use catena_runtime::{flags, trace};
use catena_storage::{
    Error, RangeRequest, RangeResponse, Result, Storage, StorageStatus, TxnRequest, TxnResponse,
    Watch, WatchRequest,
};
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
        bounded(client.status(traced(pb::StatusRequest {}))).await
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

async fn bounded<T>(
    call: impl Future<Output = std::result::Result<tonic::Response<T>, tonic::Status>>,
) -> Result<T> {
    match tokio::time::timeout(LONGEST, call).await {
        Ok(answer) => answer
            .map(tonic::Response::into_inner)
            .map_err(convert::error),
        Err(_) => Err(Error::Timeout),
    }
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

/// A call that carries the trace of the request that caused it.
fn traced<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    if trace::exporting()
        && let Some(parent) = trace::traceparent_of(&tracing::Span::current())
        && let Ok(value) = parent.parse()
    {
        request.metadata_mut().insert("traceparent", value);
    }
    request
}

#[async_trait]
impl Storage for EtcdStorage {
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse> {
        let mut client = self.kv.clone();
        let answer = bounded(client.range(traced(convert::range(request)))).await?;
        Ok(convert::range_answer(answer))
    }

    async fn txn(&self, request: TxnRequest) -> Result<TxnResponse> {
        let mut client = self.kv.clone();
        let answer = bounded(client.txn(traced(convert::txn(request)))).await?;
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
        bounded(self.kv.clone().compact(traced(request))).await?;
        Ok(())
    }

    async fn lease_grant(&self, ttl_seconds: i64) -> Result<i64> {
        let request = pb::LeaseGrantRequest {
            ttl: ttl_seconds,
            id: 0,
        };
        let answer = bounded(self.lease.clone().lease_grant(traced(request))).await?;
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
