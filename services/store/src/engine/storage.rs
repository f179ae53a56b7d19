//! The storage contract, in the process of its user.

use std::{pin::pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use catena_proto::{
    etcdserverpb::{
        self as pb,
        compare::{CompareResult, CompareTarget, TargetUnion},
    },
    mvccpb,
};
use catena_storage::{
    Compare, Event, EventKind, KeyValue, Op, OpResponse, RangeRequest, RangeResponse,
    RequestProgress, Result, Storage, StorageStatus, TxnRequest, TxnResponse, Watch, WatchMessage,
    WatchRequest,
};
use futures_util::StreamExt as _;
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use super::{Engine, Error, Report, WatchOptions, Watcher};

/// Messages of a watch that wait for their reader; more stay in history.
const MESSAGES: usize = 16;
/// A watch that has nothing to say tells its revision this often.
pub(crate) const PROGRESS: Duration = Duration::from_secs(5);

fn kv(from: mvccpb::KeyValue) -> KeyValue {
    KeyValue {
        key: from.key,
        value: from.value,
        create_revision: from.create_revision,
        mod_revision: from.mod_revision,
        version: from.version,
        lease: from.lease,
    }
}

fn op(from: Op) -> pb::RequestOp {
    use pb::request_op::Request;
    let request = match from {
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

fn op_response(from: pb::ResponseOp) -> Result<OpResponse> {
    use pb::response_op::Response;
    let first = |kvs: Vec<mvccpb::KeyValue>| kvs.into_iter().next().map(kv);
    match from.response {
        Some(Response::ResponsePut(_)) => Ok(OpResponse::Put),
        Some(Response::ResponseDeleteRange(r)) => Ok(OpResponse::Delete(first(r.prev_kvs))),
        Some(Response::ResponseRange(r)) => Ok(OpResponse::Get(first(r.kvs))),
        Some(Response::ResponseTxn(_)) | None => Err(catena_storage::Error::Internal(
            "an operation was answered as another one".to_owned(),
        )),
    }
}

fn compare(from: Compare) -> pb::Compare {
    let Compare::ModRevision { key, equals } = from;
    pb::Compare {
        result: CompareResult::Equal.into(),
        target: CompareTarget::Mod.into(),
        key,
        range_end: bytes::Bytes::new(),
        target_union: Some(TargetUnion::ModRevision(equals)),
    }
}

fn event(from: mvccpb::Event) -> Event {
    Event {
        kind: match from.r#type() {
            mvccpb::event::EventType::Put => EventKind::Put,
            mvccpb::event::EventType::Delete => EventKind::Delete,
        },
        kv: from.kv.map(kv).unwrap_or_default(),
        prev: from.prev_kv.map(kv),
    }
}

fn revision(header: Option<pb::ResponseHeader>) -> i64 {
    header.map_or(0, |h| h.revision)
}

struct Progress(Arc<Notify>);

impl RequestProgress for Progress {
    fn request(&self) {
        self.0.notify_one();
    }
}

#[async_trait]
impl Storage for Engine {
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse> {
        let response = Engine::range(
            self,
            pb::RangeRequest {
                key: request.key,
                range_end: request.end,
                limit: request.limit,
                revision: request.revision,
                keys_only: request.keys_only,
                count_only: request.count_only,
                serializable: request.serializable,
                ..pb::RangeRequest::default()
            },
        )
        .await?;
        Ok(RangeResponse {
            revision: revision(response.header),
            kvs: response.kvs.into_iter().map(kv).collect(),
            more: response.more,
            count: response.count,
        })
    }

    async fn txn(&self, request: TxnRequest) -> Result<TxnResponse> {
        let request = pb::TxnRequest {
            compare: request.compare.into_iter().map(compare).collect(),
            success: request.success.into_iter().map(op).collect(),
            failure: request.failure.into_iter().map(op).collect(),
        };
        let response = Engine::txn(self, request).await?;
        let responses = response.responses.into_iter().map(op_response);
        Ok(TxnResponse {
            revision: revision(response.header),
            succeeded: response.succeeded,
            responses: responses.collect::<Result<_>>()?,
        })
    }

    async fn watch(&self, request: WatchRequest) -> Result<Watch> {
        let watcher = Engine::watch(
            self,
            WatchOptions {
                key: request.key,
                range_end: request.end,
                start_revision: request.start_revision,
                prev_kv: request.prev_kv,
                ..WatchOptions::default()
            },
        );
        let wanted = Arc::new(Notify::new());
        let (tx, rx) = mpsc::channel(MESSAGES);
        let every = request.progress_notify.then_some(PROGRESS);
        tokio::spawn(follow(watcher, every, Arc::clone(&wanted), tx));
        Ok(Watch {
            messages: ReceiverStream::new(rx).boxed(),
            progress: Box::new(Progress(wanted)),
        })
    }

    async fn compact(&self, revision: i64) -> Result<()> {
        Ok(Engine::compact(self, revision, false).await.map(drop)?)
    }

    async fn lease_grant(&self, ttl_seconds: i64) -> Result<i64> {
        Ok(Engine::lease_grant(self, 0, ttl_seconds).await?)
    }

    async fn status(&self) -> Result<StorageStatus> {
        if self.shared().has_failed() {
            return Err(Error::Stopped.into());
        }
        Ok(StorageStatus {
            revision: self.revision(),
            db_size_bytes: i64::try_from(self.size()).unwrap_or(i64::MAX),
        })
    }
}

type Sender = mpsc::Sender<Result<WatchMessage>>;

/// Until the reader is gone or history cannot be told any more.
async fn follow(mut watcher: Watcher, every: Option<Duration>, wanted: Arc<Notify>, tx: Sender) {
    let created = match watcher.check() {
        Ok(()) => Ok(WatchMessage::Created {
            revision: watcher.reported(),
        }),
        Err(e) => Err(e.into()),
    };
    let failed = created.is_err();
    if tx.send(created).await.is_err() || failed {
        return;
    }
    let mut clock = tokio::time::interval(every.unwrap_or(Duration::from_secs(3600)));
    clock.reset();
    loop {
        let message = tokio::select! {
            biased;
            () = tx.closed() => return,
            next = pin!(watcher.next()) => match next {
                Ok(Report { events, .. }) if events.is_empty() => continue,
                Ok(Report { revision, events }) => {
                    clock.reset();
                    let events = events.into_iter().map(event).collect();
                    Ok(WatchMessage::Events { revision, events })
                }
                Err(e) => Err(e.into()),
            },
            // Reached only when everything there is was reported.
            () = wanted.notified() => Ok(WatchMessage::Progress { revision: watcher.reported() }),
            _ = clock.tick(), if every.is_some() => Ok(WatchMessage::Progress {
                revision: watcher.reported(),
            }),
        };
        let failed = message.is_err();
        if tx.send(message).await.is_err() || failed {
            return;
        }
    }
}
