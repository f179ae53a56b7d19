//! The same requests to a real etcd and to a store have the same answers.
//! Without an etcd, the test says so and passes.

#[path = "etcd/requests.rs"]
mod requests;

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use catena_proto::etcdserverpb::{
    self as pb, kv_client::KvClient, lease_client::LeaseClient, response_op,
    watch_client::WatchClient, watch_request::RequestUnion,
};
use catena_runtime::net::{Endpoint, Listener};
use catena_store::{Engine, EngineOptions, serve_on};
use rand::{SeedableRng as _, rngs::StdRng};
use requests::Request;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

const SEEDS: u64 = 2;
const REQUESTS: usize = 1500;

/// The etcd to compare with: `ETCD` names another one than Debian's.
fn binary() -> String {
    std::env::var("ETCD").unwrap_or_else(|_| "/usr/bin/etcd".to_owned())
}

struct Etcd(Child);

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn connect(url: String) -> Channel {
    let endpoint = tonic::transport::Endpoint::from_shared(url).expect("a URI");
    loop {
        match endpoint.connect().await {
            Ok(channel) => return channel,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn etcd(dir: &Path) -> (Etcd, Channel) {
    // A socket is named by a port here, too: etcd wants one.
    let socket = dir.join("etcd.sock:1");
    let child = Command::new(binary())
        .current_dir(dir)
        .args(["--data-dir", "etcd", "--unsafe-no-fsync"])
        .args(["--listen-client-urls", "unix://etcd.sock:1"])
        .args(["--advertise-client-urls", "unix://etcd.sock:1"])
        .args(["--listen-peer-urls", "unix://peer.sock:2"])
        .args(["--initial-advertise-peer-urls", "http://localhost:2"])
        .args(["--initial-cluster", "default=http://localhost:2"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let etcd = Etcd(child.expect("etcd starts"));
    (etcd, connect(format!("unix://{}", socket.display())).await)
}

async fn store(dir: &Path, stop: CancellationToken) -> Channel {
    let options = EngineOptions {
        unsafe_no_fsync: true,
        // Watches from the start must read history from disk.
        watch_bytes: 1 << 14,
        ..EngineOptions::default()
    };
    let engine = Engine::open(&dir.join("store"), options).expect("opens");
    let socket = dir.join("store.sock");
    let listener = Listener::bind(&Endpoint::Unix(socket.clone()))
        .await
        .expect("binds");
    tokio::spawn(serve_on(listener, engine, None, stop));
    connect(format!("unix://{}", socket.display())).await
}

/// Of a header, only the revision is the same.
fn plain(header: &mut Option<pb::ResponseHeader>) {
    if let Some(header) = header {
        *header = pb::ResponseHeader {
            revision: header.revision,
            ..pb::ResponseHeader::default()
        };
    }
}

fn plain_txn(txn: &mut pb::TxnResponse) {
    plain(&mut txn.header);
    for op in &mut txn.responses {
        match &mut op.response {
            Some(response_op::Response::ResponseTxn(r)) => plain_txn(r),
            Some(response_op::Response::ResponseRange(r)) => plain(&mut r.header),
            Some(response_op::Response::ResponsePut(r)) => plain(&mut r.header),
            Some(response_op::Response::ResponseDeleteRange(r)) => plain(&mut r.header),
            None => {}
        }
    }
}

/// The answer as text, and the revision in it.
async fn ask(channel: &Channel, request: &Request) -> (String, i64) {
    let mut kv = KvClient::new(channel.clone());
    let mut lease = LeaseClient::new(channel.clone());
    let revision = |h: &Option<pb::ResponseHeader>| h.as_ref().map_or(0, |h| h.revision);
    macro_rules! answer {
        ($call:expr) => {
            answer!($call, r, plain(&mut r.header))
        };
        ($call:expr, $response:ident, $plain:expr) => {
            match $call.await {
                Ok(response) => {
                    let $response = &mut response.into_inner();
                    $plain;
                    (format!("{:?}", $response), revision(&$response.header))
                }
                Err(e) => (format!("{:?} {}", e.code(), e.message()), 0),
            }
        };
    }
    match request {
        Request::Range(r) => answer!(kv.range(r.clone())),
        Request::Put(r) => answer!(kv.put(r.clone())),
        Request::Delete(r) => answer!(kv.delete_range(r.clone())),
        Request::Txn(r) => answer!(kv.txn(r.clone()), t, plain_txn(t)),
        Request::Compact(r) => answer!(kv.compact(*r)),
        Request::Grant(r) => answer!(lease.lease_grant(*r)),
        Request::Revoke(r) => answer!(lease.lease_revoke(*r)),
        Request::TimeToLive(r) => answer!(lease.lease_time_to_live(*r), t, {
            plain(&mut t.header);
            // Time goes on between two questions.
            t.ttl = t.ttl.min(1);
            t.keys.sort();
        }),
    }
}

/// All events of all keys from a revision to another one, as text.
async fn history(channel: &Channel, from: i64, to: i64) -> Vec<String> {
    let create = pb::WatchRequest {
        request_union: Some(RequestUnion::CreateRequest(pb::WatchCreateRequest {
            key: vec![0].into(),
            range_end: vec![0].into(),
            start_revision: from,
            prev_kv: true,
            ..pb::WatchCreateRequest::default()
        })),
    };
    let requests =
        tokio_stream::StreamExt::chain(tokio_stream::once(create), tokio_stream::pending());
    let watch = WatchClient::new(channel.clone()).watch(requests).await;
    let mut responses = watch.expect("watch").into_inner();
    let mut out = Vec::new();
    loop {
        let response = responses
            .message()
            .await
            .expect("a message")
            .expect("no end");
        assert!(!response.canceled, "{response:?}");
        out.extend(response.events.iter().map(|e| format!("{e:?}")));
        let last = response.events.last().and_then(|e| e.kv.as_ref());
        if last.is_some_and(|kv| kv.mod_revision >= to) {
            return out;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_etcd() {
    if !Path::new(&binary()).exists() {
        eprintln!("skipped: there is no {}", binary());
        return;
    }
    for seed in 0..SEEDS {
        let dir = tempfile::tempdir().expect("a directory");
        let stop = CancellationToken::new();
        let _end = stop.clone().drop_guard();
        let (_etcd, theirs) = etcd(dir.path()).await;
        let ours = store(dir.path(), stop).await;
        let mut rng = StdRng::seed_from_u64(seed);
        let (mut now, mut compacted) = (1, 1);
        for n in 0..REQUESTS {
            let request = requests::any(&mut rng, now);
            let (their, _) = ask(&theirs, &request).await;
            let (our, revision) = ask(&ours, &request).await;
            assert!(
                our == their,
                "seed {seed}, request {n}: {}
store: {our}
etcd:  {their}",
                show(&request)
            );
            now = now.max(revision);
            if let (Request::Compact(r), 1..) = (&request, revision) {
                compacted = r.revision;
            }
        }
        let last = Request::Put(pb::PutRequest {
            key: "end".into(),
            ..pb::PutRequest::default()
        });
        let (their, _) = ask(&theirs, &last).await;
        let (our, to) = ask(&ours, &last).await;
        assert_eq!(our, their);
        let from = compacted + 1;
        assert_eq!(
            history(&ours, from, to).await,
            history(&theirs, from, to).await
        );
    }
}

fn show(request: &Request) -> String {
    match request {
        Request::Range(r) => format!("{r:?}"),
        Request::Put(r) => format!("{r:?}"),
        Request::Delete(r) => format!("{r:?}"),
        Request::Txn(r) => format!("{r:?}"),
        Request::Compact(r) => format!("{r:?}"),
        Request::Grant(r) => format!("{r:?}"),
        Request::Revoke(r) => format!("{r:?}"),
        Request::TimeToLive(r) => format!("{r:?}"),
    }
}
