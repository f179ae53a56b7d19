//! GET with `watch=true`: a stream of events.

mod frames;
mod options;
mod source;
mod websocket;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use catena_cache::Change;
use catena_delegate::{Body, Response};
use catena_objects::Status;
use catena_registry::{Cached, codec};
use catena_storage::RangeRequest;
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
    ready: VecDeque<Bytes>,
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
    if output.format == Format::Yaml {
        return Err(crate::negotiate::output("text/none", false, false)
            .err()
            .unwrap_or_else(Status::no_such_path));
    }
    let selectors = Selectors::parse(call)?;
    let options = Options::parse(&call.query)?;
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
    if let Err(s) = watching.open(&options).await {
        watching.fail(&s);
    }
    let mut response = Response::new(200, watching.frames.content_type(), Bytes::new());
    let events = stream::unfold(watching, |mut w| async move {
        let frame = w.next().await?;
        Some((Ok(frame), w))
    });
    response.body = Body::Stream(Box::pin(events));
    if websocket::is_wanted(&call.request.headers)
        && let Some(input) = call.take_input()
    {
        return websocket::serve(&call.request.headers, input, response);
    }
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
                            let objects = s.range(self.prefix.as_bytes(), &end);
                            self.initial = objects.cloned().collect();
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

    /// The next bytes to send; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frames) = self.take_ready() {
                return Some(frames);
            }
            if self.over {
                return None;
            }
            let done = self.initial_events();
            let done = match done {
                Ok(Some(frames)) => return Some(frames),
                Ok(None) => self.more().await,
                Err(s) => Err(s),
            };
            if let Err(s) = done {
                self.fail(&s);
            }
        }
    }

    /// One frame as it is, shared with other watchers; several as one piece.
    fn take_ready(&mut self) -> Option<Bytes> {
        let first = self.ready.pop_front()?;
        if self.ready.is_empty() || first.len() >= CHUNK {
            return Some(first);
        }
        let mut out = first.to_vec();
        while let Some(frame) = self.ready.front()
            && out.len() + frame.len() <= CHUNK
        {
            out.extend_from_slice(frame);
            self.ready.pop_front();
        }
        Some(out.into())
    }

    /// Some of the initial events, with the bookmark after the last.
    fn initial_events(&mut self) -> Result<Option<Bytes>, Status> {
        let mut out = Vec::new();
        while let Some(object) = self.initial.pop_front() {
            let resource = &self.served.store.resource;
            if self.selectors.matches_entry(resource, &object)? {
                let revision = object.mod_revision;
                out.extend_from_slice(&self.frames.object(Kind::Added, &object, revision)?);
            }
            if out.len() >= CHUNK {
                return Ok(Some(out.into()));
            }
        }
        if std::mem::take(&mut self.announce) {
            out.extend_from_slice(&self.frames.bookmark(self.from, true)?);
        }
        Ok((!out.is_empty()).then(|| out.into()))
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
                self.ready.push_back(self.frames.bookmark(seen, false)?);
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
        self.ready.push_back(self.frames.bookmark(seen, false)?);
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
        self.ready.push_back(frame);
        Ok(())
    }

    /// The last event is an error.
    fn fail(&mut self, s: &Status) {
        self.over = true;
        self.initial.clear();
        self.ready.extend(self.frames.error(s).ok());
    }
}
