//! What the memory holds: every version of every key, and who watches.

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedSender;

use crate::{
    Compare, Error, Event, EventKind, KeyValue, Op, OpResponse, RangeRequest, RangeResponse,
    Result, WatchMessage, WatchRequest,
};

type Out = UnboundedSender<Result<WatchMessage>>;

pub(super) struct State {
    pub(super) revision: i64,
    pub(super) down: bool,
    pub(super) quiet: bool,
    pub(super) ranges: u64,
    compacted: i64,
    /// Versions of a key by their revisions; `None`: deleted.
    keys: BTreeMap<Bytes, BTreeMap<i64, Option<KeyValue>>>,
    history: Vec<Event>,
    watches: Vec<(u64, WatchRequest, Out)>,
    next_watch: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            // As an empty etcd has it.
            revision: 1,
            down: false,
            quiet: false,
            ranges: 0,
            compacted: 0,
            keys: BTreeMap::new(),
            history: Vec::new(),
            watches: Vec::new(),
            next_watch: 0,
        }
    }
}

fn within(key: &Bytes, start: &Bytes, end: &Bytes) -> bool {
    if end.is_empty() {
        return key == start;
    }
    // An end of one zero byte is behind every key.
    key >= start && (end.as_ref() == [0] || key < end)
}

impl State {
    fn at(&self, key: &Bytes, revision: i64) -> Option<&KeyValue> {
        let (_, kv) = self.keys.get(key)?.range(..=revision).next_back()?;
        kv.as_ref()
    }

    pub(super) fn holds(&self, compare: &Compare) -> bool {
        let Compare::ModRevision { key, equals } = compare;
        self.at(key, self.revision).map_or(0, |kv| kv.mod_revision) == *equals
    }

    pub(super) fn range(&self, r: &RangeRequest) -> Result<RangeResponse> {
        if r.revision > self.revision {
            return Err(Error::FutureRevision);
        }
        if r.revision > 0 && r.revision < self.compacted {
            return Err(Error::Compacted {
                oldest: self.compacted,
            });
        }
        let revision = if r.revision > 0 {
            r.revision
        } else {
            self.revision
        };
        let keys = self.keys.keys().filter(|k| within(k, &r.key, &r.end));
        let mut kvs: Vec<KeyValue> = keys.filter_map(|k| self.at(k, revision).cloned()).collect();
        let count = kvs.len();
        if r.limit > 0 {
            kvs.truncate(usize::try_from(r.limit).unwrap_or(usize::MAX));
        }
        let more = kvs.len() < count;
        if r.count_only {
            kvs.clear();
        }
        if r.keys_only {
            kvs.iter_mut().for_each(|kv| kv.value = Bytes::new());
        }
        Ok(RangeResponse {
            revision: self.revision,
            more: more && !r.count_only,
            count: i64::try_from(count).unwrap_or(i64::MAX),
            kvs,
        })
    }

    /// Runs operations as one revision, if one of them changes something.
    pub(super) fn run(&mut self, ops: &[Op]) -> Vec<OpResponse> {
        let next = self.revision + 1;
        let mut events = Vec::new();
        let mut out = Vec::new();
        for op in ops {
            let key = match op {
                Op::Put { key, .. } | Op::Delete { key } | Op::Get { key } => key,
            };
            let old = self.at(key, next).cloned();
            out.push(match op {
                Op::Get { .. } => OpResponse::Get(old),
                Op::Put { key, value, lease } => {
                    let kv = KeyValue {
                        key: key.clone(),
                        value: value.clone(),
                        create_revision: old.as_ref().map_or(next, |o| o.create_revision),
                        mod_revision: next,
                        version: old.as_ref().map_or(1, |o| o.version + 1),
                        lease: *lease,
                    };
                    self.write(key, next, Some(kv.clone()));
                    events.push(event(EventKind::Put, kv, old));
                    OpResponse::Put
                }
                Op::Delete { key } => {
                    if let Some(old) = &old {
                        self.write(key, next, None);
                        let kv = KeyValue {
                            key: key.clone(),
                            mod_revision: next,
                            ..KeyValue::default()
                        };
                        events.push(event(EventKind::Delete, kv, Some(old.clone())));
                    }
                    OpResponse::Delete(old)
                }
            });
        }
        if !events.is_empty() {
            self.revision = next;
            self.history.extend(events.iter().cloned());
            self.watches
                .retain(|(_, w, out)| tell(w, out, next, &events));
        }
        out
    }

