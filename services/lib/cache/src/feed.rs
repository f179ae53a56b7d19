//! The task that follows storage.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use catena_storage::{
    Error, Event, EventKind, RangeRequest, Result, WatchMessage, WatchRequest, prefix_end,
};
use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::{
    cache::Shared,
    entry::{Change, Entry, Extra},
    ring::Batch,
    snapshot::Snapshot,
    tree::Tree,
};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// An idle cache is noticed within this part of its idle time.
const IDLE_PARTS: u32 = 4;

/// Why the task goes on or not.
enum After {
    /// The watch broke; it goes on where it was.
    Resume(Error),
    /// What comes next is not known: everything is read again.
    Restart(Error),
    Idle,
}

pub(crate) async fn run<X: Extra>(shared: Arc<Shared<X>>, stop: CancellationToken) {
    let feed = Feed { shared };
    tokio::select! {
        () = stop.cancelled() => {}
        () = feed.follow() => {}
    }
}

struct Feed<X: Extra> {
    shared: Arc<Shared<X>>,
}

impl<X: Extra> Feed<X> {
    async fn follow(&self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let filled = self.shared.view.load().is_some();
            let after = match self.fill_if(!filled).await {
                Ok(()) => self.watch(&mut pause).await,
                Err(e) => After::Restart(e),
            };
            let fault = match after {
                After::Idle => {
                    if self.leave() {
                        return;
                    }
                    continue;
                }
                After::Resume(fault) => fault,
                After::Restart(fault) => {
                    self.forget();
                    fault
                }
            };
            tracing::debug!(prefix = %self.shared.prefix, %fault, "the cache lost its watch");
            let again = matches!(fault, Error::Compacted { .. });
            self.shared
                .position
                .send_modify(|p| p.fault = (!again).then_some(fault));
            if !again {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// Ends as unused, unless somebody came meanwhile.
    fn leave(&self) -> bool {
        let mut running = self.shared.running.lock();
        if self.shared.unused() < self.shared.options.idle {
            return false;
        }
        self.forget();
        *running = false;
        true
    }

    fn forget(&self) {
        self.shared.view.store(None);
        self.shared.ring.write().restart(i64::MAX, None);
        self.shared.position.send_modify(|p| p.revision = 0);
        // Watchers find that what comes next is gone.
        let end = self.shared.ring.read().end();
        self.shared.news.send_replace(end);
    }

    async fn fill_if(&self, wanted: bool) -> Result<()> {
        if !wanted {
            return Ok(());
        }
        let (revision, tree) = self.read_all().await?;
        self.shared
            .ring
            .write()
            .restart(revision, Some(tree.clone()));
        self.publish(revision, tree);
        Ok(())
    }

    async fn read_all(&self) -> Result<(i64, Tree<X>)> {
        let prefix = self.shared.prefix.as_bytes();
        let mut request = RangeRequest {
            key: Bytes::copy_from_slice(prefix),
            end: prefix_end(prefix),
            limit: self.shared.options.page,
            ..RangeRequest::default()
        };
        let mut entries: Vec<Arc<Entry<X>>> = Vec::new();
        loop {
            let answer = self.shared.storage.range(request.clone()).await?;
            if request.revision == 0 {
                request.revision = answer.revision;
            }
            entries.extend(answer.kvs.iter().map(|kv| Arc::new(Entry::new(kv))));
            let last = answer.kvs.last().filter(|_| answer.more);
            let Some(last) = last else {
                return Ok((request.revision, Tree::from_sorted(&entries)));
            };
            request.key = [&last.key, &b"\0"[..]].concat().into();
        }
    }

    fn publish(&self, revision: i64, tree: Tree<X>) {
        let view = Snapshot { revision, tree };
        self.shared.view.store(Some(Arc::new(view)));
        self.shared.position.send_modify(|p| {
            p.revision = revision;
            p.fault = None;
        });
    }

    /// Follows storage from the revision of the view on, until the watch breaks.
    async fn watch(&self, pause: &mut Duration) -> After {
        let Some(mut view) = self.shared.view.load_full().map(|v| (*v).clone()) else {
            return After::Restart(Error::Internal("nothing to go on from".to_owned()));
        };
        let prefix = self.shared.prefix.as_bytes();
        let request = WatchRequest {
            key: Bytes::copy_from_slice(prefix),
            end: prefix_end(prefix),
            start_revision: view.revision + 1,
            // The view has what was there before.
            prev_kv: false,
            progress_notify: true,
        };
        let mut watch = match self.shared.storage.watch(request).await {
            Ok(watch) => watch,
            Err(e) => return broken(e),
        };
        let ordered = watch.progress.supported();
        self.shared.ordered.store(ordered, Ordering::Release);
        let mut tick = tokio::time::interval(self.shared.options.idle / IDLE_PARTS);
        loop {
            let message = tokio::select! {
                message = watch.messages.next() => message,
                () = self.shared.wanted.notified() => {
                    watch.progress.request();
                    continue;
                }
                _ = tick.tick() => {
                    if self.shared.unused() >= self.shared.options.idle {
                        return After::Idle;
                    }
                    continue;
                }
            };
            match message {
                Some(Ok(WatchMessage::Created { revision })) => {
                    if revision < view.revision && self.is_behind(view.revision).await {
                        return After::Restart(Error::Compacted { oldest: revision });
                    }
                    self.shared.position.send_modify(|p| p.fault = None);
                }
                Some(Ok(WatchMessage::Events { revision, events })) => {
                    *pause = FIRST_PAUSE;
                    self.apply(&mut view, &events);
                    self.advance(&mut view, revision);
                }
                Some(Ok(WatchMessage::Progress { revision })) => {
                    *pause = FIRST_PAUSE;
                    self.advance(&mut view, revision);
                }
                Some(Err(e)) => return broken(e),
                None => return After::Resume(Error::Unavailable("the watch ended".to_owned())),
            }
        }
    }

    /// Storage that is older than what was read from it was replaced by another.
    async fn is_behind(&self, revision: i64) -> bool {
        let question = RangeRequest {
            count_only: true,
            ..RangeRequest::key(self.shared.prefix.clone())
        };
        let answer = self.shared.storage.range(question).await;
        answer.is_ok_and(|a| a.revision < revision)
    }

    fn apply(&self, view: &mut Snapshot<X>, events: &[Event]) {
        let same = |a: &Event, b: &Event| a.kv.mod_revision == b.kv.mod_revision;
        for events in events.chunk_by(same) {
            let revision = events[0].kv.mod_revision;
            if revision <= view.revision {
                continue;
            }
            let changes: Vec<Arc<Change<X>>> = events
                .iter()
                .filter_map(|e| change(&mut view.tree, e))
                .collect();
            view.revision = revision;
            if !changes.is_empty() {
                let batch = Batch::new(revision, changes);
                self.shared.ring.write().push(batch, view.tree.clone());
            }
        }
        self.publish(view.revision, view.tree.clone());
        let end = self.shared.ring.read().end();
        self.shared.news.send_replace(end);
    }

    fn advance(&self, view: &mut Snapshot<X>, revision: i64) {
        if revision > view.revision {
            view.revision = revision;
            self.publish(revision, view.tree.clone());
        }
    }
}

fn broken(e: Error) -> After {
    match e {
        Error::Compacted { .. } => After::Restart(e),
        other => After::Resume(other),
    }
}

fn change<X: Extra>(tree: &mut Tree<X>, event: &Event) -> Option<Arc<Change<X>>> {
    let (now, before) = match event.kind {
        EventKind::Put => {
            let entry = Arc::new(Entry::new(&event.kv));
            let before = tree.insert(Arc::clone(&entry));
            (Some(entry), before)
        }
        // Nobody heard of an object that came and went unseen.
        EventKind::Delete => (None, Some(tree.remove(&event.kv.key)?)),
    };
    Some(Arc::new(Change {
        revision: event.kv.mod_revision,
        now,
        before,
        extra: X::default(),
    }))
}
