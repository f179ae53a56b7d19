//! Whole requests to core and extensions on storage in memory: a line with
//! method, path and query, a line with the content type, then the body.

use std::{cell::OnceCell, sync::Arc, time::Duration};

use base64::Engine as _;
use catena_aggregator::request_info;
use catena_delegate::{Body, Delegate, Outcome, Request};
use catena_storage::testing::Memory;
use futures_util::StreamExt as _;
use http::HeaderValue;
use tokio::runtime::Runtime;

/// A watch ends by itself after this time.
const LONGEST: Duration = Duration::from_millis(20);

struct World {
    runtime: Runtime,
    delegate: Arc<dyn Delegate>,
}

thread_local! {
    static CORE: OnceCell<World> = const { OnceCell::new() };
    static EXTENSIONS: OnceCell<World> = const { OnceCell::new() };
}

pub(crate) fn core(data: &[u8]) {
    CORE.with(|world| world.get_or_init(new_core).send(data));
}

pub(crate) fn extensions(data: &[u8]) {
    EXTENSIONS.with(|world| world.get_or_init(new_extensions).send(data));
}

pub(super) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Requests whose options are what is tried; the objects are those of the corpus.
const ASKED: [(&str, &str, &str); 8] = [
    ("GET", "/api/v1/configmaps", ""),
    ("GET", "/api/v1/watch/configmaps", ""),
    ("GET", "/api/v1/namespaces/default/configmaps/m", ""),
    (
        "POST",
        "/api/v1/namespaces/default/configmaps",
        "create-map",
    ),
    (
        "PATCH",
        "/api/v1/namespaces/default/configmaps/m",
        "apply-map",
    ),
    ("DELETE", "/api/v1/namespaces/default/configmaps/m", ""),
    ("DELETE", "/api/v1/namespaces/default/configmaps", ""),
    ("GET", "/api/v1/namespaces/default/pods/p/log", ""),
];

/// The query of a request, which the first byte chooses.
pub(crate) fn query(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let (method, path, body) = ASKED[usize::from(*first) % ASKED.len()];
    let seed: &[u8] = match body {
        "create-map" => include_bytes!("../../corpus/core/create-map"),
        "apply-map" => include_bytes!("../../corpus/core/apply-map"),
        _ => b"\n\n",
    };
    let Some(at) = seed.iter().position(|b| *b == b'\n') else {
        return;
    };
    let query: Vec<u8> = rest.iter().copied().filter(|b| *b != b'\n').collect();
    let mut text = format!("{method} {path}?").into_bytes();
    text.extend(query);
    text.extend(&seed[at..]);
    core(&text);
}

/// What a token of a list says, before its encoding.
pub(crate) fn continued(data: &[u8]) {
    let token = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(data);
    let head = "GET /api/v1/configmaps?limit=1&continue=";
    core(format!("{head}{token}\n\n").as_bytes());
}

fn new_core() -> World {
    let runtime = runtime();
    let options = catena_core::Options {
        admission: catena_core::AdmissionFlags::default(),
        services: catena_core::Services {
            service_cluster_ip_range: vec!["10.0.0.0/24".parse().expect("a range")],
            service_node_port_range: (30000, 32767),
        },
        advertise_address: None,
        secure_port: 6443,
        pods: catena_core::Pods::default(),
        kubelet: catena_core::KubeletFlags::default(),
        egress: Default::default(),
    };
    let storage = Arc::new(Memory::default());
    let built = catena_core::build(&options, storage, catena_core::Extras::default());
    let delegate = runtime.block_on(built).expect("core is built");
    World { runtime, delegate }
}

fn new_extensions() -> World {
    let runtime = runtime();
    let storage = Arc::new(Memory::default());
    let stop = tokio_util::sync::CancellationToken::new();
    let options = catena_extensions::Options::default();
    let built = catena_extensions::build(&options, storage, stop);
    let delegate = runtime.block_on(built).expect("extensions are built");
    let world = World { runtime, delegate };
    world.send(include_bytes!("../../corpus/extensions/definition"));
    world
}

impl World {
    fn send(&self, data: &[u8]) {
        let Some(request) = request(data) else {
            return;
        };
        self.runtime.block_on(async {
            let Ok(Ok(Outcome::Served(answer))) =
                tokio::time::timeout(LONGEST, self.delegate.serve(request)).await
            else {
                return;
            };
            if let Body::Full(_) = answer.body {
                return;
            }
            let read = answer
                .body
                .into_bytes()
                .for_each(|_| std::future::ready(()));
            let _ = tokio::time::timeout(LONGEST, read).await;
        });
    }
}

fn request(data: &[u8]) -> Option<Request> {
    let mut lines = data.splitn(3, |b| *b == b'\n');
    let head = std::str::from_utf8(lines.next()?).ok()?;
    let content_type = lines.next().unwrap_or_default();
    let body = lines.next().unwrap_or_default().to_vec();
    let (method, url) = head.split_once(' ')?;
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        info: request_info::parse(method, path, query),
        body: body.into(),
        ..Request::default()
    };
    let headers = &mut request.headers;
    headers.insert("content-type", HeaderValue::from_bytes(content_type).ok()?);
    headers.insert("accept", HeaderValue::from_static("application/json"));
    Some(request)
}
