//! The storage contract is the same in the process and over the network.

use std::sync::Arc;

use bytes::Bytes;
use catena_runtime::{
    flags,
    net::{Endpoint, Listener},
};
use catena_storage::{
    Compare, Error, EventKind, Op, OpResponse, RangeRequest, Storage, TxnRequest, Watch,
    WatchMessage, WatchRequest,
};
use catena_storage_etcd::EtcdStorage;
use catena_store::{Engine, EngineOptions, serve_on};
use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;

fn put(key: &'static str, value: &'static str, expected: i64) -> TxnRequest {
    let key = Bytes::from(key);
    TxnRequest {
        compare: vec![Compare::ModRevision {
            key: key.clone(),
            equals: expected,
        }],
        success: vec![Op::Put {
            key: key.clone(),
            value: value.into(),
            lease: 0,
        }],
        failure: vec![Op::Get { key }],
    }
}

async fn next(watch: &mut Watch) -> Result<WatchMessage, Error> {
    watch.messages.next().await.expect("a message")
}

async fn watch(storage: &dyn Storage, start_revision: i64) -> Watch {
    let request = WatchRequest {
        key: "/r/".into(),
        end: "/r0".into(),
        start_revision,
        prev_kv: true,
        progress_notify: true,
    };
    storage.watch(request).await.expect("watch")
}

async fn fulfills(storage: Arc<dyn Storage>) {
    let storage = &*storage;
    transactions_and_events(storage).await;
    history(storage).await;
    limits(storage).await;
}

async fn transactions_and_events(storage: &dyn Storage) {
    let created = storage.txn(put("/r/a", "1", 0)).await.expect("txn");
    assert_eq!((created.succeeded, created.revision), (true, 2));
    assert_eq!(created.responses, [OpResponse::Put]);
    let refused = storage.txn(put("/r/a", "2", 0)).await.expect("txn");
    let [OpResponse::Get(Some(found))] = &refused.responses[..] else {
        panic!("{refused:?}");
    };
    assert_eq!(
        (refused.succeeded, found.mod_revision, &*found.value),
        (false, 2, &b"1"[..])
    );
    let mut live = watch(storage, 3).await;
    assert!(matches!(
        next(&mut live).await,
        Ok(WatchMessage::Created { .. })
    ));
    storage.txn(put("/r/a", "2", 2)).await.expect("txn");
    storage.txn(put("/r/b", "3", 0)).await.expect("txn");
    let delete = TxnRequest {
        success: vec![Op::Delete { key: "/r/a".into() }],
        ..TxnRequest::default()
    };
    let deleted = storage.txn(delete).await.expect("txn");
    let [OpResponse::Delete(Some(old))] = &deleted.responses[..] else {
        panic!("{deleted:?}");
    };
    assert_eq!((&*old.value, old.version), (&b"2"[..], 2));
    let mut seen = Vec::new();
    while seen.len() < 3 {
        if let WatchMessage::Events { events, .. } = next(&mut live).await.expect("events") {
            seen.extend(events);
        }
    }
    let shown: Vec<_> = seen
        .iter()
        .map(|e| {
            (
                e.kind.clone(),
                e.kv.mod_revision,
                e.prev.as_ref().map(|p| p.mod_revision),
            )
        })
        .collect();
    let expected = [
        (EventKind::Put, 3, Some(2)),
        (EventKind::Put, 4, None),
        (EventKind::Delete, 5, Some(3)),
    ];
    assert_eq!(shown, expected);
    // A write elsewhere moves progress on, too.
    storage.txn(put("/other", "1", 0)).await.expect("txn");
    live.progress.request();
    while next(&mut live).await.expect("progress") != (WatchMessage::Progress { revision: 6 }) {}
}

/// After six revisions.
async fn history(storage: &dyn Storage) {
    let page = RangeRequest {
        limit: 1,
        revision: 4,
        ..RangeRequest::prefix("/r/")
    };
    let page = storage.range(page).await.expect("range");
    assert_eq!(
        (page.kvs.len(), page.more, page.count, page.revision),
        (1, true, 2, 6)
    );
    storage.compact(5).await.expect("compact");
    let old = RangeRequest {
        revision: 4,
        ..RangeRequest::key("/r/a")
    };
    assert!(matches!(
        storage.range(old).await,
        Err(Error::Compacted { .. })
    ));
    let future = RangeRequest {
        revision: 99,
        ..RangeRequest::key("/r/a")
    };
    assert_eq!(storage.range(future).await, Err(Error::FutureRevision));
    let mut late = watch(storage, 2).await;
    loop {
        match next(&mut late).await {
            Ok(WatchMessage::Created { .. }) => {}
            other => {
                assert_eq!(other, Err(Error::Compacted { oldest: 5 }));
                break;
            }
        }
    }
}

async fn limits(storage: &dyn Storage) {
    let mut large = put("/r/large", "", 0);
    large.success = vec![Op::Put {
        key: "/r/large".into(),
        value: vec![0; 4 << 20].into(),
        lease: 0,
    }];
    assert_eq!(storage.txn(large).await, Err(Error::TooLarge));
    assert_ne!(storage.lease_grant(60).await.expect("lease"), 0);
    let status = storage.status().await.expect("status");
    assert_eq!(status.revision, 6);
    assert!(status.db_size_bytes > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_process() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = Engine::open(dir.path(), EngineOptions::default()).expect("opens");
    fulfills(Arc::new(engine)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_network() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = Engine::open(&dir.path().join("data"), EngineOptions::default()).expect("opens");
    let socket = dir.path().join("socket");
    let listener = Listener::bind(&Endpoint::Unix(socket.clone()))
        .await
        .expect("binds");
    let stop = CancellationToken::new();
    let _end = stop.clone().drop_guard();
    tokio::spawn(serve_on(listener, engine, None, stop));
    let storage = EtcdStorage::connect(&flags::Etcd {
        etcd_servers: vec![format!("unix://{}", socket.display())],
        etcd_cafile: None,
        etcd_certfile: None,
        etcd_keyfile: None,
        etcd_prefix: "/registry".to_owned(),
    });
    fulfills(Arc::new(storage.expect("connects"))).await;
}
