//! The contract of storage, kept by each implementation, and the cache on each.

#![allow(clippy::print_stderr, reason = "tests say what they skip")]

use std::{
    path::{Path, PathBuf},
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

/// The etcd of the system (or the one that `ETCD` names), and the current one that
/// `make deps` builds.
fn programs() -> Vec<PathBuf> {
    let system = std::env::var("ETCD").unwrap_or_else(|_| "etcd".to_owned());
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/etcd");
    let mut out = vec![PathBuf::from(system)];
    if built.exists() {
        out.push(built);
    } else {
        eprintln!("skipped: the current etcd is not built");
    }
    out
}

/// A real etcd on free ports, if the program is there.
async fn etcd(program: &Path, dir: &Path) -> Option<(RealEtcd, Arc<dyn Storage>)> {
    let free = || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").port()
    };
    let (clients, peers) = (free(), free());
    let url = format!("http://127.0.0.1:{clients}");
    let peer = format!("http://127.0.0.1:{peers}");
    let child = Command::new(program)
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

/// Writers read their own writes, and watchers see each change once, in order.
async fn many_at_once(storage: Arc<dyn Storage>) {
    const WRITERS: usize = 8;
    const WRITES: usize = 60;
    let cache: Arc<Cache<()>> = Arc::new(Cache::new(
        Arc::clone(&storage),
        "/many/",
        Options::default(),
    ));
    let from = cache.snapshot().await.expect("fills").revision;
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let (storage, cache) = (Arc::clone(&storage), Arc::clone(&cache));
        tasks.spawn(async move {
            for i in 0..WRITES {
                let key = format!("/many/{writer}");
                let value = i.to_string();
                let put = Op::Put {
                    key: key.clone().into(),
                    value: value.clone().into(),
                    lease: 0,
                };
                let request = TxnRequest {
                    success: vec![put],
                    ..TxnRequest::default()
                };
                let revision = storage.txn(request).await.expect("writes").revision;
                let now = match cache.snapshot_consistent().await {
                    Err(catena_cache::Error::NoProgress) => continue,
                    now => now.expect("reads"),
                };
                assert!(now.revision >= revision);
                let entry = now.get(key.as_bytes()).expect("was written");
                assert_eq!(entry.value(), value.as_bytes(), "its own write");
            }
            Vec::new()
        });
    }
    for _ in 0..4 {
        let cache = Arc::clone(&cache);
        tasks.spawn(async move {
            let mut watcher = cache.watch(from).await.expect("a watcher");
            let mut seen = Vec::new();
            while seen.len() < WRITERS * WRITES {
                for batch in watcher.next().await.expect("is not slow") {
                    seen.extend(batch.changes.iter().map(|c| c.revision));
                }
            }
            seen
        });
    }
    while let Some(seen) = tasks.join_next().await {
        let seen = seen.expect("no panic");
        assert!(seen.is_sorted_by(|a, b| a < b), "each once and in order");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn in_memory() {
    let storage = Arc::new(Memory::default());
    contract(storage.clone(), "/contract/").await;
    cached(storage.clone()).await;
    many_at_once(storage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn the_engine_in_process() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = Arc::new(engine(dir.path()));
    contract(engine.clone(), "/contract/").await;
    cached(engine.clone()).await;
    many_at_once(engine).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn the_store_over_grpc() {
    let dir = tempfile::tempdir().expect("a directory");
    let stop = CancellationToken::new();
    let storage = served(dir.path(), stop.clone()).await;
    contract(Arc::clone(&storage), "/contract/").await;
    cached(Arc::clone(&storage)).await;
    many_at_once(storage).await;
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn etcd_itself() {
    for program in programs() {
        let dir = tempfile::tempdir().expect("a directory");
        if let Some((_etcd, storage)) = etcd(&program, dir.path()).await {
            contract(Arc::clone(&storage), "/contract/").await;
            cached(Arc::clone(&storage)).await;
            many_at_once(storage).await;
        }
    }
}
