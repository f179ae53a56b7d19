use super::*;

/// `PUT key=value@mod` with `<value` of what was before.
async fn events(watcher: &mut Watcher, count: usize) -> Vec<String> {
    let mut out = Vec::new();
    while out.len() < count {
        for event in watcher.next().await.expect("report").events {
            let kv = event.kv.as_ref().map(show).unwrap_or_default();
            let prev = event.prev_kv.as_ref().map(show).unwrap_or_default();
            out.push(format!("{} {kv}<{prev}", event.r#type().as_str_name()));
        }
    }
    out
}

const EXPECTED: [&str; 5] = [
    "PUT a=1@2<",
    "PUT b=2@3<",
    "PUT a=3@4<a=1@2",
    "DELETE a=@5<a=3@4",
    "PUT a=4@6<",
];

async fn write(f: &Fixture) {
    f.put("a", "1").await;
    f.put("b", "2").await;
    f.put("a", "3").await;
    f.delete("a").await;
    f.put("a", "4").await;
}

#[tokio::test]
async fn changes_as_they_come() {
    let f = fixture();
    let mut watcher = f.watch(0);
    write(&f).await;
    assert_eq!(events(&mut watcher, 5).await, EXPECTED);
    assert_eq!(watcher.reported(), 6);
}

#[tokio::test]
async fn history_from_memory_and_from_disk() {
    let f = fixture();
    write(&f).await;
    assert_eq!(events(&mut f.watch(2), 5).await, EXPECTED);
    let f = f.reopen();
    assert_eq!(events(&mut f.watch(1), 5).await, EXPECTED);
    let mut late = f.watch(4);
    assert_eq!(events(&mut late, 3).await, EXPECTED[2..]);
    f.put("c", "5").await;
    assert_eq!(events(&mut late, 1).await, ["PUT c=5@7<"]);
}

#[tokio::test]
async fn a_watcher_that_is_behind_the_memory_misses_nothing() {
    let f = with(EngineOptions {
        unsafe_no_fsync: true,
        watch_bytes: 600,
        ..EngineOptions::default()
    });
    let mut watcher = f.watch(0);
    for _ in 0..300 {
        f.put("a", "x").await;
    }
    let seen = events(&mut watcher, 300).await;
    assert_eq!(seen.len(), 300);
    assert_eq!(seen[299], "PUT a=x@301<a=x@300");
}

#[tokio::test]
async fn a_transaction_is_reported_whole() {
    let f = fixture();
    let mut watcher = f.watch(0);
    let request = pb::TxnRequest {
        success: vec![
            op(Req::RequestPut(put("a", "1"))),
            op(Req::RequestPut(put("b", "2"))),
        ],
        ..Default::default()
    };
    f.engine.txn(request).await.expect("txn");
    let report = watcher.next().await.expect("report");
    assert_eq!((report.revision, report.events.len()), (2, 2));
}

#[tokio::test]
async fn filters_and_other_keys_give_progress_only() {
    let f = fixture();
    let mut watcher = f.engine.watch(WatchOptions {
        key: "a".into(),
        no_put: true,
        ..WatchOptions::default()
    });
    write(&f).await;
    assert_eq!(events(&mut watcher, 1).await, ["DELETE a=@5<"]);
}

#[tokio::test]
async fn what_is_compacted_cannot_be_watched() {
    let f = fixture();
    write(&f).await;
    f.engine.compact(4, true).await.expect("compacts");
    let error = f.watch(3).next().await;
    assert_eq!(error, Err(Error::Compacted { oldest: 4 }));
    // What was before the oldest revision is not known any more.
    let seen = events(&mut f.watch(4), 3).await;
    assert_eq!(seen, ["PUT a=3@4<", EXPECTED[3], EXPECTED[4]]);
}

#[tokio::test]
async fn the_storage_contract() {
    use catena_storage::{
        Compare, Op, OpResponse, Storage, TxnRequest, WatchMessage, WatchRequest,
    };
    use futures_util::StreamExt as _;
    let f = fixture();
    let storage: &dyn Storage = &f.engine;
    let mut watch = storage
        .watch(WatchRequest {
            key: "a".into(),
            end: "z".into(),
            ..WatchRequest::default()
        })
        .await
        .expect("watch");
    let created = watch.messages.next().await.expect("a message");
    assert_eq!(created, Ok(WatchMessage::Created { revision: 1 }));
    let key = Bytes::from("a");
    let request = TxnRequest {
        compare: vec![Compare::ModRevision {
            key: key.clone(),
            equals: 0,
        }],
        success: vec![Op::Put {
            key: key.clone(),
            value: "1".into(),
            lease: 0,
        }],
        failure: vec![Op::Get { key: key.clone() }],
    };
    assert!(storage.txn(request.clone()).await.expect("txn").succeeded);
    let failed = storage.txn(request).await.expect("txn");
    let [OpResponse::Get(Some(kv))] = &failed.responses[..] else {
        panic!("{failed:?}");
    };
    assert_eq!((kv.mod_revision, &*kv.value), (2, &b"1"[..]));
    let changed = watch.messages.next().await.expect("a message");
    let Ok(WatchMessage::Events {
        revision: 2,
        events,
    }) = changed
    else {
        panic!("{changed:?}");
    };
    assert_eq!(events.len(), 1);
    watch.progress.request();
    let progress = watch.messages.next().await.expect("a message");
    assert_eq!(progress, Ok(WatchMessage::Progress { revision: 2 }));
    assert_eq!(storage.status().await.expect("status").revision, 2);
}
