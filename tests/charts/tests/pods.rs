//! The rendered containers really start, with the certificates of the chart and
//! nothing else, and serve an administrator.

use std::{
    path::Path,
    process::{Command, Output},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use catena_runtime::pki::{Pair, Pki};
use catena_tests_charts::{Helm, find, objects, pods::Pods, text};
use catena_tests_it::{eventually, has};
use serde_json::{Value, json};

fn kubectl(pods: &Pods, args: &[&str]) -> Output {
    Command::new("kubectl")
        .env("KUBECONFIG", pods.dir().join("kubeconfig"))
        .env("HOME", pods.dir())
        .args(args)
        .output()
        .expect("kubectl runs")
}

fn start(helm: &Helm, args: &[&str], further: Vec<Value>) -> Pods {
    let mut rendered = objects(&helm.template(args));
    rendered.extend(further);
    let mut pods = Pods::new(rendered, "cp-catena");
    pods.kubeconfig("cp-catena-kubeconfig");
    for process in ["store", "core", "extensions", "aggregator", "controllers"] {
        let kind = match process {
            "store" => "StatefulSet",
            _ => "Deployment",
        };
        let name = format!("cp-catena-{process}");
        let spec = find(pods.objects(), kind, &name)["spec"]["template"]["spec"].clone();
        pods.start(process, &spec);
    }
    pods
}

#[test]
fn the_rendered_processes_serve_an_administrator() {
    let Some(helm) = Helm::find() else { return };
    if !has("kubectl") || !has("curl") {
        return;
    }
    let pods = start(
        &helm,
        &["--set", "metrics.serviceMonitor.enabled=true"],
        Vec::new(),
    );
    eventually("the front is ready", || {
        kubectl(&pods, &["get", "--raw", "/readyz"])
            .status
            .success()
    });
    let run = |args: &[&str]| text(kubectl(&pods, args), args);
    run(&["create", "namespace", "made"]);
    // The controllers came in with their own token.
    let account = ["get", "serviceaccount", "default", "--namespace", "made"];
    eventually("controllers work", || {
        kubectl(&pods, &account).status.success()
    });
    let token = run(&["create", "token", "default", "--namespace", "made"]);
    let review = ["--token", token.trim(), "auth", "whoami"];
    let user = run(&review);
    assert!(
        user.contains("system:serviceaccount:made:default"),
        "{user}"
    );
    probes_and_scrapers_are_answered(&pods);
    metrics_are_read_by_their_user(&pods);
    the_hook_passes(&pods);
}

fn probes_and_scrapers_are_answered(pods: &Pods) {
    for process in ["store", "core", "extensions", "controllers"] {
        let kind = match process {
            "store" => "StatefulSet",
            _ => "Deployment",
        };
        let object = find(pods.objects(), kind, &format!("cp-catena-{process}"));
        let container = &object["spec"]["template"]["spec"]["containers"][0];
        let path = |probe: &str| {
            let path = &container[probe]["httpGet"]["path"];
            path.as_str().expect("a path").to_owned()
        };
        for path in [
            path("livenessProbe"),
            path("readinessProbe"),
            "/metrics".into(),
        ] {
            eventually("a probe passes", || {
                let url = pods.http(process, &path);
                let asked = Command::new("curl").args(["-sf", "-m", "5", &url]).output();
                asked.is_ok_and(|out| out.status.success())
            });
        }
    }
}

fn metrics_are_read_by_their_user(pods: &Pods) {
    let token = String::from_utf8(pods.data("cp-catena-tokens")["metrics"].clone());
    let token = token.expect("text");
    let ask = |path: &str| kubectl(pods, &["--token", &token, "get", "--raw", path]);
    let metrics = text(ask("/metrics"), &["/metrics"]);
    assert!(metrics.contains("catena_delegate_replicas"), "{metrics}");
    let secrets = ask("/api/v1/secrets");
    assert!(!secrets.status.success(), "metrics' user reads secrets");
}

/// `helm test`'s pod: the same script against the same front.
fn the_hook_passes(pods: &Pods) {
    let pod: &Value = find(pods.objects(), "Pod", "cp-catena-test");
    let out = pods
        .command("test", &pod["spec"])
        .output()
        .expect("sh runs");
    let said = text(out, &["helm test"]);
    assert!(said.contains("created, read and deleted"), "{said}");
}

/// A Secret as docs/install.md wants it, of certificates that our own code makes.
fn secret(name: &str, ca: &Path, pair: &Pair) -> Value {
    let read = |path: &Path| STANDARD.encode(std::fs::read(path).expect("a file"));
    json!({
        "kind": "Secret",
        "metadata": { "name": format!("cp-catena-{name}") },
        "data": { "ca.crt": read(ca), "tls.crt": read(&pair.cert), "tls.key": read(&pair.key) }
    })
}

fn secrets(pki: &Pki) -> Vec<Value> {
    let made = "certificates are made";
    let (ca, internal) = (pki.ca().expect(made), pki.internal_ca().expect(made));
    let proxies = pki.front_proxy_ca().expect(made);
    let mut out = Vec::new();
    for process in ["aggregator", "core", "extensions", "store"] {
        let pair = pki.process(process, &[]).expect(made);
        out.push(secret(process, &internal, &pair));
    }
    let server = pki.server("apiserver", &[]).expect(made);
    out.push(secret("apiserver", &ca, &server));
    for (user, cn) in [
        ("admin", "kubernetes-admin"),
        ("controllers", "system:catena:controllers"),
        ("kubelet-client", "kube-apiserver-kubelet-client"),
    ] {
        let pair = pki.client(user, cn, Some("system:masters")).expect(made);
        out.push(secret(user, &ca, &pair));
    }
    let front = pki.front_proxy_client().expect(made);
    out.push(secret("front-proxy-client", &proxies, &front));
    // Of authorities only the certificate is read.
    for (name, cert) in [("ca", &ca), ("front-proxy-ca", &proxies)] {
        let pair = Pair {
            cert: cert.clone(),
            key: cert.clone(),
        };
        out.push(secret(name, cert, &pair));
    }
    let (key, _) = pki.signing_key("sa").expect(made);
    let pair = Pair {
        cert: key.clone(),
        key,
    };
    out.push(secret("service-account", &ca, &pair));
    out
}

#[test]
fn certificates_that_others_made_are_taken() {
    let Some(helm) = Helm::find() else { return };
    if !has("kubectl") || !has("curl") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let pki = Pki::open(dir.path()).expect("a directory");
    let made = secrets(&pki);
    let pods = start(&helm, &["--set", "certificates.mode=existing"], made);
    // The kubeconfig names files that lie beside it.
    for (file, bytes) in pods.data("cp-catena-admin") {
        std::fs::write(pods.dir().join(file), bytes).expect("a file");
    }
    eventually("the front is ready", || {
        kubectl(&pods, &["get", "--raw", "/readyz"])
            .status
            .success()
    });
    let account = ["get", "serviceaccount", "default"];
    eventually("controllers work", || {
        kubectl(&pods, &account).status.success()
    });
    the_hook_passes(&pods);
    a_new_certificate_is_served_without_a_restart(&pods, &pki);
}

fn a_new_certificate_is_served_without_a_restart(pods: &Pods, pki: &Pki) {
    let name = "rotated.example.com";
    let ask = ["--tls-server-name", name, "get", "--raw", "/readyz"];
    assert!(!kubectl(pods, &ask).status.success(), "the name is new");
    let new = pki.server("apiserver", &[name.to_owned()]).expect("made");
    let mounted = pods.dir().join("aggregator/etc/catena/serving");
    for (from, to) in [(&new.key, "tls.key"), (&new.cert, "tls.crt")] {
        std::fs::copy(from, mounted.join(to)).expect("a file");
    }
    eventually("the new certificate is served", || {
        kubectl(pods, &ask).status.success()
    });
}
