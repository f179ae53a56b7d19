//! History that storage has forgotten: in the middle of a list, and before a watch.

use std::process::Command;

use catena_tests_it::{
    ControlPlane, eventually, has,
    storage::{RealEtcd, compact, compact_at},
};
use serde_json::Value;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const PAGED: &str = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/// Status and body of a request by curl.
fn ask(plane: &ControlPlane, accept: &str, path: &str) -> (u16, Vec<u8>) {
    let out = Command::new("curl")
        .args(["-sk", "-m", "60", "-w", "\n%{http_code}"])
        .args(["-H", "Authorization: Bearer admin-token"])
        .args(["-H", &format!("Accept: {accept}")])
        .arg(format!("{}{path}", plane.url()))
        .output()
        .expect("curl runs");
    assert!(out.status.success(), "{path}: {out:?}");
    let at = out
        .stdout
        .iter()
        .rposition(|b| *b == b'\n')
        .expect("a code");
    let code = String::from_utf8_lossy(&out.stdout[at + 1..]).into_owned();
    (code.parse().expect("a code"), out.stdout[..at].to_vec())
}

fn json(plane: &ControlPlane, path: &str) -> (u16, Value) {
    let (code, body) = ask(plane, "application/json", path);
    (code, serde_json::from_slice(&body).expect("JSON"))
}

fn text<'a>(v: &'a Value, pointer: &str) -> &'a str {
    v.pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().expect("items").iter();
    items.map(|i| text(i, "/metadata/name")).collect()
}

fn create(plane: &ControlPlane, name: &str) {
    let literal = format!("--from-literal=k={name}");
    plane.kubectl(&["create", "configmap", name, &literal]);
}

/// Everything is forgotten but the present: lists go on with what is there now.
fn forgotten(plane: &ControlPlane, server: &str) {
    for i in 0..8 {
        create(plane, &format!("m{i}"));
    }
    let (code, first) = json(plane, &format!("{MAPS}?limit=3"));
    assert_eq!(code, 200);
    let token = text(&first, "/metadata/continue").to_owned();
    let version = text(&first, "/metadata/resourceVersion").to_owned();
    plane.kubectl(&["delete", "configmap", "m4"]);
    create(plane, "m9");
    // History within reach of the list is read as it was.
    let (code, second) = json(plane, &format!("{MAPS}?limit=3&continue={token}"));
    assert_eq!(
        (code, text(&second, "/metadata/resourceVersion")),
        (200, &*version)
    );
    assert!(names(&second).contains(&"m4"), "{:?}", names(&second));
    compact(server);
    // What core still remembers it serves; a new one knows no more than storage.
    plane.kill("core");
    eventually("ready again", || ask(plane, "*/*", "/readyz").0 == 200);
    let page = format!("{MAPS}?limit=3&continue={token}");
    eventually("the token is too old", || json(plane, &page).0 == 410);
    let (_, gone) = json(plane, &page);
    assert_eq!(text(&gone, "/reason"), "Expired");
    assert_eq!(text(&gone, "/message"), PAGED);
    let again = text(&gone, "/metadata/continue").to_owned();
    assert!(!again.is_empty(), "{gone}");
    let mut rest = Vec::new();
    let mut next = again;
    while !next.is_empty() {
        let (code, page) = json(plane, &format!("{MAPS}?limit=3&continue={next}"));
        assert_eq!(code, 200, "{page}");
        assert_ne!(text(&page, "/metadata/resourceVersion"), version);
        rest.extend(names(&page).into_iter().map(str::to_owned));
        next = text(&page, "/metadata/continue").to_owned();
    }
    let before = names(&first);
    assert!(
        !rest.contains(&"m4".to_owned()) && rest.contains(&"m9".to_owned()),
        "{rest:?}"
    );
    assert!(
        before.iter().all(|n| !rest.contains(&(*n).to_owned())),
        "{rest:?}"
    );
    assert_eq!(before.len() + rest.len(), 8, "{before:?} {rest:?}");
    exact(plane, &version);
    watches(plane, &version);
    unknown_before(plane, server);
}

/// A list at a revision that is gone.
fn exact(plane: &ControlPlane, version: &str) {
    let path = format!("{MAPS}?resourceVersion={version}&resourceVersionMatch=Exact");
    let (code, gone) = json(plane, &path);
    assert_eq!((code, text(&gone, "/reason")), (410, "Expired"), "{gone}");
    let why = text(&gone, "/message");
    assert!(
        why.starts_with("The resourceVersion for the provided list is too old."),
        "{why}"
    );
}

/// Watches from a revision that is gone say so in their first event.
fn watches(plane: &ControlPlane, version: &str) {
    let path = format!("{MAPS}?watch=1&timeoutSeconds=20&resourceVersion={version}");
    for accept in [
        "application/json",
        "application/json;as=Table;g=meta.k8s.io;v=v1",
        "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    ] {
        let (code, body) = ask(plane, accept, &path);
        let event: Value = serde_json::from_slice(&body).expect("one event");
        assert_eq!((code, text(&event, "/type")), (200, "ERROR"), "{event}");
        let status = &event["object"];
        assert_eq!(text(status, "/kind"), "Status");
        assert_eq!(text(status, "/reason"), "Expired");
        assert_eq!(status["code"], 410);
        let why = text(status, "/message");
        let wanted = format!("too old resource version: {version} (");
        assert!(why.starts_with(&wanted), "{why}");
    }
    for accept in [
        "application/vnd.kubernetes.protobuf;stream=watch",
        "application/cbor-seq",
    ] {
        let (code, body) = ask(plane, accept, &path);
        let said = String::from_utf8_lossy(&body);
        assert_eq!(code, 200);
        assert!(said.contains("ERROR") && said.contains("Expired"), "{said}");
    }
}

/// History begins with a deletion, so storage tells of it, but not of what was
/// deleted: whoever watches a selection must list anew, not miss it.
fn unknown_before(plane: &ControlPlane, server: &str) {
    create(plane, "last");
    let (_, last) = json(plane, &format!("{MAPS}/last"));
    let version = text(&last, "/metadata/resourceVersion");
    plane.kubectl(&["delete", "configmap", "last"]);
    let path = format!("{MAPS}?watch=1&timeoutSeconds=1&resourceVersion={version}");
    let (_, event) = json(plane, &path);
    assert_eq!(text(&event, "/type"), "DELETED", "{event}");
    let gone = text(&event, "/object/metadata/resourceVersion");
    let gone: i64 = gone.parse().expect("a revision");
    compact_at(server, gone);
    plane.kill("core");
    eventually("core answers", || ask(plane, "*/*", MAPS).0 == 200);
    watches(plane, &(gone - 1).to_string());
}

#[test]
fn the_embedded_store_forgets() {
    if !has("curl") {
        return;
    }
    let gates = "--feature-gates=CBORServingAndStorage=true";
    let plane = ControlPlane::start(&["--controllers=false", gates]);
    forgotten(&plane, &plane.store());
}

#[test]
fn etcd_forgets() {
    if !has("curl") {
        return;
    }
    let Some(etcd) = RealEtcd::start(&["--unsafe-no-fsync", "--log-level=error"]) else {
        return;
    };
    let gates = "--feature-gates=CBORServingAndStorage=true";
    let servers = format!("--etcd-servers={}", etcd.url);
    let plane = ControlPlane::start(&["--controllers=false", gates, &servers]);
    forgotten(&plane, &etcd.url);
}
