//! The rendered containers really start, with the certificates of the chart and
//! nothing else, and serve an administrator.

use std::process::{Command, Output};

use catena_tests_charts::{Helm, find, objects, pods::Pods, text};
use catena_tests_it::{eventually, has};
use serde_json::Value;

fn kubectl(pods: &Pods, args: &[&str]) -> Output {
    Command::new("kubectl")
        .env("KUBECONFIG", pods.dir().join("kubeconfig"))
        .env("HOME", pods.dir())
        .args(args)
        .output()
        .expect("kubectl runs")
}

fn start(helm: &Helm, args: &[&str]) -> Pods {
    let rendered = objects(&helm.template(args));
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
    let pods = start(&helm, &["--set", "metrics.serviceMonitor.enabled=true"]);
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
    metrics_are_read_by_their_user(&pods);
    the_hook_passes(&pods);
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
