//! Requests through the delegate that core builds.

mod support;

use std::sync::Arc;

use catena_core::{Extras, Options, build};
use catena_delegate::{Body, Delegate, Outcome, Request, RequestInfo};
use catena_objects::{Value, json};
use futures_util::StreamExt;
use support::Memory;

async fn core() -> Arc<dyn Delegate> {
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
    build(&options, Arc::new(Memory::default()), Extras::default())
        .await
        .expect("built")
}

fn request(
    method: &str,
    verb: &str,
    group: &str,
    resource: &str,
    name: &str,
    body: &str,
) -> Request {
    let root = if group.is_empty() {
        "/api/v1".to_owned()
    } else {
        format!("/apis/{group}/v1")
    };
    let mut r = Request {
        method: method.into(),
        path: format!("{root}/namespaces/default/{resource}/{name}")
            .trim_end_matches('/')
            .into(),
        body: body.to_owned().into(),
        info: RequestInfo {
            is_resource: true,
            verb: verb.into(),
            api_prefix: if group.is_empty() { "api" } else { "apis" }.into(),
            api_group: group.into(),
            api_version: "v1".into(),
            namespace: "default".into(),
            resource: resource.into(),
            name: name.into(),
            parts: [resource, name]
                .iter()
                .filter(|p| !p.is_empty())
                .map(|p| (*p).to_owned())
                .collect(),
            ..RequestInfo::default()
        },
        ..Request::default()
    };
    r.headers.insert(
        "content-type",
        "application/json".parse().expect("a header"),
    );
    r.headers
        .insert("accept", "application/json".parse().expect("a header"));
    r
}

async fn ask(core: &Arc<dyn Delegate>, r: Request) -> (u16, Value) {
    let Outcome::Served(response) = core.serve(r).await.expect("answered") else {
        panic!("core's own path was not claimed");
    };
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
    (response.status, json::parse(&bytes).unwrap_or_default())
}

#[tokio::test]
async fn objects_are_written_and_read_back() {
    let core = core().await;
    let body =
        r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s"},"stringData":{"a":"b"}}"#;
    let (code, made) = ask(&core, request("POST", "create", "", "secrets", "", body)).await;
    assert_eq!(
        (code, made.str_at(&["data", "a"])),
        (201, "Yg=="),
        "{}",
        json::to_string(&made)
    );
    assert_eq!(made.str_at(&["type"]), "Opaque");
    let (code, got) = ask(&core, request("GET", "get", "", "secrets", "s", "")).await;
    assert_eq!((code, got.str_at(&["metadata", "name"])), (200, "s"));
    let body =
        r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"t"},"type":"kubernetes.io/tls"}"#;
    let (code, refused) = ask(&core, request("POST", "create", "", "secrets", "", body)).await;
    assert_eq!(code, 422, "{}", json::to_string(&refused));
}

#[tokio::test]
async fn both_groups_serve_an_event() {
    let core = core().await;
    let body = r#"{"kind":"Event","apiVersion":"v1","metadata":{"name":"e"},"involvedObject":{"kind":"Pod","namespace":"default","name":"p"},"message":"m"}"#;
    let (code, made) = ask(&core, request("POST", "create", "", "events", "", body)).await;
    assert_eq!(code, 201, "{}", json::to_string(&made));
    let (code, got) = ask(
        &core,
        request("GET", "get", "events.k8s.io", "events", "e", ""),
    )
    .await;
    assert_eq!(
        (code, got.str_at(&["regarding", "name"])),
        (200, "p"),
        "{}",
        json::to_string(&got)
    );
    assert_eq!(got.str_at(&["apiVersion"]), "events.k8s.io/v1");
}

#[tokio::test]
async fn every_group_is_described() {
    let core = core().await;
    let first = core
        .describe()
        .next()
        .await
        .expect("one item")
        .expect("described");
    assert!(first.prefixes.contains(&"/api".to_owned()));
    assert!(first.prefixes.contains(&"/apis/apps".to_owned()));
    assert!(
        !first
            .prefixes
            .contains(&"/apis/apiextensions.k8s.io".to_owned())
    );
}
