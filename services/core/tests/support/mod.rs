//! Storage in memory, with revisions and compares as etcd has them.

use std::{collections::BTreeMap, sync::Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use catena_storage::*;

#[derive(Default)]
pub(crate) struct Memory(Mutex<State>);

#[derive(Default)]
struct State {
    revision: i64,
    keys: BTreeMap<Bytes, KeyValue>,
}

impl State {
    fn range(&self, r: &RangeRequest) -> Vec<KeyValue> {
        if r.end.is_empty() {
            return self.keys.get(&r.key).cloned().into_iter().collect();
        }
        self.keys
            .range(r.key.clone()..r.end.clone())
            .map(|(_, kv)| kv.clone())
            .collect()
    }

    fn run(&mut self, op: &Op) -> OpResponse {
        match op {
            Op::Put { key, value, lease } => {
                let old = self.keys.get(key);
                let kv = KeyValue {
                    key: key.clone(),
                    value: value.clone(),
                    create_revision: old.map_or(self.revision, |o| o.create_revision),
                    mod_revision: self.revision,
                    version: old.map_or(1, |o| o.version + 1),
                    lease: *lease,
                };
                self.keys.insert(key.clone(), kv);
                OpResponse::Put
            }
            Op::Delete { key } => OpResponse::Delete(self.keys.remove(key)),
            Op::Get { key } => OpResponse::Get(self.keys.get(key).cloned()),
        }
    }
}

#[async_trait]
impl Storage for Memory {
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse> {
        let state = self
            .0
            .lock()
            .expect("no test panics while it holds the lock");
        let kvs = state.range(&request);
        Ok(RangeResponse {
            revision: state.revision,
            count: kvs.len() as i64,
            kvs,
            more: false,
        })
    }

    async fn txn(&self, request: TxnRequest) -> Result<TxnResponse> {
        let mut state = self
            .0
            .lock()
            .expect("no test panics while it holds the lock");
        let succeeded = request
            .compare
            .iter()
            .all(|Compare::ModRevision { key, equals }| {
                state.keys.get(key).map_or(0, |kv| kv.mod_revision) == *equals
            });
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

    async fn watch(&self, _: WatchRequest) -> Result<Watch> {
        Err(Error::Unavailable("no watches in this test".into()))
    }

    async fn compact(&self, _: i64) -> Result<()> {
        Ok(())
    }

    async fn lease_grant(&self, _: i64) -> Result<i64> {
        Ok(1)
    }

    async fn status(&self) -> Result<StorageStatus> {
        Ok(StorageStatus::default())
    }
}
