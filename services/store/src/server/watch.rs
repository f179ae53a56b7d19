//! Watches: many on one stream of messages in both directions.

mod follow;

use std::{collections::HashMap, sync::Arc};

use catena_proto::etcdserverpb::{
    self as pb, watch_create_request::FilterType, watch_request::RequestUnion, watch_server,
};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Response, Status, Streaming};

use super::header;
use crate::{Engine, Error, WatchOptions};

/// Messages of a stream that wait for the client; more stay in history.
const MESSAGES: usize = 32;
/// Watches of one stream.
const WATCHES: usize = 100_000;
/// Identity in answers that are about no watch.
const NO_WATCH: i64 = -1;

pub(super) struct Watch {
    pub(super) engine: Engine,
    pub(super) stop: CancellationToken,
}

type Message = Result<pb::WatchResponse, Status>;

#[tonic::async_trait]
impl watch_server::Watch for Watch {
    type WatchStream = ReceiverStream<Message>;

    async fn watch(
        &self,
        request: Request<Streaming<pb::WatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let (out, messages) = mpsc::channel(MESSAGES);
        let ended = CancellationToken::new();
        let span = super::span("etcdserverpb.Watch/Watch", &request);
        let session = Session {
            engine: self.engine.clone(),
            out,
            watches: Arc::default(),
            next_id: 0,
            progress: Arc::new(Notify::new()),
            _end: ended.clone().drop_guard(),
            ended,
        };
        tokio::spawn(span.run(session.run(request.into_inner(), self.stop.clone())));
        Ok(Response::new(ReceiverStream::new(messages)))
    }
}

/// A watch as the session knows it.
struct Entry {
    cancel: CancellationToken,
    /// Everything up to this revision was sent.
    sent: watch::Receiver<i64>,
}

type Entries = Arc<Mutex<HashMap<i64, Entry>>>;

struct Session {
    engine: Engine,
    out: mpsc::Sender<Message>,
    watches: Entries,
    next_id: i64,
    /// The client wants to know the revision that all its watches have reached.
    progress: Arc<Notify>,
    ended: CancellationToken,
    _end: DropGuard,
}

impl Session {
    /// Until one of both sides ends.
    async fn run(mut self, mut requests: Streaming<pb::WatchRequest>, stop: CancellationToken) {
        tokio::spawn(follow::progress(
            self.engine.clone(),
            Arc::clone(&self.watches),
            Arc::clone(&self.progress),
            self.out.clone(),
            self.ended.clone(),
        ));
        loop {
            let request = tokio::select! {
                () = self.out.closed() => return,
                () = stop.cancelled() => {
                    let _ = self.out.send(Err(Error::Stopped.into())).await;
                    return;
                }
                request = requests.message() => request,
            };
            match request {
                Ok(Some(pb::WatchRequest { request_union })) => match request_union {
                    Some(RequestUnion::CreateRequest(r)) => self.create(r).await,
                    Some(RequestUnion::CancelRequest(r)) => {
                        // The watch says itself that it has ended.
                        if let Some(entry) = self.watches.lock().get(&r.watch_id) {
                            entry.cancel.cancel();
                        }
                    }
                    Some(RequestUnion::ProgressRequest(_)) => self.progress.notify_one(),
                    None => {}
                },
                Ok(None) | Err(_) => return,
            }
        }
    }

    /// The identity for a new watch, or why there is none.
    fn identity(&mut self, request: &pb::WatchCreateRequest) -> Result<i64, &'static str> {
        let (start, end) = (&request.key, &request.range_end);
        if !end.is_empty() && **end != [0] && start >= end {
            return Err("mvcc: watcher range is empty");
        }
        let watches = self.watches.lock();
        if watches.len() >= WATCHES {
            return Err("store: too many watches on one stream");
        }
        if request.watch_id != 0 {
            if watches.contains_key(&request.watch_id) {
                return Err("mvcc: duplicate watch ID provided on the WatchStream");
            }
            return Ok(request.watch_id);
        }
        while watches.contains_key(&self.next_id) {
            self.next_id += 1;
        }
        self.next_id += 1;
        Ok(self.next_id - 1)
    }

    async fn create(&mut self, request: pb::WatchCreateRequest) {
        let created = pb::WatchResponse {
            header: header::of(self.engine.revision()),
            created: true,
            ..pb::WatchResponse::default()
        };
        let id = match self.identity(&request) {
            Ok(id) => id,
            Err(why) => {
                let refused = pb::WatchResponse {
                    watch_id: NO_WATCH,
                    canceled: true,
                    cancel_reason: why.to_owned(),
                    ..created
                };
                let _ = self.out.send(Ok(refused)).await;
                return;
            }
        };
        let filters = |wanted: FilterType| request.filters().any(|f| f == wanted);
        let watcher = self.engine.watch(WatchOptions {
            start_revision: request.start_revision,
            prev_kv: request.prev_kv,
            no_put: filters(FilterType::Noput),
            no_delete: filters(FilterType::Nodelete),
            key: request.key.clone(),
            range_end: request.range_end.clone(),
        });
        let (progress, sent) = watch::channel(watcher.reported());
        let entry = Entry {
            cancel: self.ended.child_token(),
            sent,
        };
        let cancel = entry.cancel.clone();
        self.watches.lock().insert(id, entry);
        let created = pb::WatchResponse {
            watch_id: id,
            ..created
        };
        let _ = self.out.send(Ok(created)).await;
        let follower = follow::Follower {
            id,
            watcher,
            out: self.out.clone(),
            progress,
            notify: request.progress_notify,
            fragment: request.fragment,
        };
        let watches = Arc::clone(&self.watches);
        let ended = self.ended.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = ended.cancelled() => {}
                () = follower.run(cancel) => {}
            }
            watches.lock().remove(&id);
        });
    }
}
