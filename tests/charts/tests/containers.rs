//! The rendered containers start from our image in a real runtime, as nobody and
//! on a read-only root, find each other by mutual TLS, and serve kubectl.

use std::process::{Command, Output};

use catena_tests_charts::{
    Helm, find, objects,
    podman::{self, Podman},
    pods::Pods,
    text,
};
use catena_tests_it::{eventually, has};
use serde_json::Value;

const IMAGE: &str = "docker.io/library/catena:0.1.0";

#[test]
fn the_rendered_containers_serve_kubectl() {
    let Some(podman) = Podman::find() else { return };
    let Some(helm) = Helm::find() else { return };
    if !has("kubectl") {
        return;
    }
    let out = tempfile::tempdir().expect("a directory");
    let digest = podman::build(out.path());
    if !podman.load(&out.path().join("catena.tar"), IMAGE) {
        return;
    }
    it_says_what_it_is(&podman);
    let again = podman::build(out.path());
    assert_eq!(digest, again, "the same content has the same digest");

    let rendered = objects(&helm.template(&["--set", "image.perProcess=false"]));
    let mut pods = Pods::contained(rendered, "cp-catena", podman);
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
    eventually("the front is ready", || {
        kubectl(&pods, &["get", "--raw", "/readyz"])
            .status
            .success()
    });
    let run = |args: &[&str]| text(kubectl(&pods, args), args);
    run(&["create", "namespace", "made"]);
    let account = ["get", "serviceaccount", "default", "--namespace", "made"];
    eventually("controllers work", || {
        kubectl(&pods, &account).status.success()
    });
    let definitions = run(&["get", "customresourcedefinitions", "--output", "name"]);
    assert_eq!(definitions, "", "extensions answer");
}

/// User, labels and entry of the image.
fn it_says_what_it_is(podman: &Podman) {
    let inspected = text(podman.ask(&["image", "inspect", IMAGE]), &["inspect"]);
    let image: Value = serde_json::from_str(&inspected).expect("JSON");
    let config = &image[0]["Config"];
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["Entrypoint"][0], "/usr/bin/catena");
    let labels = &config["Labels"];
    assert_eq!(labels["org.opencontainers.image.title"], "catena");
    assert_eq!(labels["org.opencontainers.image.licenses"], "Apache-2.0");
    for label in ["version", "revision", "description"] {
        let value = &labels[format!("org.opencontainers.image.{label}")];
        assert!(value.as_str().is_some_and(|v| !v.is_empty()), "{label}");
    }
}

fn kubectl(pods: &Pods, args: &[&str]) -> Output {
    Command::new("kubectl")
        .env("KUBECONFIG", pods.dir().join("kubeconfig"))
        .env("HOME", pods.dir())
        .args(args)
        .output()
        .expect("kubectl runs")
}
