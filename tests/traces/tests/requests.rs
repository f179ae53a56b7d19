//! A request is one trace in Jaeger, through every process that has a part in it.

use std::{fs, process::Command};

use catena_tests_egress::hosts::{Host, Tunnel};
use catena_tests_it::{
    ControlPlane, eventually, has,
    node::{Kubelet, Node, address},
    remote,
    storage::RealEtcd,
};
use catena_tests_traces::{Jaeger, Trace, traced};

const DEFINITION: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crontabs.stable.example.com}
spec:
  group: stable.example.com
  scope: Namespaced
  names: {plural: crontabs, singular: crontab, kind: CronTab}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              replicas: {type: integer, default: 1}
";

const COLLECTION: &str = "/apis/stable.example.com/v1/namespaces/default/crontabs";

/// A control plane that sends to Jaeger what the tests trace, and nothing else; it has
/// a definition and an object of it.
fn plane(jaeger: &Jaeger, more: &[&str]) -> ControlPlane {
    let endpoint = format!("--tracing-endpoint={}", jaeger.endpoint());
    let mut flags = vec![endpoint.as_str(), "--tracing-sampling-rate-per-million=0"];
    flags.extend(more);
    let plane = ControlPlane::start(&flags);
    assert!(plane.kubectl_stdin(&["apply"], DEFINITION).status.success());
    eventually("the resource is served", || {
        plane.try_kubectl(&["get", "crontabs"]).status.success()
    });
    // What is made at the first request is made.
    create(&plane, "0af7651916cd43dd8448eb211c80319c", "first");
    plane
}

/// Creates an object within a trace; returns the head of the answer and the answer.
fn create(plane: &ControlPlane, trace: &str, name: &str) -> String {
    let object = format!(
        r#"{{"apiVersion":"stable.example.com/v1","kind":"CronTab","metadata":{{"name":"{name}"}},"spec":{{}}}}"#
    );
    let out = traced(trace)
        .args(["-i", "-H", "Content-Type: application/json", "-d", &object])
        .arg(format!("{}{COLLECTION}", plane.url()))
        .output()
        .expect("curl runs");
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(said.starts_with("HTTP/2 201"), "{said}");
    said
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim_end).collect()
}

/// Children begin within their parents.
fn nested(trace: &Trace) {
    for s in &trace.spans {
        if let Some(parent) = trace.spans.iter().find(|p| p.id == s.parent) {
            assert!(s.began >= parent.began, "{} in {}", s.name, parent.name);
        }
    }
}

const CREATED: &str = "\
aggregator: POST /apis/stable.example.com/v1/namespaces/{:namespace}/crontabs
  aggregator: authentication
  aggregator: authorization
  aggregator: read body
  aggregator: catena.delegate.v1.Delegate/Serve
    extensions: catena.delegate.v1.Delegate/Serve
      extensions: Create
        extensions: decode
        extensions: default
        extensions: admission: mutating
        extensions: validate
        extensions: admission: validating
        extensions: Create etcd3
          extensions: etcdserverpb.KV/Txn
";

