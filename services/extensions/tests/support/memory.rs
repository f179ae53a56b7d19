//! Storage in memory, with revisions, compares and watches as etcd has them.

use std::{collections::BTreeMap, sync::Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use catena_storage::*;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;

#[derive(Default)]
pub(crate) struct Memory(Mutex<State>);

#[derive(Default)]
struct State {
    revision: i64,
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
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics while holding the lock")
    }
}

#[async_trait]
impl Storage for Memory {
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse> {
        Ok(self.state().range(&request))
    }

    async fn txn(&self, request: TxnRequest) -> Result<TxnResponse> {
        let mut state = self.state();
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
        let mut state = self.state();
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
            messages: UnboundedReceiverStream::new(messages).boxed(),
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
            revision: self.state().revision,
            db_size_bytes: 0,
        })
    }
}
