//! Lists and watches through the delegate that core builds, with the cache and
//! where storage has to answer.

mod support;

use std::sync::Arc;

use catena_core::{Extras, Options, build};
use catena_delegate::{Body, ByteStream, Delegate, Outcome, Request, RequestInfo, Response};
use catena_objects::{Value, json};
use catena_storage::Storage as _;
use futures_util::StreamExt;
use support::Memory;

struct World {
    storage: Arc<Memory>,
    core: Arc<dyn Delegate>,
}

async fn core(storage: &Arc<Memory>) -> World {
    let options = Options {
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
    let built = build(&options, storage.clone(), Extras::default()).await;
    World {
        storage: storage.clone(),
        core: built.expect("built"),
    }
}

async fn world() -> World {
    core(&Arc::new(Memory::default())).await
}

/// A request for config maps of a namespace.
fn request(method: &str, namespace: &str, name: &str, query: &str, body: String) -> Request {
    let verb = match (method, name.is_empty()) {
        _ if query.contains("watch=true") => "watch",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("DELETE", _) => "delete",
        (_, true) => "list",
        (_, false) => "get",
    };
    let path = format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
    let mut r = Request {
        method: method.into(),
        path: path.trim_end_matches('/').into(),
        query: query.into(),
        body: body.into(),
        info: RequestInfo {
            is_resource: true,
            verb: verb.into(),
            api_prefix: "api".into(),
            api_version: "v1".into(),
            namespace: namespace.into(),
            resource: "configmaps".into(),
            name: name.into(),
            parts: ["configmaps", name]
                .iter()
                .filter(|p| !p.is_empty())
                .map(|p| (*p).to_owned())
                .collect(),
            ..RequestInfo::default()
        },
        ..Request::default()
    };
    for (header, value) in [
        ("content-type", "application/json"),
        ("accept", "application/json"),
    ] {
        r.headers.insert(header, value.parse().expect("a header"));
    }
    r
}

fn config_map(name: &str, label: &str) -> String {
    format!(
        r#"{{"kind":"ConfigMap","apiVersion":"v1","metadata":{{"name":"{name}","labels":{{"l":"{label}"}}}}}}"#
    )
}

async fn all(response: Response) -> Value {
    let bytes = match response.body {
        Body::Full(b) => b.to_vec(),
        other => {
            let mut s = other.into_bytes();
            let mut all = Vec::new();
            while let Some(part) = s.next().await {
                all.extend_from_slice(&part.expect("a part"));
            }
            all
        }
    };
    json::parse(&bytes).expect("JSON")
}

impl World {
    async fn serve(&self, r: Request) -> Response {
        match self.core.serve(r).await.expect("answered") {
            Outcome::Served(response) => response,
            Outcome::NotMine => panic!("core's own path was not claimed"),
        }
    }

    async fn list(&self, query: &str) -> Value {
        let r = request("GET", "default", "", query, String::new());
        all(self.serve(r).await).await
    }

    async fn put(&self, name: &str, label: &str) -> String {
        let r = request("PUT", "default", name, "", config_map(name, label));
        revision(&all(self.serve(r).await).await)
    }

    async fn post(&self, namespace: &str, name: &str, label: &str) -> String {
        let r = request("POST", namespace, "", "", config_map(name, label));
        revision(&all(self.serve(r).await).await)
    }

    async fn delete(&self, name: &str) {
        self.serve(request("DELETE", "default", name, "", String::new()))
            .await;
    }

    async fn watch(&self, query: &str) -> Events {
        let query = format!("watch=true&{query}");
        let r = request("GET", "default", "", &query, String::new());
        match self.serve(r).await.body {
            Body::Full(b) => panic!("no stream: {}", String::from_utf8_lossy(&b)),
            other => Events {
                stream: other.into_bytes(),
                text: String::new(),
            },
        }
    }
}

struct Events {
    stream: ByteStream,
    text: String,
}

impl Events {
    /// Type and object of the next event; `None` at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
        while !self.text.contains('\n') {
            let part = self.stream.next().await?.expect("a part");
            self.text.push_str(&String::from_utf8_lossy(&part));
        }
        let (line, rest) = self.text.split_once('\n').expect("has one");
        let event = json::parse(line.as_bytes()).expect("JSON");
        self.text = rest.to_owned();
        let object = event.get("object").cloned().unwrap_or_default();
        Some((event.str_at(&["type"]).to_owned(), object))
    }

    /// As "ADDED a 1", with the label.
    async fn line(&mut self) -> String {
        let (kind, object) = self.next().await.expect("an event");
        let label = object.str_at(&["metadata", "labels", "l"]);
        format!("{kind} {} {label}", object.str_at(&["metadata", "name"]))
    }
}