#[test]
fn a_create_of_a_custom_resource() {
    let (true, Some(jaeger)) = (has("curl") && has("kubectl"), Jaeger::start()) else {
        return;
    };
    let plane = plane(&jaeger, &[]);
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let said = create(&plane, id, "second");
    let trace = jaeger.trace(
        id,
        &[("store", "commit"), ("extensions", "SerializeObject")],
    );
    let wanted = format!(
        "{CREATED}{}store: etcdserverpb.KV/Txn\n{}store: commit\n{}extensions: SerializeObject\n",
        " ".repeat(12),
        " ".repeat(14),
        " ".repeat(8)
    );
    assert_eq!(lines(&trace.tree()), lines(&wanted), "{}", trace.tree());
    nested(&trace);
    let root = trace.root();
    let audit = said.lines().find_map(|l| l.strip_prefix("audit-id: "));
    assert_eq!(root.tags.get("audit-id").map(String::as_str), audit);
    assert_eq!(root.tags["http.response.status_code"], "201");
    let delegated = trace.only("extensions", "catena.delegate.v1.Delegate/Serve");
    assert_eq!(delegated.tags.get("audit-id").map(String::as_str), audit);
    // Nothing else asked for a trace.
    let others = jaeger
        .ask("traces?service=aggregator&limit=100")
        .expect("an answer");
    assert_eq!(others["data"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_create_of_a_custom_resource_on_etcd() {
    let (true, Some(jaeger)) = (has("curl") && has("kubectl"), Jaeger::start()) else {
        return;
    };
    let collector = jaeger.endpoint();
    let collector = collector.trim_start_matches("http://");
    let Some(etcd) = RealEtcd::start(&[
        "--enable-distributed-tracing",
        &format!("--distributed-tracing-address={collector}"),
    ]) else {
        return;
    };
    let plane = plane(&jaeger, &[&format!("--etcd-servers={}", etcd.url)]);
    let id = "4bf92f3577b34da6a3ce929d0e0e4737";
    create(&plane, id, "second");
    let trace = jaeger.trace(
        id,
        &[
            ("etcd", "etcdserverpb.KV/Txn"),
            ("extensions", "SerializeObject"),
        ],
    );
    assert!(trace.tree().starts_with(CREATED), "{}", trace.tree());
    let txn = trace.only("etcd", "etcdserverpb.KV/Txn");
    let above = trace.path(txn);
    assert_eq!(
        above[above.len() - 2],
        "extensions: etcdserverpb.KV/Txn",
        "{above:?}"
    );
    trace.root();
}

#[test]
fn a_watch() {
    let (true, Some(jaeger)) = (has("curl") && has("kubectl"), Jaeger::start()) else {
        return;
    };
    let plane = plane(&jaeger, &[]);
    let id = "4bf92f3577b34da6a3ce929d0e0e4738";
    let path = format!("{}{COLLECTION}?watch=true&timeoutSeconds=2", plane.url());
    let out = traced(id).arg(path).output().expect("curl runs");
    assert!(String::from_utf8_lossy(&out.stdout).contains("ADDED"));
    let trace = jaeger.trace(
        id,
        &[
            ("aggregator", "authorization"),
            ("extensions", "WatchServer.HandleHTTP"),
            ("extensions", "catena.delegate.v1.Delegate/ServeStream"),
        ],
    );
    let tree = trace.tree();
    // Whether the cache has come as far as storage by then is chance.
    let mut seen = lines(&tree);
    seen.retain(|l| l.trim() != "extensions: cache wait");
    assert_eq!(seen, lines(WATCHED), "{tree}");
    // What serves the watch lasts as long as it: two seconds.
    for (service, name) in [
        ("aggregator", "catena.delegate.v1.Delegate/ServeStream"),
        ("extensions", "catena.delegate.v1.Delegate/ServeStream"),
        ("extensions", "WatchServer.HandleHTTP"),
    ] {
        assert!(
            trace.only(service, name).took >= 1_900_000,
            "{service}: {name}"
        );
    }
    assert!(trace.root().took >= 1_900_000);
}

const WATCHED: &str = "\
aggregator: GET /apis/stable.example.com/v1/namespaces/{:namespace}/crontabs
  aggregator: authentication
  aggregator: authorization
  aggregator: catena.delegate.v1.Delegate/ServeStream
    extensions: catena.delegate.v1.Delegate/ServeStream
      extensions: WatchServer.HandleHTTP
        extensions: revision of storage
          extensions: etcdserverpb.KV/Range
            store: etcdserverpb.KV/Range
";

const EXECUTED: &str = "\
aggregator: GET /api/v1/namespaces/{:namespace}/pods/{:name}/exec
  aggregator: authentication
  aggregator: authorization
  aggregator: catena.delegate.v1.Delegate/Upgrade
    core: catena.delegate.v1.Delegate/Upgrade
      core: etcdserverpb.KV/Range
        store: etcdserverpb.KV/Range
      core: etcdserverpb.KV/Range
        store: etcdserverpb.KV/Range
      core: session
        core: dial
          core: proxied dial
            core: catena.tunnel.v1.Tunnel/Dial
              tunnel: catena.tunnel.v1.Tunnel/Dial
                tunnel: choose node
                tunnel: SSH channel open
        core: HTTP request
";

#[test]
fn an_exec_through_the_tunnel() {
    let programs = has("kubectl") && has("curl") && has("ip") && has("ssh-keygen");
    let (true, Some(jaeger)) = (programs, Jaeger::start()) else {
        return;
    };
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(dir.join("key"))
        .status();
    assert!(made.is_ok_and(|s| s.success()), "ssh-keygen makes a key");
    let Some(host) = Host::start(1, &dir.join("key.pub"), dir) else {
        return;
    };
    let Some(kubelet) = Kubelet::start_by(dir, |p| host.command(p)) else {
        return;
    };
    fs::write(dir.join("known_hosts"), host.known()).expect("a file");
    let socket = format!("--proxy-ssh-tunnel=unix://{}/tunnel.sock", dir.display());
    let endpoint = format!("--tracing-endpoint={}", jaeger.endpoint());
    // kubectl has no traces of its own: the rate is what decides.
    let plane = ControlPlane::start(&[&socket, &endpoint]);
    let node = Node {
        name: host.name.clone(),
        pod: "web".to_owned(),
        inner: host.inner.clone(),
        outer: Some(host.outer.clone()),
        port: kubelet.port.clone(),
    };
    node.register(&plane);
    let _tunnel = Tunnel::start(
        dir,
        &plane.kubeconfig(),
        &dir.join("known_hosts"),
        &[&endpoint],
    );
    let exec = || plane.try_kubectl(&["exec", "web", "--", "echo", "a"]);
    eventually("the node is reached", || exec().status.success());
    let found = jaeger.find("tunnel", "catena.tunnel.v1.Tunnel/Dial", |trace| {
        trace.root().name.ends_with("/exec") && trace.count("tunnel", "SSH channel open") > 0
    });
    assert_eq!(lines(&found.tree()), lines(EXECUTED), "{}", found.tree());
    nested(&found);
    let opened = found.only("tunnel", "SSH channel open");
    assert_eq!(opened.tags["node"], host.name);
}

/// `helm test` with `test.jaegerQuery`: the script of the hook, with the files of its pod in
/// a directory.
#[test]
fn the_hook_of_the_chart_finds_its_trace() {
    let (true, Some(jaeger)) = (has("curl"), Jaeger::start()) else {
        return;
    };
    let endpoint = format!("--tracing-endpoint={}", jaeger.endpoint());
    let plane = ControlPlane::start(&[&endpoint, "--tracing-sampling-rate-per-million=0"]);
    let client = tempfile::tempdir().expect("a directory");
    fs::write(client.path().join("token"), "admin-token").expect("a file");
    fs::copy(plane.dir().join("pki/ca.crt"), client.path().join("ca.crt")).expect("a file");
    let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/../../charts/catena");
    let script = fs::read_to_string(format!("{chart}/files/test.sh")).expect("the script");
    let script = script.replace("/etc/catena/client", &client.path().display().to_string());
    let out = Command::new("sh")
        .args(["-euc", &script])
        .env("SERVER", plane.url())
        .env("JAEGER", format!("http://{}", jaeger.query()))
        .output()
        .expect("sh runs");
    let said = String::from_utf8_lossy(&out.stdout);
    let found = "found the trace with spans of aggregator and core";
    assert!(out.status.success() && said.contains(found), "{said}");
}

/// Remote API servers go on with the trace.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_a_remote_api_server() {
    let (true, Some(jaeger)) = (has("curl") && has("kubectl"), Jaeger::start()) else {
        return;
    };
    let Some(ip) = address() else {
        return;
    };
    let (server, port, ca) = remote::serve().await;
    let done = tokio::task::spawn_blocking(move || {
        let endpoint = format!("--tracing-endpoint={}", jaeger.endpoint());
        let plane = ControlPlane::start(&[&endpoint, "--tracing-sampling-rate-per-million=0"]);
        let made = plane.kubectl_stdin(&["apply"], &remote::manifest(&ip, port, &ca));
        assert!(made.status.success());
        let things = "/apis/metrics.test/v1/things";
        eventually("the remote server answers", || {
            remote::get(&plane, things).0 == 200
        });
        let id = "4bf92f3577b34da6a3ce929d0e0e4739";
        let out = traced(id)
            .arg(format!("{}{things}", plane.url()))
            .output()
            .expect("curl runs");
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        let trace = jaeger.trace(
            id,
            &[("aggregator", "HTTP request"), ("aggregator", "dial")],
        );
        let span = &trace.only("aggregator", "HTTP request").id;
        assert!(
            said.contains(&format!("traceparent: 00-{id}-{span}-01")),
            "{said}"
        );
        trace.root();
    });
    done.await.expect("all checks pass");
    server.abort();
}
