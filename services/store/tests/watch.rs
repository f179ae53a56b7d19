//! Watches over gRPC: identities, progress, fragments, cancellation.

use catena_proto::{
    etcdserverpb::{
        self as pb, kv_client::KvClient, watch_client::WatchClient, watch_request::RequestUnion,
    },
    mvccpb::event::EventType,
};
use catena_runtime::net::{Endpoint, Listener};
use catena_store::{Engine, EngineOptions, serve_on};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Streaming, transport::Channel};

struct Client {
    kv: KvClient<Channel>,
    requests: mpsc::Sender<pb::WatchRequest>,
    responses: Streaming<pb::WatchResponse>,
    stop: DropGuard,
    _dir: tempfile::TempDir,
}

async fn client() -> Client {
    let dir = tempfile::tempdir().expect("a directory");
    let options = EngineOptions {
        unsafe_no_fsync: true,
        max_request_bytes: 16 << 20,
        ..EngineOptions::default()
    };
    let engine = Engine::open(&dir.path().join("data"), options).expect("opens");
    let socket = dir.path().join("socket");
    let listener = Listener::bind(&Endpoint::Unix(socket.clone()))
        .await
        .expect("binds");
    let stop = CancellationToken::new();
    tokio::spawn(serve_on(listener, engine, None, stop.clone()));
    let url = format!("unix://{}", socket.display());
    let endpoint = tonic::transport::Endpoint::from_shared(url).expect("a URI");
    let channel = endpoint.connect().await.expect("connects");
    let (requests, stream) = mpsc::channel(16);
    let mut watch = WatchClient::new(channel.clone()).max_decoding_message_size(64 << 20);
    let responses = watch
        .watch(ReceiverStream::new(stream))
        .await
        .expect("watch");
    Client {
        kv: KvClient::new(channel),
        requests,
        responses: responses.into_inner(),
        stop: stop.drop_guard(),
        _dir: dir,
    }
}

impl Client {
    async fn ask(&self, request: RequestUnion) {
        let request = pb::WatchRequest {
            request_union: Some(request),
        };
        self.requests
            .send(request)
            .await
            .expect("the stream is open");
    }

    async fn create(&self, request: pb::WatchCreateRequest) {
        self.ask(RequestUnion::CreateRequest(request)).await;
    }

    async fn next(&mut self) -> pb::WatchResponse {
        self.responses
            .message()
            .await
            .expect("a message")
            .expect("no end")
    }

    async fn put(&mut self, key: &'static str, value: Vec<u8>) {
        let request = pb::PutRequest {
            key: key.into(),
            value: value.into(),
            ..pb::PutRequest::default()
        };
        self.kv.put(request).await.expect("put");
    }
}

fn key(key: &'static str) -> pb::WatchCreateRequest {
    pb::WatchCreateRequest {
        key: key.into(),
        ..pb::WatchCreateRequest::default()
    }
}

fn revision(response: &pb::WatchResponse) -> i64 {
    response.header.as_ref().map_or(0, |h| h.revision)
}

#[tokio::test(flavor = "multi_thread")]
async fn identities_and_cancellation() {
    let mut c = client().await;
    c.create(key("a")).await;
    let created = c.next().await;
    assert_eq!(
        (created.watch_id, created.created, revision(&created)),
        (0, true, 1)
    );
    let chosen = pb::WatchCreateRequest {
        watch_id: 7,
        ..key("b")
    };
    c.create(chosen.clone()).await;
    assert_eq!(c.next().await.watch_id, 7);
    c.create(chosen).await;
    let refused = c.next().await;
    assert_eq!(
        (refused.watch_id, refused.created, refused.canceled),
        (-1, true, true)
    );
    assert!(
        refused.cancel_reason.contains("duplicate watch ID"),
        "{refused:?}"
    );
    let empty = pb::WatchCreateRequest {
        range_end: "a".into(),
        ..key("b")
    };
    c.create(empty).await;
    assert!(c.next().await.canceled);
    c.put("a", b"1".to_vec()).await;
    let event = c.next().await;
    assert_eq!(
        (event.watch_id, event.events[0].r#type()),
        (0, EventType::Put)
    );
    c.ask(RequestUnion::CancelRequest(pb::WatchCancelRequest {
        watch_id: 0,
    }))
    .await;
    let canceled = c.next().await;
    assert_eq!((canceled.watch_id, canceled.canceled), (0, true));
    c.put("a", b"2".to_vec()).await;
    c.put("b", b"3".to_vec()).await;
    assert_eq!(c.next().await.watch_id, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_comes_after_what_it_covers() {
    let mut c = client().await;
    c.create(key("a")).await;
    c.create(key("b")).await;
    assert!(c.next().await.created && c.next().await.created);
    for _ in 0..50 {
        c.put("a", b"1".to_vec()).await;
        c.put("x", b"1".to_vec()).await;
    }
    c.ask(RequestUnion::ProgressRequest(pb::WatchProgressRequest {}))
        .await;
    let mut last = 0;
    loop {
        let response = c.next().await;
        if response.events.is_empty() {
            assert_eq!((response.watch_id, revision(&response)), (-1, 101));
            break;
        }
        last = response
            .events
            .last()
            .and_then(|e| e.kv.as_ref())
            .map_or(0, |kv| kv.mod_revision);
    }
    assert_eq!(last, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_revisions_come_in_fragments() {
    let mut c = client().await;
    let all = pb::WatchCreateRequest {
        range_end: "z".into(),
        fragment: true,
        ..key("a")
    };
    c.create(all).await;
    assert!(c.next().await.created);
    let put = |n: u8| pb::RequestOp {
        request: Some(pb::request_op::Request::RequestPut(pb::PutRequest {
            key: vec![b'a' + n].into(),
            value: vec![n; 1 << 20].into(),
            ..pb::PutRequest::default()
        })),
    };
    let txn = pb::TxnRequest {
        success: (0..5).map(put).collect(),
        ..pb::TxnRequest::default()
    };
    c.kv.txn(txn).await.expect("txn");
    let mut events = 0;
    loop {
        let response = c.next().await;
        events += response.events.len();
        assert_eq!(response.fragment, events < 5);
        if !response.fragment {
            break;
        }
    }
    assert_eq!(events, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_server_ends_watches() {
    let mut c = client().await;
    c.create(key("a")).await;
    assert!(c.next().await.created);
    drop(c.stop);
    let error = c
        .responses
        .message()
        .await
        .expect_err("the server has stopped");
    assert_eq!(error.code(), tonic::Code::Unavailable);
}