fn revision(v: &Value) -> String {
    let text = v.str_at(&["metadata", "resourceVersion"]).to_owned();
    assert!(!text.is_empty(), "{}", json::to_string(v));
    text
}

fn names(list: &Value) -> Vec<&str> {
    let items = list.items_at(&["items"]);
    items
        .iter()
        .map(|o| o.str_at(&["metadata", "name"]))
        .collect()
}

#[tokio::test]
async fn pages_are_of_one_revision() {
    let w = world().await;
    for name in ["a", "b", "c", "d", "e"] {
        w.post("default", name, "x").await;
    }
    let first = w.list("limit=2").await;
    assert_eq!(names(&first), ["a", "b"]);
    assert_eq!(first.i64_at(&["metadata", "remainingItemCount"]), Some(3));
    w.delete("c").await;
    w.post("default", "f", "x").await;
    let next = first.str_at(&["metadata", "continue"]);
    let second = w.list(&format!("limit=2&continue={next}")).await;
    assert_eq!(names(&second), ["c", "d"], "as it was");
    assert_eq!(revision(&second), revision(&first));
    let next = second.str_at(&["metadata", "continue"]);
    let third = w.list(&format!("limit=2&continue={next}")).await;
    assert_eq!(names(&third), ["e"]);
    assert_eq!(third.str_at(&["metadata", "continue"]), "");
    let exact = format!(
        "resourceVersion={}&resourceVersionMatch=Exact",
        revision(&first)
    );
    assert_eq!(names(&w.list(&exact).await), ["a", "b", "c", "d", "e"]);
    assert_eq!(names(&w.list("").await), ["a", "b", "d", "e", "f"]);
    assert_eq!(names(&w.list("limit=1&resourceVersion=0").await).len(), 5);
}

#[tokio::test]
async fn a_list_goes_on_after_compaction() {
    let w = world().await;
    for name in ["a", "b", "c"] {
        w.post("default", name, "x").await;
    }
    let first = w.list("limit=1").await;
    w.delete("b").await;
    let now = w.storage.status().await.expect("up").revision;
    w.storage.compact(now).await.expect("compacts");
    // Another server has no memory of what was.
    let other = core(&w.storage).await;
    let next = first.str_at(&["metadata", "continue"]);
    let gone = other.list(&format!("limit=5&continue={next}")).await;
    assert_eq!(gone.str_at(&["reason"]), "Expired");
    let next = gone.str_at(&["metadata", "continue"]);
    let rest = other.list(&format!("limit=5&continue={next}")).await;
    assert_eq!(names(&rest), ["c"]);
    let kept = first.str_at(&["metadata", "continue"]);
    let kept = w.list(&format!("limit=5&continue={kept}")).await;
    assert_eq!(names(&kept), ["b", "c"], "a snapshot outlives compaction");
}

