//! One watch of a stream.

use std::sync::Arc;

use catena_proto::{etcdserverpb as pb, mvccpb::Event};
use prost::Message as _;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{Entries, Message, NO_WATCH, header};
use crate::{Engine, Error, Report, Watcher, engine::PROGRESS};

/// Messages that are larger are sent in fragments when the client can join them.
const FRAGMENT: usize = 2 << 20;

pub(super) struct Follower {
    pub(super) id: i64,
    pub(super) watcher: Watcher,
    pub(super) out: mpsc::Sender<Message>,
    pub(super) progress: watch::Sender<i64>,
    /// Tell the revision while nothing happens.
    pub(super) notify: bool,
    pub(super) fragment: bool,
}

/// The client is gone.
struct Gone;

impl Follower {
    /// Until it is cancelled, or history cannot be told any more.
    pub(super) async fn run(mut self, cancel: CancellationToken) {
        let mut clock = tokio::time::interval(PROGRESS);
        clock.reset();
        loop {
            // Progress is told only when there is nothing to report.
            let sent = tokio::select! {
                biased;
                () = cancel.cancelled() => {
                    let _ = self.send(self.canceled(None)).await;
                    return;
                }
                next = self.watcher.next() => match next {
                    Ok(report) if report.events.is_empty() => Ok(()),
                    Ok(report) => {
                        clock.reset();
                        self.events(report).await
                    }
                    Err(e) => {
                        let _ = self.send(self.canceled(Some(e))).await;
                        return;
                    }
                },
                _ = clock.tick(), if self.notify => {
                    self.send(self.response(self.watcher.reported())).await
                }
            };
            if sent.is_err() {
                return;
            }
            self.progress.send_replace(self.watcher.reported());
        }
    }

    async fn send(&self, response: pb::WatchResponse) -> Result<(), Gone> {
        self.out.send(Ok(response)).await.map_err(|_| Gone)
    }

    fn response(&self, revision: i64) -> pb::WatchResponse {
        pb::WatchResponse {
            header: header::of(revision),
            watch_id: self.id,
            ..pb::WatchResponse::default()
        }
    }

    fn canceled(&self, why: Option<Error>) -> pb::WatchResponse {
        let base = pb::WatchResponse {
            canceled: true,
            ..self.response(self.watcher.reported())
        };
        match why {
            None => base,
            // Clients tell this reason by the revision, as etcd's answer has it.
            Some(Error::Compacted { oldest }) => pb::WatchResponse {
                compact_revision: oldest,
                ..base
            },
            Some(e) => pb::WatchResponse {
                cancel_reason: e.to_string(),
                ..base
            },
        }
    }

    async fn events(&self, report: Report) -> Result<(), Gone> {
        let base = self.response(report.revision);
        if !self.fragment {
            return self
                .send(pb::WatchResponse {
                    events: report.events,
                    ..base
                })
                .await;
        }
        let mut parts = fragments(report.events).into_iter().peekable();
        while let Some(events) = parts.next() {
            self.send(pb::WatchResponse {
                events,
                fragment: parts.peek().is_some(),
                ..base.clone()
            })
            .await?;
        }
        Ok(())
    }
}

fn fragments(events: Vec<Event>) -> Vec<Vec<Event>> {
    let (mut out, mut room) = (Vec::new(), 0);
    for event in events {
        let size = event.encoded_len();
        match out.last_mut() {
            Some(part) if size <= room => {
                room -= size;
                let part: &mut Vec<Event> = part;
                part.push(event);
            }
            _ => {
                room = FRAGMENT.saturating_sub(size);
                out.push(vec![event]);
            }
        }
    }
    out
}

/// Answers requests for progress, when all watches have sent what there was
/// when it was asked for. Requests that come meanwhile are answered together.
pub(super) async fn progress(
    engine: Engine,
    watches: Entries,
    wanted: Arc<Notify>,
    out: mpsc::Sender<Message>,
    ended: CancellationToken,
) {
    let answers = async {
        loop {
            wanted.notified().await;
            let revision = engine.revision();
            let all: Vec<_> = watches.lock().values().map(|w| w.sent.clone()).collect();
            for mut sent in all {
                // A watch that ended meanwhile has nothing more to send.
                let _ = sent.wait_for(|sent| *sent >= revision).await;
            }
            let response = pb::WatchResponse {
                header: header::of(revision),
                watch_id: NO_WATCH,
                ..pb::WatchResponse::default()
            };
            if out.send(Ok(response)).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = ended.cancelled() => {}
        () = answers => {}
    }
}
