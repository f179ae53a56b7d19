//! The latest events of a relay.

use std::collections::VecDeque;

use catena_delegate::{Event, EventKind};

/// Bounds of the frames that are kept; who is slower watches anew.
const BYTES: usize = 2 << 20;
const EVENTS: usize = 4096;
/// Events handed over at a time.
const AT_ONCE: usize = 64;
const BYTES_AT_ONCE: usize = 64 << 10;

pub(super) struct Ring {
    events: VecDeque<Event>,
    /// Number of the first event.
    first: u64,
    /// Every change after this revision is here.
    base: i64,
    /// Every change up to this revision came.
    seen: i64,
    bytes: usize,
    /// Where the last bookmark but one was: what is older has been read.
    marked: u64,
}

impl Ring {
    pub(super) fn new(base: i64) -> Self {
        Self {
            events: VecDeque::new(),
            first: 0,
            base,
            seen: base,
            bytes: 0,
            marked: 0,
        }
    }

    pub(super) fn seen(&self) -> i64 {
        self.seen
    }

    /// Number of the event that comes next.
    pub(super) fn end(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    pub(super) fn push(&mut self, event: Event) {
        self.seen = self.seen.max(event.revision);
        self.bytes += event.frame.len();
        let bookmark = event.kind == EventKind::Bookmark;
        self.events.push_back(event);
        let old = self.marked;
        if bookmark {
            self.marked = self.end();
        }
        while self.bytes > BYTES || self.events.len() > EVENTS || (bookmark && self.first < old) {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some(event) = self.events.pop_front() {
            self.first += 1;
            self.bytes -= event.frame.len();
            self.base = self.base.max(event.revision);
        }
    }

    /// Number of the first event after a revision, if nothing between is gone.
    pub(super) fn after(&self, revision: i64) -> Option<u64> {
        if revision < self.base {
            return None;
        }
        let i = self.events.partition_point(|e| e.revision <= revision);
        Some(self.first + i as u64)
    }

    /// Events from a number on. `None`: it is gone.
    pub(super) fn read(&self, from: u64) -> Option<Vec<Event>> {
        let skip = usize::try_from(from.checked_sub(self.first)?).ok()?;
        let mut size = 0;
        let fitting = self.events.iter().skip(skip).take(AT_ONCE).take_while(|e| {
            let fits = size == 0 || size + e.frame.len() <= BYTES_AT_ONCE;
            size += e.frame.len();
            fits
        });
        Some(fitting.cloned().collect())
    }
}