#[tokio::test]
async fn lists_do_not_read_storage() {
    let w = world().await;
    w.post("default", "a", "1").await;
    w.post("default", "b", "2").await;
    assert_eq!(names(&w.list("").await), ["a", "b"]);
    let before = w.storage.ranges();
    assert_eq!(names(&w.list("resourceVersion=0").await), ["a", "b"]);
    let selected = w.list("resourceVersion=0&labelSelector=l%3D2").await;
    assert_eq!(names(&selected), ["b"]);
    let named = w
        .list("resourceVersion=0&fieldSelector=metadata.name%3Da")
        .await;
    assert_eq!(names(&named), ["a"]);
    assert_eq!(w.storage.ranges(), before);
    // A consistent list asks for the revision and nothing else.
    assert_eq!(names(&w.list("labelSelector=l+notin+(2)").await), ["a"]);
    assert_eq!(w.storage.ranges(), before + 1);
}

/// Groups of neighbours in which nothing matches are passed by, and no others.
#[tokio::test]
async fn a_selective_list_misses_nothing() {
    let w = world().await;
    let label = |i: usize| ["near", "far", "rare"][usize::from(i > 100) + usize::from(i == 333)];
    for i in 0..400 {
        w.post("default", &format!("n{i:03}"), label(i)).await;
    }
    let count = async |query: &str| names(&w.list(query).await).len();
    assert_eq!(names(&w.list("labelSelector=l%3Drare").await), ["n333"]);
    assert_eq!(count("labelSelector=l%3Dnear").await, 101);
    assert_eq!(count("labelSelector=l+in+(near,rare)").await, 102);
    assert_eq!(count("labelSelector=l%3Dnone").await, 0);
    assert_eq!(count("labelSelector=l,l!%3Drare").await, 399);
    assert_eq!(count("labelSelector=!l").await, 0);
    // What was known of a group goes with each change in it.
    w.put("n007", "rare").await;
    let rare = w.list("labelSelector=l%3Drare").await;
    assert_eq!(names(&rare), ["n007", "n333"]);
    w.put("n333", "far").await;
    w.delete("n007").await;
    assert_eq!(count("labelSelector=l%3Drare").await, 0);
    w.post("default", "n200a", "rare").await;
    // Pages, the last of them full: more may follow what was found.
    let first = w.list("labelSelector=l%3Drare&limit=1").await;
    assert_eq!(names(&first), ["n200a"]);
    let next = first.str_at(&["metadata", "continue"]);
    assert_ne!(next, "");
    let query = format!("labelSelector=l%3Drare&limit=1&continue={next}");
    let rest = w.list(&query).await;
    assert_eq!(
        (names(&rest).len(), rest.str_at(&["metadata", "continue"])),
        (0, "")
    );
    let mut events = w.watch("labelSelector=l%3Drare").await;
    assert_eq!(events.line().await, "ADDED n200a rare");
}

#[tokio::test]
async fn objects_enter_and_leave_the_selection() {
    let w = world().await;
    w.post("default", "a", "in").await;
    w.post("default", "b", "out").await;
    let mut events = w
        .watch("labelSelector=l%3Din&allowWatchBookmarks=true")
        .await;
    assert_eq!(events.line().await, "ADDED a in");
    let (kind, bookmark) = events.next().await.expect("a bookmark");
    let end = ["metadata", "annotations", "k8s.io/initial-events-end"];
    assert_eq!((kind.as_str(), bookmark.str_at(&end)), ("BOOKMARK", "true"));
    w.post("kube-system", "c", "in").await;
    w.put("b", "in").await;
    w.put("b", "in2").await;
    w.put("a", "in").await;
    let left = w.put("a", "out").await;
    w.put("a", "in").await;
    w.delete("a").await;
    assert_eq!(events.line().await, "ADDED b in");
    assert_eq!(events.line().await, "DELETED b in");
    let (kind, gone) = events.next().await.expect("an event");
    assert_eq!(kind, "DELETED", "{}", json::to_string(&gone));
    assert_eq!(gone.str_at(&["metadata", "labels", "l"]), "in");
    assert_eq!(revision(&gone), left, "the revision of leaving");
    assert_eq!(events.line().await, "ADDED a in");
    assert_eq!(events.line().await, "DELETED a in");
}