    fn write(&mut self, key: &Bytes, revision: i64, kv: Option<KeyValue>) {
        self.keys
            .entry(key.clone())
            .or_default()
            .insert(revision, kv);
    }

    pub(super) fn watch(&mut self, request: WatchRequest, out: Out) -> u64 {
        self.next_watch += 1;
        let id = self.next_watch;
        let (from, revision) = (request.start_revision, self.revision);
        if from > 0 && from < self.compacted {
            let oldest = self.compacted;
            let _ = out.send(Err(Error::Compacted { oldest }));
            return id;
        }
        let _ = out.send(Ok(WatchMessage::Created { revision }));
        if from > 0 {
            let past = self.history.iter().filter(|e| e.kv.mod_revision >= from);
            let past: Vec<Event> = past.cloned().collect();
            for events in past.chunk_by(|a, b| a.kv.mod_revision == b.kv.mod_revision) {
                tell(&request, &out, events[0].kv.mod_revision, events);
            }
        }
        self.watches.push((id, request, out));
        id
    }

    pub(super) fn send(&self, watch: u64, message: Result<WatchMessage>) {
        if let Some((_, _, out)) = self.watches.iter().find(|(id, ..)| *id == watch) {
            let _ = out.send(message);
        }
    }

    pub(super) fn break_watches(&mut self) {
        for (_, _, out) in self.watches.drain(..) {
            let _ = out.send(Err(Error::Unavailable("an outage".to_owned())));
        }
    }

    pub(super) fn open_watches(&mut self) -> usize {
        self.watches.retain(|(_, _, out)| !out.is_closed());
        self.watches.len()
    }

    pub(super) fn compact(&mut self, revision: i64) -> Result<()> {
        if revision <= self.compacted {
            return Err(Error::Compacted {
                oldest: self.compacted,
            });
        }
        if revision > self.revision {
            return Err(Error::FutureRevision);
        }
        self.compacted = revision;
        self.history.retain(|e| e.kv.mod_revision >= revision);
        for versions in self.keys.values_mut() {
            let last = versions.range(..=revision).next_back().map(|(r, _)| *r);
            if let Some(last) = last {
                versions.retain(|r, kv| *r > last || (*r == last && kv.is_some()));
            }
        }
        self.keys.retain(|_, versions| !versions.is_empty());
        Ok(())
    }
}

pub(super) fn size(op: &Op) -> usize {
    match op {
        Op::Put { key, value, .. } => key.len() + value.len(),
        Op::Delete { key } | Op::Get { key } => key.len(),
    }
}

fn event(kind: EventKind, kv: KeyValue, prev: Option<KeyValue>) -> Event {
    Event { kind, kv, prev }
}

/// Whether the watcher is still there.
fn tell(request: &WatchRequest, out: &Out, revision: i64, events: &[Event]) -> bool {
    if revision < request.start_revision {
        return !out.is_closed();
    }
    let mut events: Vec<Event> = events
        .iter()
        .filter(|e| within(&e.kv.key, &request.key, &request.end))
        .cloned()
        .collect();
    if events.is_empty() {
        return !out.is_closed();
    }
    if !request.prev_kv {
        events.iter_mut().for_each(|e| e.prev = None);
    }
    out.send(Ok(WatchMessage::Events { revision, events }))
        .is_ok()
}
