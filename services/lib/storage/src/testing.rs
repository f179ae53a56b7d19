//! Storage in memory for tests: revisions, compares and watches as etcd has them,
//! and outages on demand.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::mpsc;

use crate::{
    Compare, Error, Event, EventKind, KeyValue, Op, OpResponse, RangeRequest, RangeResponse,
    RequestProgress, Result, Storage, StorageStatus, TxnRequest, TxnResponse, Watch, WatchMessage,
    WatchRequest,
};

/// A store that lives as long as the value.
#[derive(Default)]
pub struct Memory(Mutex<State>);

#[derive(Default)]
struct State {
    revision: i64,
    down: bool,
    keys: BTreeMap<Bytes, KeyValue>,
    history: Vec<(i64, Event)>,
    watches: Vec<(WatchRequest, mpsc::UnboundedSender<Result<WatchMessage>>)>,
}

fn within(key: &Bytes, start: &Bytes, end: &Bytes) -> bool {
    if end.is_empty() {
        return key == start;
    }
    key >= start && key < end
}

impl State {
    fn range(&self, r: &RangeRequest) -> RangeResponse {
        let found = self
            .keys
            .values()
            .filter(|kv| within(&kv.key, &r.key, &r.end));
        let count = found.clone().count();
        let most = if r.limit > 0 {
            r.limit as usize
        } else {
            usize::MAX
        };
        let kvs: Vec<KeyValue> = found.take(most).cloned().collect();
        RangeResponse {
            revision: self.revision,
            more: kvs.len() < count,
            count: count as i64,
            kvs: if r.count_only { Vec::new() } else { kvs },
        }
    }

    fn run(&mut self, op: &Op) -> OpResponse {
        match op {
            Op::Put { key, value, lease } => {
                let old = self.keys.get(key).cloned();
                let kv = KeyValue {
                    key: key.clone(),
                    value: value.clone(),
                    create_revision: old.as_ref().map_or(self.revision, |o| o.create_revision),
                    mod_revision: self.revision,
                    version: old.as_ref().map_or(1, |o| o.version + 1),
                    lease: *lease,
                };
                self.keys.insert(key.clone(), kv.clone());
                self.tell(EventKind::Put, kv, old);
                OpResponse::Put
            }
            Op::Delete { key } => {
                let old = self.keys.remove(key);
                if let Some(old) = &old {
                    let kv = KeyValue {
                        key: key.clone(),
                        mod_revision: self.revision,
                        ..KeyValue::default()
                    };
                    self.tell(EventKind::Delete, kv, Some(old.clone()));
                }
                OpResponse::Delete(old)
            }
            Op::Get { key } => OpResponse::Get(self.keys.get(key).cloned()),
        }
    }

    fn tell(&mut self, kind: EventKind, kv: KeyValue, prev: Option<KeyValue>) {
        let event = Event { kind, kv, prev };
        let revision = self.revision;
        self.history.push((revision, event.clone()));
        self.watches.retain(|(w, out)| {
            !within(&event.kv.key, &w.key, &w.end)
                || out
                    .send(Ok(WatchMessage::Events {
                        revision,
                        events: vec![event.clone()],
                    }))
                    .is_ok()
        });
    }
}

struct NoProgress;

impl RequestProgress for NoProgress {
    fn request(&self) {}
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics while holding the lock")
    }

    fn up(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.state();
        if state.down {
            return Err(Error::Unavailable("an outage".to_owned()));
        }
        Ok(state)
    }

    /// Sets a key, also during an outage.
    pub fn put(&self, key: &str, value: impl Into<Bytes>) {
        let mut state = self.state();
        state.revision += 1;
        state.run(&Op::Put {
            key: Bytes::copy_from_slice(key.as_bytes()),
            value: value.into(),
            lease: 0,
        });
    }

    /// Removes a key, also during an outage.
    pub fn delete(&self, key: &str) {
        let mut state = self.state();
        state.revision += 1;
        state.run(&Op::Delete {
            key: Bytes::copy_from_slice(key.as_bytes()),
        });
    }

    /// Begins an outage, which ends every watch, or ends it.
    pub fn set_down(&self, down: bool) {
        let mut state = self.state();
        state.down = down;
        if down {
            for (_, out) in state.watches.drain(..) {
                let _ = out.send(Err(Error::Unavailable("an outage".to_owned())));
            }
        }
    }
}

#[async_trait]
impl Storage for Memory {
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse> {
        Ok(self.up()?.range(&request))
    }

    async fn txn(&self, request: TxnRequest) -> Result<TxnResponse> {
        let mut state = self.up()?;
        let holds = |Compare::ModRevision { key, equals }: &Compare| {
            state.keys.get(key).map_or(0, |kv| kv.mod_revision) == *equals
        };
        let succeeded = request.compare.iter().all(holds);
        let ops = if succeeded {
            &request.success
        } else {
            &request.failure
        };
        if ops.iter().any(|op| !matches!(op, Op::Get { .. })) {
            state.revision += 1;
        }
        let responses = ops.iter().map(|op| state.run(op)).collect();
        Ok(TxnResponse {
            revision: state.revision,
            succeeded,
            responses,
        })
    }

    async fn watch(&self, request: WatchRequest) -> Result<Watch> {
        let mut state = self.up()?;
        let (out, messages) = mpsc::unbounded_channel();
        let revision = state.revision;
        let _ = out.send(Ok(WatchMessage::Created { revision }));
        if request.start_revision > 0 {
            for (revision, event) in &state.history {
                if *revision >= request.start_revision
                    && within(&event.kv.key, &request.key, &request.end)
                {
                    let _ = out.send(Ok(WatchMessage::Events {
                        revision: *revision,
                        events: vec![event.clone()],
                    }));
                }
            }
        }
        state.watches.push((request, out));
        Ok(Watch {
            messages: stream::unfold(messages, |mut messages| async move {
                let next = messages.recv().await?;
                Some((next, messages))
            })
            .boxed(),
            progress: Box::new(NoProgress),
        })
    }

    async fn compact(&self, _: i64) -> Result<()> {
        Ok(())
    }

    async fn lease_grant(&self, _: i64) -> Result<i64> {
        Ok(1)
    }

    async fn status(&self) -> Result<StorageStatus> {
        Ok(StorageStatus {
            revision: self.up()?.revision,
            db_size_bytes: 0,
        })
    }
}