#[tokio::test]
async fn a_watch_goes_on_at_another_server() {
    let w = world().await;
    let seen = w.post("default", "a", "1").await;
    w.put("a", "2").await;
    w.delete("a").await;
    let last = w.post("default", "b", "3").await;
    // Its cache begins later; storage knows.
    let other = core(&w.storage).await;
    other.list("").await;
    let mut events = other.watch(&format!("resourceVersion={seen}")).await;
    assert_eq!(events.line().await, "MODIFIED a 2");
    assert_eq!(events.line().await, "DELETED a 2");
    assert_eq!(events.line().await, "ADDED b 3");
    w.put("b", "4").await;
    assert_eq!(events.line().await, "MODIFIED b 4");
    // What storage has forgotten is gone.
    let now = w.storage.status().await.expect("up").revision;
    w.storage.compact(now).await.expect("compacts");
    let third = core(&w.storage).await;
    let mut events = third.watch(&format!("resourceVersion={seen}")).await;
    let (kind, status) = events.next().await.expect("an event");
    assert_eq!(
        (kind.as_str(), status.str_at(&["reason"])),
        ("ERROR", "Expired")
    );
    assert_eq!(status.i64_at(&["code"]), Some(410));
    assert!(events.next().await.is_none(), "the error is the last event");
    // The first server's cache has it all.
    let mut events = w.watch(&format!("resourceVersion={last}")).await;
    assert_eq!(events.line().await, "MODIFIED b 4");
}

#[tokio::test]
async fn watches_survive_a_lost_connection() {
    let w = world().await;
    let mut events = w.watch("resourceVersion=0&timeoutSeconds=600").await;
    for (i, label) in ["1", "2", "3"].iter().enumerate() {
        w.post("default", &format!("m{i}"), label).await;
        w.storage.break_watches();
        assert_eq!(events.line().await, format!("ADDED m{i} {label}"));
    }
    assert_eq!(w.list("").await.items_at(&["items"]).len(), 3);
}

#[tokio::test]
async fn lists_are_put_together_in_every_encoding() {
    let w = world().await;
    for name in ["a", "b"] {
        w.post("default", name, "x").await;
    }
    let mut r = request("GET", "default", "", "", String::new());
    let accept = "application/vnd.kubernetes.protobuf";
    r.headers
        .insert("accept", accept.parse().expect("a header"));
    let Body::Full(bytes) = w.serve(r).await.body else {
        panic!("a short list is one piece");
    };
    let list = catena_protobuf::decode_envelope(&bytes).expect("an envelope");
    assert_eq!(list.str_at(&["kind"]), "ConfigMapList");
    assert_eq!(names(&list), ["a", "b"]);
    let json = w.list("").await;
    assert_eq!(list.items_at(&["items"]), json.items_at(&["items"]));
    let mut r = request("GET", "default", "", "", String::new());
    let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    r.headers
        .insert("accept", accept.parse().expect("a header"));
    let partial = all(w.serve(r).await).await;
    assert_eq!(partial.str_at(&["kind"]), "PartialObjectMetadataList");
    assert_eq!(partial.str_at(&["apiVersion"]), "meta.k8s.io/v1");
    let metadata = |v: &Value| -> Vec<Value> {
        let items = v.items_at(&["items"]);
        items
            .iter()
            .filter_map(|o| o.get("metadata").cloned())
            .collect()
    };
    assert_eq!(metadata(&partial), metadata(&json));
    let first = partial.items_at(&["items"])[0].as_object();
    let members: Vec<&str> = first
        .into_iter()
        .flatten()
        .map(|(k, _)| k.as_str())
        .collect();
    assert_eq!(members, ["kind", "apiVersion", "metadata"]);
}
