//! GET with `watch=true`: a stream of events.

mod frames;
mod options;
mod source;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use catena_cache::Change;
use catena_delegate::{Body, Event, EventKind, Response};
use catena_objects::Status;
use catena_registry::{Cached, codec};
use catena_storage::RangeRequest;
use catena_telemetry::trace;
use futures_util::stream;
use tokio::time::{Instant, Interval};

use super::{
    Call,
    list::{self, Object},
    selectors::Selectors,
};
use crate::{negotiate::Format, server::Served};
use frames::{Frames, Kind};
use options::Options;
use source::{End, Source};

const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// A last bookmark comes so long before the end (`bookmarkFrequency` and
/// `nextBookmarkTime` in the cacher).
const FAREWELL: Duration = Duration::from_secs(2);
/// Bytes of events that are sent in one piece.
const CHUNK: usize = 64 * 1024;

/// One watch. Events are made when the client takes them, so a slow client costs
/// nothing but its place in the ring.
struct Watching {
    served: Served,
    selectors: Selectors,
    frames: Frames,
    /// Of the keys in scope.
    prefix: String,
    /// Objects still to be sent as ADDED.
    initial: VecDeque<Arc<Object>>,
    /// A bookmark ends the initial events.
    announce: bool,
    /// Events up to here are not sent.
    from: i64,
    source: Option<Source>,
    ready: VecDeque<Event>,
    bookmarks: Option<Bookmarks>,
    /// When a last bookmark is due.
    farewell: Option<Instant>,
    deadline: Instant,
    over: bool,
}

struct Bookmarks {
    tick: Interval,
    /// Storage was asked for its progress at the last tick.
    asked: bool,
}

pub(super) async fn run(call: &Call<'_>) -> Result<Response, Status> {
    let output = call.output()?;
    call.query.int("timeoutSeconds")?;
    call.query.int("limit")?;
    let selectors = Selectors::parse(call)?;
    selectors.check_name(call)?;
    let options = Options::parse(&call.query)?;
    selectors.check_fields(&call.served.store.resource)?;
    if output.format == Format::Yaml {
        return Err(crate::negotiate::no_stream());
    }
    let namespace = call.context(false).namespace;
    let half = BOOKMARK_EVERY / 2;
    let mut watching = Watching {
        prefix: call.served.store.resource.list_prefix(&namespace),
        frames: Frames::new(call.served, output),
        served: call.served.clone(),
        selectors,
        initial: VecDeque::new(),
        announce: options.announce && options.bookmarks,
        from: 0,
        source: None,
        ready: VecDeque::new(),
        bookmarks: options.bookmarks.then(|| Bookmarks {
            tick: tokio::time::interval_at(Instant::now() + half, half),
            asked: false,
        }),
        farewell: (options.bookmarks && options.timeout > FAREWELL)
            .then(|| Instant::now() + options.timeout - FAREWELL),
        deadline: Instant::now() + options.timeout,
        over: false,
    };
    // Once the request is understood, failures are events.
    let span = trace::span("WatchServer.HandleHTTP");
    let opened = span.clone().run(watching.open(&options)).await;
    if let Err(s) = opened {
        watching.fail(&s);
    }
    let mut response = Response::new(200, watching.frames.content_type(), Bytes::new());
    let events = stream::unfold(watching, |mut w| async move {
        let events = w.next().await?;
        Some((Ok(events), w))
    });
    response.body = Body::Events(Box::pin(span.run(events)));
    Ok(response)
}

impl Watching {
    async fn open(&mut self, options: &Options) -> Result<(), Status> {
        let store = &self.served.store;
        self.from = match options.state {
            None => options.revision,
            Some(at) => {
                let snapshot = match &store.cache {
                    Some(cache) => list::snapshot(cache, at).await?,
                    None => None,
                };
                match snapshot {
                    Some(s) => {
                        if options.initial {
                            let end = catena_storage::prefix_end(self.prefix.as_bytes());
                            let resource = &store.resource;
                            self.initial = s
                                .groups(self.prefix.as_bytes(), &end)
                                .filter(|g| self.selectors.may_match(resource, g))
                                .flat_map(|g| g.entries.iter().cloned())
                                .collect();
                        }
                        s.revision
                    }
                    None => self.read(options.initial).await?,
                }
            }
        };
        let source = Source::open(&self.served.store, &self.prefix, self.from).await?;
        self.source = Some(source);
        Ok(())
    }

    /// The initial events from storage.
    async fn read(&mut self, initial: bool) -> Result<i64, Status> {
        let request = RangeRequest {
            count_only: !initial,
            ..RangeRequest::prefix(&self.prefix)
        };
        let storage = &self.served.store.storage;
        let answer = storage.range(request).await;
        let answer = answer.map_err(codec::storage_error)?;
        let objects = answer.kvs.iter().map(|kv| Arc::new(Object::new(kv)));
        self.initial = objects.collect();
        Ok(answer.revision)
    }

