//! The contract of storage, kept by each implementation, and the cache on each.

#![allow(clippy::print_stderr, reason = "tests say what they skip")]

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use catena_cache::{Cache, Options};
use catena_runtime::{
    flags::Etcd,
    net::{Endpoint, Listener},
};
use catena_storage::{
    Op, Storage, TxnRequest,
    testing::{Memory, contract},
};
use catena_storage_etcd::EtcdStorage;
use catena_store::{Engine, EngineOptions, serve_on};
use tokio_util::sync::CancellationToken;

const OBJECTS: usize = 1200;

fn client(server: String) -> Arc<dyn Storage> {
    let options = Etcd {
        etcd_servers: vec![server],
        etcd_cafile: None,
        etcd_certfile: None,
        etcd_keyfile: None,
        etcd_prefix: "/registry".to_owned(),
    };
    Arc::new(EtcdStorage::connect(&options).expect("an address"))
}

fn engine(dir: &Path) -> Engine {
    let options = EngineOptions {
        unsafe_no_fsync: true,
        ..EngineOptions::default()
    };
    Engine::open(&dir.join("data"), options).expect("opens")
}

/// The server of the engine, on a socket in the directory.
async fn served(dir: &Path, stop: CancellationToken) -> Arc<dyn Storage> {
    let socket = dir.join("socket");
    let address = Endpoint::Unix(socket.clone());
    let listener = Listener::bind(&address).await.expect("binds");
    tokio::spawn(serve_on(listener, engine(dir), None, stop));
    client(format!("unix://{}", socket.display()))
}

struct RealEtcd(Child);

impl Drop for RealEtcd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A real etcd on free ports, if the program is there.
async fn etcd(dir: &Path) -> Option<(RealEtcd, Arc<dyn Storage>)> {
    let free = || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").port()
    };
    let (clients, peers) = (free(), free());
    let url = format!("http://127.0.0.1:{clients}");
    let peer = format!("http://127.0.0.1:{peers}");
    let child = Command::new("etcd")
        .arg("--data-dir")
        .arg(dir)
        .args([
            "--listen-client-urls",
            &url,
            "--advertise-client-urls",
            &url,
        ])
        .args([
            "--listen-peer-urls",
            &peer,
            "--initial-advertise-peer-urls",
            &peer,
        ])
        .args(["--initial-cluster", &format!("default={peer}")])
        .args(["--unsafe-no-fsync", "--log-level", "error"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(child) = child else {
        eprintln!("skipped: etcd is not installed");
        return None;
    };
    let child = RealEtcd(child);
    let storage = client(url);
    for _ in 0..600 {
        if storage.status().await.is_ok() {
            return Some((child, storage));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("etcd does not come up");
}

/// The cache on a storage: fills in pages, follows, and answers consistently.
async fn cached(storage: Arc<dyn Storage>) {
    let write = async |i: usize, value: &'static str| {
        let put = Op::Put {
            key: format!("/cached/a/{i:05}").into(),
            value: value.into(),
            lease: 0,
        };
        let request = TxnRequest {
            success: vec![put],
            ..TxnRequest::default()
        };
        storage.txn(request).await.expect("writes").revision
    };
    for i in 0..OBJECTS {
        write(i, "first").await;
    }
    let cache: Cache<()> = Cache::new(Arc::clone(&storage), "/cached/", Options::default());
    let cache = Arc::new(cache);
    let start = cache.snapshot().await.expect("fills");
    assert_eq!(start.len(), OBJECTS);
    let mut watcher = cache.watch(start.revision).await.expect("a watcher");
    let last = write(7, "second").await;
    let mut seen = Vec::new();
    while seen.is_empty() {
        for batch in watcher.next().await.expect("changes") {
            seen.extend(batch.changes.iter().map(|c| (c.revision, c.key().to_vec())));
        }
    }
    assert_eq!(seen, [(last, b"/cached/a/00007".to_vec())]);
    let unrelated = TxnRequest {
        success: vec![Op::Put {
            key: "/other".into(),
            value: "x".into(),
            lease: 0,
        }],
        ..TxnRequest::default()
    };
    let unrelated = storage.txn(unrelated).await.expect("writes").revision;
    match cache.snapshot_consistent().await {
        Ok(now) => {
            assert!(now.revision >= unrelated, "{} < {unrelated}", now.revision);
            let entry = now.get(b"/cached/a/00007").expect("is there");
            assert_eq!(entry.value(), b"second");
            let before = cache.snapshot_exact(start.revision).await.expect("reached");
            let before = before.expect("is remembered");
            let entry = before.get(b"/cached/a/00007").expect("was there");
            assert_eq!(entry.value(), b"first");
        }
        Err(catena_cache::Error::NoProgress) => eprintln!("this server does not order progress"),
        Err(e) => panic!("{e}"),
    }
}

#[tokio::test]
async fn in_memory() {
    let storage = Arc::new(Memory::default());
    contract(storage.clone(), "/contract/").await;
    cached(storage).await;
}

#[tokio::test]
async fn the_engine_in_process() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = Arc::new(engine(dir.path()));
    contract(engine.clone(), "/contract/").await;
    cached(engine).await;
}

#[tokio::test]
async fn the_store_over_grpc() {
    let dir = tempfile::tempdir().expect("a directory");
    let stop = CancellationToken::new();
    let storage = served(dir.path(), stop.clone()).await;
    contract(Arc::clone(&storage), "/contract/").await;
    cached(storage).await;
    stop.cancel();
}

#[tokio::test]
async fn etcd_itself() {
    let dir = tempfile::tempdir().expect("a directory");
    if let Some((_etcd, storage)) = etcd(dir.path()).await {
        contract(Arc::clone(&storage), "/contract/").await;
        cached(storage).await;
    }
}
