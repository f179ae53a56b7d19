//! Storage over the etcd v3 API: a real etcd, or our `store`.

mod connect;
mod convert;
mod watch;

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
use tonic::transport::Channel;

/// Largest message of an answer: a list of many objects.
const MAX_ANSWER: usize = 1 << 30;
/// Largest message of a request; the server refuses less.
const MAX_REQUEST: usize = 64 << 20;

/// A client of servers of the etcd v3 API. Connects when it is first used, and
/// again when a connection is lost.
#[derive(Clone)]
pub struct EtcdStorage {
    kv: KvClient<Channel>,
    lease: LeaseClient<Channel>,
    maintenance: MaintenanceClient<Channel>,
    watch: WatchClient<Channel>,
}

impl EtcdStorage {
    /// Prepares connections to the servers of the flags. Must be called inside
    /// a runtime.
    ///
    /// # Errors
    /// When an address or a certificate is not usable.
    pub fn connect(options: &flags::Etcd) -> anyhow::Result<Self> {
        let channel = connect::channel(options)?;
        Ok(Self {
            kv: KvClient::new(channel.clone())
                .max_decoding_message_size(MAX_ANSWER)
                .max_encoding_message_size(MAX_REQUEST),
            lease: LeaseClient::new(channel.clone()),
            maintenance: MaintenanceClient::new(channel.clone()),
            watch: WatchClient::new(channel).max_decoding_message_size(MAX_ANSWER),
        })
    }
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
        let answer = self
            .kv
            .clone()
            .range(traced(convert::range(request)))
            .await
            .map_err(convert::error)?;
        Ok(convert::range_answer(answer.into_inner()))
    }

    async fn txn(&self, request: TxnRequest) -> Result<TxnResponse> {
        let answer = self
            .kv
            .clone()
            .txn(traced(convert::txn(request)))
            .await
            .map_err(convert::error)?;
        Ok(convert::txn_answer(answer.into_inner()))
    }

    async fn watch(&self, request: WatchRequest) -> Result<Watch> {
        watch::start(self.watch.clone(), request).await
    }

    async fn compact(&self, revision: i64) -> Result<()> {
        let request = pb::CompactionRequest {
            revision,
            physical: false,
        };
        self.kv
            .clone()
            .compact(traced(request))
            .await
            .map_err(convert::error)?;
        Ok(())
    }

    async fn lease_grant(&self, ttl_seconds: i64) -> Result<i64> {
        let request = pb::LeaseGrantRequest {
            ttl: ttl_seconds,
            id: 0,
        };
        let answer = self
            .lease
            .clone()
            .lease_grant(traced(request))
            .await
            .map_err(convert::error)?
            .into_inner();
        if answer.error.is_empty() {
            Ok(answer.id)
        } else {
            Err(Error::Internal(answer.error))
        }
    }

    async fn status(&self) -> Result<StorageStatus> {
        let answer = self
            .maintenance
            .clone()
            .status(pb::StatusRequest {})
            .await
            .map_err(convert::error)?
            .into_inner();
        Ok(StorageStatus {
            revision: answer.header.map_or(0, |h| h.revision),
            db_size_bytes: answer.db_size,
        })
    }
}
