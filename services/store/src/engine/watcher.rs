//! One watch: a cursor into history.

use std::sync::Arc;

use bytes::Bytes;
use catena_proto::mvccpb::{Event, KeyValue, event::EventType};
use tokio::{sync::watch, task::JoinHandle};

use super::{
    Engine, Error, Shared,
    hub::{Change, Commit, Recent},
    index::Span,
    record::{Record, Rev},
};

/// Revisions looked at in one step.
const STEP: usize = 1024;
/// Changes read from disk in one step.
const READ: usize = 20_000;
/// Bytes of events in one message, unless a single revision has more.
const MESSAGE: usize = 1 << 20;

/// What a watch reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchOptions {
    pub key: Bytes,
    /// As in a range.
    pub range_end: Bytes,
    /// First revision to report; 0: from now on.
    pub start_revision: i64,
    pub prev_kv: bool,
    pub no_put: bool,
    pub no_delete: bool,
}

/// Everything that was not reported yet, up to `revision`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub revision: i64,
    /// Of whole revisions.
    pub events: Vec<Event>,
}

/// Follows history from a revision on. Holds the engine open.
pub struct Watcher {
    engine: Engine,
    span: Span,
    options: WatchOptions,
    /// First revision that was not looked at.
    next: i64,
    visible: watch::Receiver<i64>,
    /// A read of history that runs; it survives a caller who stops waiting.
    reading: Option<JoinHandle<Result<Report, Error>>>,
}

impl Watcher {
    pub(super) fn new(engine: Engine, options: WatchOptions) -> Self {
        let visible = engine.shared().hub.subscribe();
        let now = *visible.borrow();
        Self {
            span: Span::new(options.key.clone(), options.range_end.clone()),
            next: match options.start_revision {
                ..=0 => now + 1,
                given => given,
            },
            options,
            engine,
            visible,
            reading: None,
        }
    }

    /// Everything up to this revision was reported.
    pub fn reported(&self) -> i64 {
        (self.next - 1).min(self.engine.revision())
    }

    /// Waits until there is a revision that was not looked at. May report
    /// nothing but progress. Can be dropped and called again.
    ///
    /// # Errors
    /// [`Error::Compacted`] when revisions it would have to report are gone.
    pub async fn next(&mut self) -> Result<Report, Error> {
        let visible = *self
            .visible
            .wait_for(|v| *v >= self.next)
            .await
            .map_err(|_| Error::Stopped)?;
        self.shared().check_compacted(self.next)?;
        let recent = match self.reading {
            Some(_) => Recent::Before(visible),
            None => self.shared().hub.recent(self.next, visible, STEP),
        };
        let report = match recent {
            Recent::Commits(commits) => self.collect(&commits)?,
            Recent::Before(last) => self.read_history(last).await?,
        };
        self.next = report.revision + 1;
        Ok(report)
    }

    fn collect(&self, commits: &[Arc<Commit>]) -> Result<Report, Error> {
        let mut out = Collector::new(self.shared(), &self.span, &self.options, self.next);
        for commit in commits {
            for change in &commit.changes {
                out.change(change);
            }
            if !out.end(commit.revision) {
                break;
            }
        }
        if self.options.prev_kv {
            // A previous value may have been dropped before it was read.
            self.check()?;
        }
        Ok(out.report)
    }

    /// Whether what it would report next is gone already.
    ///
    /// # Errors
    /// [`Error::Compacted`].
    pub fn check(&self) -> Result<(), Error> {
        self.shared().check_compacted(self.next)
    }

    fn shared(&self) -> &Shared {
        self.engine.shared()
    }

    async fn read_history(&mut self, last: i64) -> Result<Report, Error> {
        let reading = self.reading.get_or_insert_with(|| {
            let (engine, span) = (self.engine.clone(), self.span.clone());
            let (options, from) = (self.options.clone(), self.next);
            let read = move || history(engine.shared(), &span, &options, from, last);
            tokio::task::spawn_blocking(read)
        });
        let report = reading.await.map_err(|_| Error::Stopped);
        self.reading = None;
        report?
    }
}

fn history(
    shared: &Shared,
    span: &Span,
    options: &WatchOptions,
    from: i64,
    last: i64,
) -> Result<Report, Error> {
    let mut out = Collector::new(shared, span, options, from);
    let (mut open, mut seen) = (from, 0);
    for item in shared.disk.history(from, last) {
        let (rev, record) = item?;
        if rev.main > open {
            open = rev.main;
            if !out.end(open - 1) || seen > READ {
                // What was removed while it was read would be missing.
                shared.check_compacted(from)?;
                return Ok(out.report);
            }
        }
        seen += 1;
        if out.wants(&record) {
            let prev = options
                .prev_kv
                .then(|| shared.before(&record.key, rev.main));
            out.event(rev, record, prev.flatten());
        }
    }
    out.end(last);
    shared.check_compacted(from)?;
    Ok(out.report)
}

struct Collector<'a> {
    shared: &'a Shared,
    span: &'a Span,
    options: &'a WatchOptions,
    report: Report,
    bytes: usize,
}

impl<'a> Collector<'a> {
    fn new(shared: &'a Shared, span: &'a Span, options: &'a WatchOptions, from: i64) -> Self {
        Self {
            shared,
            span,
            options,
            report: Report {
                revision: from - 1,
                events: Vec::new(),
            },
            bytes: 0,
        }
    }

    fn wants(&self, record: &Record) -> bool {
        let filtered = if record.tombstone {
            self.options.no_delete
        } else {
            self.options.no_put
        };
        !filtered && self.span.contains(&record.key)
    }

    fn change(&mut self, change: &Change) {
        if !self.wants(&change.record) {
            return;
        }
        let prev = self.options.prev_kv.then(|| {
            let read = || self.shared.before(&change.record.key, change.rev.main);
            change.prev.get_or_init(read).clone()
        });
        self.event(change.rev, change.record.clone(), prev.flatten());
    }

    fn event(&mut self, rev: Rev, record: Record, prev_kv: Option<KeyValue>) {
        let kind = if record.tombstone {
            EventType::Delete
        } else {
            EventType::Put
        };
        let kv = record.into_kv(rev);
        self.bytes += kv.key.len() + kv.value.len();
        self.bytes += prev_kv.as_ref().map_or(0, |p| p.key.len() + p.value.len());
        self.report.events.push(Event {
            r#type: kind.into(),
            kv: Some(kv),
            prev_kv,
        });
    }

    /// A revision is whole. Says whether there is room for more.
    fn end(&mut self, revision: i64) -> bool {
        self.report.revision = revision;
        self.bytes < MESSAGE
    }
}
