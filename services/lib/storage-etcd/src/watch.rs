//! One watch: a stream of its own, since there are few.

use catena_proto::{
    etcdserverpb::{self as pb, watch_client::WatchClient, watch_request::RequestUnion},
    mvccpb,
};
use catena_storage::{
    Error, Event, EventKind, RequestProgress, Result, Watch, WatchMessage, WatchRequest,
};
use catena_telemetry::trace::{self, Span};
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Streaming, transport::Channel};

use crate::convert;

/// Requests of one watch that wait to be sent: its creation and questions for progress.
const WAITING: usize = 4;

/// Registers the watch; the first message is `Created`.
pub(crate) async fn start(
    mut client: WatchClient<Channel>,
    request: WatchRequest,
    ordered: bool,
) -> Result<Watch> {
    let (tx, rx) = mpsc::channel(WAITING);
    let create = pb::WatchCreateRequest {
        key: request.key,
        range_end: request.end,
        start_revision: request.start_revision,
        progress_notify: request.progress_notify,
        prev_kv: request.prev_kv,
        fragment: true,
        ..pb::WatchCreateRequest::default()
    };
    let sent = tx.try_send(wrap(RequestUnion::CreateRequest(create)));
    sent.map_err(|e| Error::Internal(e.to_string()))?;
    let span = trace::call("etcdserverpb.Watch/Watch");
    let mut call = crate::traced(&span, ReceiverStream::new(rx));
    // A member that was cut off from the others ends the watch (`WithRequireLeader`).
    let require = tonic::metadata::MetadataValue::from_static("true");
    call.metadata_mut().insert("hasleader", require);
    let answers = client
        .watch(call)
        .await
        .map_err(convert::error)?
        .into_inner();
    let state = State {
        answers,
        pending: Vec::new(),
        ended: false,
        _keep: tx.clone(),
        _span: span,
    };
    let messages = stream::unfold(state, |mut state| async move {
        let item = state.next().await?;
        Some((item, state))
    });
    Ok(Watch {
        messages: messages.boxed(),
        progress: Box::new(Ask { tx, ordered }),
    })
}

fn wrap(union: RequestUnion) -> pb::WatchRequest {
    pb::WatchRequest {
        request_union: Some(union),
    }
}

struct Ask {
    tx: mpsc::Sender<pb::WatchRequest>,
    ordered: bool,
}

impl RequestProgress for Ask {
    fn request(&self) {
        if !self.ordered {
            return;
        }
        // A question that already waits will be answered.
        let progress = RequestUnion::ProgressRequest(pb::WatchProgressRequest {});
        let _ = self.tx.try_send(wrap(progress));
    }

    fn supported(&self) -> bool {
        self.ordered
    }
}

struct State {
    answers: Streaming<pb::WatchResponse>,
    /// Events of a revision whose fragments are still coming.
    pending: Vec<mvccpb::Event>,
    ended: bool,
    /// The stream of requests ends with the watch and not before.
    _keep: mpsc::Sender<pb::WatchRequest>,
    /// Ends with the watch.
    _span: Span,
}

impl State {
    /// The next message; `None` after an error.
    async fn next(&mut self) -> Option<Result<WatchMessage>> {
        if self.ended {
            return None;
        }
        loop {
            let answer = match self.answers.message().await {
                Ok(Some(answer)) => answer,
                Ok(None) => return self.end(Error::Unavailable("the watch ended".to_owned())),
                Err(status) => return self.end(convert::error(status)),
            };
            let revision = answer.header.as_ref().map_or(0, |h| h.revision);
            if answer.canceled {
                let why = if answer.compact_revision > 0 {
                    Error::Compacted {
                        oldest: answer.compact_revision,
                    }
                } else {
                    Error::Internal(answer.cancel_reason)
                };
                return self.end(why);
            }
            if answer.created {
                return Some(Ok(WatchMessage::Created { revision }));
            }
            if answer.events.is_empty() && !answer.fragment && self.pending.is_empty() {
                return Some(Ok(WatchMessage::Progress { revision }));
            }
            self.pending.extend(answer.events);
            if !answer.fragment {
                let events: Vec<Event> = self.pending.drain(..).filter_map(event).collect();
                // The header may be newer than the events of a watch that catches up.
                let revision = events.last().map_or(revision, |e| e.kv.mod_revision);
                return Some(Ok(WatchMessage::Events { revision, events }));
            }
        }
    }

    fn end(&mut self, why: Error) -> Option<Result<WatchMessage>> {
        self.ended = true;
        Some(Err(why))
    }
}

fn event(e: mvccpb::Event) -> Option<Event> {
    let kind = if e.r#type == mvccpb::event::EventType::Delete as i32 {
        EventKind::Delete
    } else {
        EventKind::Put
    };
    Some(Event {
        kind,
        kv: convert::key_value(e.kv?),
        prev: e.prev_kv.map(convert::key_value),
    })
}
