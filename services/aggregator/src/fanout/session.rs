//! One client of a watch.

use std::sync::Arc;

use catena_delegate::{Event, EventKind, EventStream, Request};
use catena_objects::Status;
use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;

use super::{
    Head, Inner,
    question::Question,
    relay::{Reader, Relay},
};

pub(super) struct Session {
    question: Question,
    source: Source,
    /// Events up to here are not sent.
    from: i64,
    deadline: Instant,
}

enum Source {
    Shared(Reader),
    Alone(Box<Alone>),
}

/// A watch of the client's own, until the objects that there are were sent.
struct Alone {
    events: EventStream,
    inner: Arc<Inner>,
    asked: Request,
    head: Head,
    /// The revision of the bookmark after the initial events, once it came.
    end: Option<i64>,
}

impl Session {
    pub(super) fn shared(question: Question, relay: Arc<Relay>, cursor: u64, from: i64) -> Self {
        Self::new(question, Source::Shared(relay.reader(cursor)), from)
    }

    pub(super) fn alone(
        question: Question,
        inner: Arc<Inner>,
        asked: Request,
        head: Head,
        events: EventStream,
    ) -> Self {
        let alone = Alone {
            events,
            inner,
            asked,
            head,
            end: None,
        };
        Self::new(question, Source::Alone(Box::new(alone)), 0)
    }

    fn new(question: Question, source: Source, from: i64) -> Self {
        Self {
            deadline: Instant::now() + question.timeout,
            question,
            source,
            from,
        }
    }

    pub(super) fn events(self) -> EventStream {
        // One timer for all events: a new one for each is two locks of the wheel.
        let end = Box::pin(tokio::time::sleep_until(self.deadline));
        stream::unfold(Some((self, end)), |state| async move {
            let (mut session, mut end) = state?;
            let part = tokio::select! {
                biased;
                part = session.next() => part?,
                () = &mut end => return None,
            };
            let more = part.is_ok().then_some((session, end));
            Some((part, more))
        })
        .boxed()
    }

    async fn next(&mut self) -> Option<Result<Vec<Event>, Status>> {
        loop {
            let mut events = match &mut self.source {
                Source::Shared(reader) => reader.next().await?,
                Source::Alone(alone) => {
                    if let Some((shared, from)) = alone.shared(&self.question) {
                        (self.source, self.from) = (Source::Shared(shared), from);
                        continue;
                    }
                    match alone.next().await? {
                        Ok(events) => events,
                        Err(s) => return Some(Err(s)),
                    }
                }
            };
            events.retain(|e| self.wants(e));
            if !events.is_empty() {
                return Some(Ok(events));
            }
        }
    }

    fn wants(&self, event: &Event) -> bool {
        match event.kind {
            EventKind::Change => event.revision > self.from,
            EventKind::Bookmark => self.question.bookmarks && event.revision >= self.from,
            EventKind::InitialEnd => self.question.bookmarks,
            EventKind::Error => true,
        }
    }
}

impl Alone {
    async fn next(&mut self) -> Option<Result<Vec<Event>, Status>> {
        let part = self.events.next().await?;
        if let Ok(events) = &part
            && (self.end.is_some() || events.iter().any(|e| e.kind == EventKind::InitialEnd))
        {
            let last = events.last().map(|e| e.revision);
            self.end = self.end.max(last);
        }
        Some(part)
    }

    /// Once the initial events were sent, the rest is the same for everybody.
    fn shared(&mut self, question: &Question) -> Option<(Reader, i64)> {
        let end = self.end?;
        let events = std::mem::replace(&mut self.events, stream::empty().boxed());
        let asked = self.asked.clone();
        let (relay, cursor) =
            Inner::share(&self.inner, &question.key, asked, &self.head, end, events);
        Some((relay.reader(cursor), end))
    }
}
