//! Writers, readers, watchers and compactions at once.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use catena_proto::mvccpb::{Event, KeyValue};

use super::*;

const WRITES: usize = 400;
const KEYS: usize = 30;

async fn write(engine: Engine, writer: usize) {
    for n in 0..WRITES {
        let key: Bytes = format!("k{}", (n * 7 + writer) % KEYS).into();
        if n % 5 == 4 {
            let request = pb::DeleteRangeRequest {
                key,
                ..Default::default()
            };
            engine.delete_range(request).await.expect("delete");
        } else {
            let request = pb::PutRequest {
                key,
                value: format!("{writer}-{n}").into(),
                ..Default::default()
            };
            engine.put(request).await.expect("put");
        }
    }
}

/// Lists at the newest revision and follows on from there, again and again.
/// What a list and the events after it give must be what the next list gives.
async fn follow(engine: Engine, done: Arc<AtomicBool>) {
    let list = || async {
        let listed = engine.range(all()).await.expect("list");
        let revision = listed.header.expect("a header").revision;
        let state: BTreeMap<_, _> = listed
            .kvs
            .into_iter()
            .map(|kv| (kv.key.clone(), kv))
            .collect();
        (state, revision)
    };
    let (mut state, from) = list().await;
    let mut watcher = watch(&engine, from + 1);
    let mut finished = false;
    while !finished {
        finished = done.load(Ordering::Acquire);
        let (expected, to) = list().await;
        while watcher.reported() < to {
            match watcher.next().await {
                Ok(report) => {
                    let compacted = engine.compact_revision();
                    for event in report.events {
                        apply(&mut state, event, compacted);
                    }
                }
                // It was too slow: it begins again.
                Err(Error::Compacted { .. }) => {
                    let (listed, from) = list().await;
                    state = listed;
                    watcher = watch(&engine, from + 1);
                }
                Err(e) => panic!("{e}"),
            }
        }
        if watcher.reported() == to {
            assert_eq!(state, expected, "at {to}");
        }
    }
}

fn watch(engine: &Engine, start_revision: i64) -> Watcher {
    engine.watch(WatchOptions {
        key: "a".into(),
        range_end: "z".into(),
        start_revision,
        prev_kv: true,
        ..WatchOptions::default()
    })
}

fn apply(state: &mut BTreeMap<Bytes, KeyValue>, event: Event, compacted: i64) {
    let deleted = event.r#type() == EventType::Delete;
    let kv = event.kv.expect("a key");
    // What was before is exactly what the events before made; what was before
    // the oldest revision may be gone.
    let gone = event.prev_kv.is_none() && kv.mod_revision <= compacted;
    assert!(
        gone || event.prev_kv.as_ref() == state.get(&kv.key),
        "{kv:?}"
    );
    if deleted {
        state.remove(&kv.key);
    } else {
        state.insert(kv.key.clone(), kv);
    }
}

async fn compact(engine: Engine, done: Arc<AtomicBool>) {
    while !done.load(Ordering::Acquire) {
        let revision = engine.revision();
        if revision > engine.compact_revision() {
            engine.compact(revision, true).await.expect("compact");
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everybody_sees_one_history() {
    for watch_bytes in [0, 1 << 12, 1 << 24] {
        let f = with(EngineOptions {
            unsafe_no_fsync: true,
            watch_bytes,
            ..EngineOptions::default()
        });
        let done = Arc::new(AtomicBool::new(false));
        let mut others = tokio::task::JoinSet::new();
        for _ in 0..3 {
            others.spawn(follow(f.engine.clone(), Arc::clone(&done)));
        }
        others.spawn(compact(f.engine.clone(), Arc::clone(&done)));
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..4 {
            writers.spawn(write(f.engine.clone(), writer));
        }
        while let Some(ended) = writers.join_next().await {
            ended.expect("a writer");
        }
        done.store(true, Ordering::Release);
        while let Some(ended) = others.join_next().await {
            ended.expect("a follower");
        }
        let before = f.engine.hash(0).await;
        let f = f.reopen();
        assert_eq!(f.engine.hash(0).await, before);
    }
}