    /// The next events to send; `None` at the end.
    async fn next(&mut self) -> Option<Vec<Event>> {
        loop {
            if !self.ready.is_empty() {
                return Some(self.take_ready());
            }
            if self.over {
                return None;
            }
            let done = match self.initial_events() {
                Ok(true) => Ok(()),
                Ok(false) => self.more().await,
                Err(s) => Err(s),
            };
            if let Err(s) = done {
                self.fail(&s);
            }
        }
    }

    /// As many events as go in one piece.
    fn take_ready(&mut self) -> Vec<Event> {
        let mut size = 0;
        let fitting = self.ready.iter().take_while(|e| {
            size += e.frame.len();
            size <= CHUNK
        });
        let fitting = fitting.count().max(1);
        self.ready.drain(..fitting).collect()
    }

    /// Some of the initial events, with the bookmark after the last; false when
    /// there are none any more.
    fn initial_events(&mut self) -> Result<bool, Status> {
        let mut size = 0;
        while let Some(object) = self.initial.pop_front() {
            let resource = &self.served.store.resource;
            if self.selectors.matches_entry(resource, &object)? {
                let revision = object.mod_revision;
                let frame = self.frames.object(Kind::Added, &object, revision)?;
                size += frame.len();
                self.push(EventKind::Change, revision, frame);
            }
            if size >= CHUNK {
                return Ok(true);
            }
        }
        if std::mem::take(&mut self.announce) {
            let frame = self.frames.bookmark(self.from, true)?;
            self.push(EventKind::InitialEnd, self.from, frame);
        }
        Ok(!self.ready.is_empty())
    }

    fn push(&mut self, kind: EventKind, revision: i64, frame: Bytes) {
        self.ready.push_back(Event {
            revision,
            kind,
            frame,
        });
    }

    /// Waits for what happens next.
    async fn more(&mut self) -> Result<(), Status> {
        let Some(source) = &mut self.source else {
            self.over = true;
            return Ok(());
        };
        let tick = async {
            match &mut self.bookmarks {
                Some(b) => drop(b.tick.tick().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changes = source.next() => match changes {
                Ok(changes) => {
                    for change in &changes {
                        self.change(change)?;
                    }
                }
                Err(End::Quiet) => self.over = true,
                Err(End::Failed(s)) => return Err(s),
            },
            () = tick => self.bookmark()?,
            () = tokio::time::sleep_until(self.farewell.unwrap_or(self.deadline)) => {
                if self.farewell.take().is_none() {
                    self.over = true;
                    return Ok(());
                }
                let seen = source.seen().max(self.from);
                let frame = self.frames.bookmark(seen, false)?;
                self.push(EventKind::Bookmark, seen, frame);
            }
        }
        Ok(())
    }

    /// Every other tick sends a bookmark; the one before asks how far storage is.
    fn bookmark(&mut self) -> Result<(), Status> {
        let (Some(b), Some(source)) = (&mut self.bookmarks, &mut self.source) else {
            return Ok(());
        };
        b.asked = !b.asked;
        if b.asked {
            source.ask_progress();
            return Ok(());
        }
        let seen = source.seen().max(self.from);
        let frame = self.frames.bookmark(seen, false)?;
        self.push(EventKind::Bookmark, seen, frame);
        Ok(())
    }

    /// An object that enters the selection is ADDED, one that leaves it DELETED.
    fn change(&mut self, change: &Change<Cached>) -> Result<(), Status> {
        let elsewhere = !change.key().starts_with(self.prefix.as_bytes());
        if elsewhere || change.revision <= self.from {
            return Ok(());
        }
        let resource = &self.served.store.resource;
        let selected = |object: &Option<Arc<Object>>| match object {
            Some(o) if self.selectors.is_empty() => Ok(Some(Arc::clone(o))),
            Some(o) => {
                let matches = self.selectors.matches_entry(resource, o)?;
                Ok::<_, Status>(matches.then(|| Arc::clone(o)))
            }
            None => Ok(None),
        };
        let (kind, object) = match (selected(&change.before)?, selected(&change.now)?) {
            (None, Some(now)) => (Kind::Added, now),
            (Some(_), Some(now)) => (Kind::Modified, now),
            (Some(before), None) => (Kind::Deleted, before),
            (None, None) => return Ok(()),
        };
        let frame = self.frames.change(kind, &object, change)?;
        self.push(EventKind::Change, change.revision, frame);
        Ok(())
    }

    /// The last event is an error.
    fn fail(&mut self, s: &Status) {
        self.over = true;
        self.initial.clear();
        if let Ok(frame) = self.frames.error(s) {
            self.push(EventKind::Error, self.from, frame);
        }
    }
}
