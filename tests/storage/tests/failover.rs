//! A client of several servers of one store goes on when one of them goes.

use std::path::Path;

use catena_runtime::{
    flags::Etcd,
    net::{Endpoint, Listener},
};
use catena_storage::{
    Error, Op, RangeRequest, Storage as _, TxnRequest, WatchMessage, WatchRequest,
};
use catena_storage_etcd::EtcdStorage;
use catena_store::{Engine, EngineOptions, serve_on};
use tokio_util::sync::CancellationToken;

/// One more door of the store.
async fn door(engine: &Engine, socket: &Path) -> (CancellationToken, tokio::task::JoinHandle<()>) {
    let address = Endpoint::Unix(socket.to_owned());
    let listener = Listener::bind(&address).await.expect("binds");
    let stop = CancellationToken::new();
    let serving = serve_on(listener, engine.clone(), None, stop.clone());
    let task = tokio::spawn(async move { serving.await.expect("serves") });
    (stop, task)
}

#[tokio::test]
async fn another_server_is_asked() {
    let dir = tempfile::tempdir().expect("a directory");
    let options = EngineOptions {
        unsafe_no_fsync: true,
        ..EngineOptions::default()
    };
    let engine = Engine::open(&dir.path().join("data"), options).expect("opens");
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    let (stop_one, gone) = door(&engine, &one).await;
    let (stop_two, _two) = door(&engine, &two).await;
    let storage = EtcdStorage::connect(&Etcd {
        etcd_servers: vec![
            format!("unix://{}", one.display()),
            format!("unix://{}", two.display()),
        ],
        etcd_cafile: None,
        etcd_certfile: None,
        etcd_keyfile: None,
        etcd_prefix: "/registry".to_owned(),
    })
    .expect("addresses");
    let request = |value: &'static str| TxnRequest {
        success: vec![Op::Put {
            key: "/k".into(),
            value: value.into(),
            lease: 0,
        }],
        ..TxnRequest::default()
    };
    let first = storage.txn(request("1")).await.expect("writes").revision;
    let watch = WatchRequest {
        key: "/k".into(),
        start_revision: first + 1,
        ..WatchRequest::default()
    };
    let mut watching = storage.watch(watch.clone()).await.expect("watches");
    stop_one.cancel();
    gone.await.expect("ends");
    // The watch tells that it broke, and goes on elsewhere without a loss.
    let end = loop {
        match futures_util::StreamExt::next(&mut watching.messages).await {
            Some(Ok(WatchMessage::Created { .. } | WatchMessage::Progress { .. })) => {}
            other => break other,
        }
    };
    assert!(matches!(end, Some(Err(Error::Unavailable(_)))), "{end:?}");
    let second = loop {
        match storage.txn(request("2")).await {
            Ok(answer) => break answer.revision,
            Err(e) => assert!(e.retryable(), "{e}"),
        }
    };
    let kv = storage.range(RangeRequest::key("/k")).await.expect("reads");
    assert_eq!(kv.kvs[0].value.as_ref(), b"2");
    let mut watching = storage.watch(watch).await.expect("watches");
    let revision = loop {
        match futures_util::StreamExt::next(&mut watching.messages).await {
            Some(Ok(WatchMessage::Events { revision, .. })) => break revision,
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(revision, second);
    stop_two.cancel();
}
