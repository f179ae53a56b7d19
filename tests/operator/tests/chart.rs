//! The chart of the operator, installed by Helm in Catena; the operator works with
//! no rights but those that the chart gives.

use std::fs;

use catena_tests_charts::{Helm, root, text};
use catena_tests_it::eventually;
use catena_tests_operator::{Host, condition};
use serde_json::json;

fn helm(host: &Host, helm: &Helm, args: &[&str]) -> String {
    let mut command = helm.command(args);
    command
        .args(["--namespace", "system"])
        .env("KUBECONFIG", host.api.kubeconfig())
        .env("HOME", host.api.dir());
    text(command.output().expect("helm runs"), args)
}

/// Works as the service account of the chart from now on.
fn become_the_service_account(host: &mut Host) {
    let token = host
        .api
        .kubectl(&["create", "token", "op-catena-operator", "-n", "system"]);
    let admin = fs::read_to_string(host.api.kubeconfig()).expect("a kubeconfig");
    let mut config: serde_json::Value = serde_saphyr::from_str(&admin).expect("YAML");
    config["users"][0]["user"] = json!({"token": token.trim()});
    let path = host.api.dir().join("operator.kubeconfig");
    fs::write(&path, config.to_string()).expect("a kubeconfig");
    host.kubeconfig = path;
}

#[test]
fn the_rights_of_the_chart_are_enough() {
    let Some(tool) = Helm::find() else { return };
    let Some(mut host) = Host::bare(&["--backup-image=catena-operator:0.1.0"]) else {
        return;
    };
    let chart = root().join("charts/catena-operator").display().to_string();
    let notes = helm(
        &host,
        &tool,
        &["install", "op", &chart, "--create-namespace"],
    );
    assert!(notes.contains("kind: ControlPlane"), "{notes}");
    host.established();
    become_the_service_account(&mut host);
    host.start_operator();
    host.namespace("control");
    let spec = |version: &str| {
        json!({
            "version": version,
            "core": {"autoscaling": {"enabled": true}},
            "storage": {"embedded": {"whenDeleted": "Delete"}, "backup": {}},
            "upgrade": {"backup": false},
        })
    };
    host.apply("control", "cp", &spec("0.1.0"));
    host.settled("control", "cp");
    let nobody = [
        "auth",
        "can-i",
        "get",
        "nodes",
        "--as=system:serviceaccount:system:op-catena-operator",
    ];
    assert_eq!(
        String::from_utf8_lossy(&host.api.try_kubectl(&nobody).stdout).trim(),
        "no"
    );
    host.api.kubectl(&[
        "annotate",
        "-n",
        "control",
        "cp/cp",
        "catena.dev/backup=now",
    ]);
    eventually("a Job is made", || {
        !host.names("control", "jobs").is_empty()
    });
    host.api.kubectl(&[
        "scale",
        "-n",
        "control",
        "cps/cp-extensions",
        "--replicas=2",
    ]);
    host.apply("control", "cp", &spec("0.2.0"));
    host.until("control", "cp", "runs 0.2.0", |p| {
        p["status"]["version"] == "0.2.0"
    });
    let plane = host.plane("control", "cp");
    assert_eq!(condition(&plane, "Degraded").0, "False");
    assert!(!host.events("control", "cp").is_empty());
    its_end(&host, &tool, &chart);
}

fn its_end(host: &Host, tool: &Helm, chart: &str) {
    host.api.kubectl(&["delete", "cp", "cp", "-n", "control"]);
    let kinds = "deployments,statefulsets,secrets,services,horizontalpodautoscalers,jobs";
    eventually("nothing is left", || {
        host.names("control", kinds).is_empty()
    });
    eventually("backups alone stay", || {
        host.names("control", "persistentvolumeclaims") == ["PersistentVolumeClaim/cp-backups"]
    });

    helm(host, tool, &["upgrade", "op", chart, "--set", "replicas=2"]);
    helm(host, tool, &["rollback", "op", "1"]);
    helm(host, tool, &["uninstall", "op"]);
    let left = host.get("system", "deployment/op-catena-operator");
    assert!(left.is_null());
    // With the definitions all control planes would go.
    let definition = host.get("system", "crd/controlplanes.catena.dev");
    assert!(definition.is_object());
}

#[test]
fn rights_can_be_given_in_some_namespaces_alone() {
    let Some(tool) = Helm::find() else { return };
    let Some(mut host) = Host::bare(&["--watch-namespaces=control"]) else {
        return;
    };
    host.namespace("control");
    let chart = root().join("charts/catena-operator").display().to_string();
    let some = [
        "install",
        "op",
        &chart,
        "--create-namespace",
        "--set",
        "watchNamespaces={control}",
    ];
    helm(&host, &tool, &some);
    host.established();
    become_the_service_account(&mut host);
    host.start_operator();
    host.apply("control", "cp", &json!({"version": "0.1.0"}));
    host.settled("control", "cp");
    let elsewhere = [
        "auth",
        "can-i",
        "get",
        "secrets",
        "-n",
        "default",
        "--as=system:serviceaccount:system:op-catena-operator",
    ];
    assert_eq!(
        String::from_utf8_lossy(&host.api.try_kubectl(&elsewhere).stdout).trim(),
        "no"
    );
}
