//! A control plane from its creation to its end.

use catena_tests_it::eventually;
use catena_tests_operator::{Host, condition};
use serde_json::{Value, json};

/// Kinds that the operator applies.
const KINDS: &str = "deployments,statefulsets,services,serviceaccounts,configmaps,secrets,networkpolicies,poddisruptionbudgets,controllerrevisions,controlplaneservices,persistentvolumeclaims";

/// Objects that are there without any control plane.
fn others(name: &str) -> bool {
    ["ServiceAccount/default", "ConfigMap/kube-root-ca.crt"].contains(&name)
}

fn left(host: &Host, namespace: &str) -> Vec<String> {
    let mut names = host.names(namespace, KINDS);
    names.retain(|n| !others(n));
    names
}

#[test]
fn a_control_plane_is_made_scaled_and_deleted() {
    let Some(host) = Host::start(&[]) else { return };
    host.namespace("control");
    host.apply(
        "control",
        "cp",
        &json!({"version": "0.1.0", "core": {"replicas": 2}}),
    );
    host.settled("control", "cp");
    let plane = host.plane("control", "cp");
    for (kind, status) in [
        ("StorageReady", "True"),
        ("CertificatesValid", "True"),
        ("Degraded", "False"),
    ] {
        assert_eq!(condition(&plane, kind).0, status, "{kind}");
    }
    let status = &plane["status"];
    assert_eq!(status["version"], "0.1.0");
    assert_eq!(status["ready"], "6/6");
    assert_eq!(status["kubeconfigSecret"], "cp-catena-kubeconfig");
    assert_eq!(
        status["endpoint"],
        "https://cp-catena.control.svc.cluster.local:443"
    );
    let core = status["services"]
        .as_array()
        .expect("services")
        .iter()
        .find(|s| s["name"] == "core");
    assert_eq!(
        core,
        Some(&json!({"name": "core", "desired": 2, "ready": 2, "updated": 2, "version": "0.1.0"}))
    );
    let table = host.api.kubectl(&["get", "cp", "-n", "control"]);
    for word in ["VERSION", "AVAILABLE", "ENDPOINT", "0.1.0", "True", "6/6"] {
        assert!(table.contains(word), "{word} is not in {table}");
    }
    scaling(&host);

    host.api.kubectl(&["delete", "cp", "cp", "-n", "control"]);
    // Its volume stays, as it says by default.
    eventually("only the volume is left", || {
        left(&host, "control") == ["PersistentVolumeClaim/data-cp-catena-store-0"]
    });
}

fn replicas(host: &Host, process: &str) -> Value {
    host.get("control", &format!("deployment/cp-catena-{process}"))["spec"]["replicas"].clone()
}

/// The later one of both that may say it wins.
fn scaling(host: &Host) {
    host.api
        .kubectl(&["scale", "-n", "control", "cps/cp-core", "--replicas=4"]);
    eventually("core has four", || replicas(host, "core") == json!(4));
    let scale = || host.get("control", "cps/cp-core");
    eventually("it is told", || scale()["status"]["replicas"] == 4);
    let scale = scale();
    let selector = scale["status"]["selector"].as_str().expect("a selector");
    assert!(
        selector.contains("app.kubernetes.io/component=core"),
        "{selector}"
    );

    host.apply(
        "control",
        "cp",
        &json!({"version": "0.1.0", "core": {"replicas": 2}, "extensions": {"replicas": 3}}),
    );
    eventually("extensions has three", || {
        replicas(host, "extensions") == json!(3)
    });
    assert_eq!(
        replicas(host, "core"),
        json!(4),
        "the ControlPlane said nothing new of core"
    );

    host.apply(
        "control",
        "cp",
        &json!({"version": "0.1.0", "core": {"replicas": 1}, "extensions": {"replicas": 3}}),
    );
    eventually("core has one", || replicas(host, "core") == json!(1));
    // No other pods, no other revision.
    host.settled("control", "cp");
    assert_eq!(host.plane("control", "cp")["status"]["revision"], 1);
}

#[test]
fn what_cannot_be_is_refused_by_its_name() {
    let Some(host) = Host::start(&[]) else { return };
    host.namespace("control");
    let cases = [
        (json!({}), "spec.version"),
        (json!({"version": "a b"}), "spec.version"),
        (
            json!({"version": "1", "storage": {}}),
            "one of embedded and etcd must be set",
        ),
        (
            json!({"version": "1", "storage": {"etcd": {"servers": ["https://a:2379"]}}}),
            "tls.secretName must be set for https servers",
        ),
        (
            json!({"version": "1", "core": {"autoscaling": {"minReplicas": 9}}}),
            "minReplicas must not be above maxReplicas",
        ),
        (
            json!({"version": "1", "certificates": {"duration": "1h", "renewBefore": "2h"}}),
            "renewBefore must be less than duration",
        ),
        (
            json!({"version": "1", "tunnel": {"enabled": true}}),
            "sshSecretName must name the Secret with the key",
        ),
        (json!({"version": "1", "cores": {}}), "unknown field"),
    ];
    for (spec, expected) in cases {
        let why = host.try_apply("control", "cp", &spec).expect_err("refused");
        assert!(why.contains(expected), "{expected:?} is not in {why}");
    }
    let long = "a".repeat(34);
    let why = host.try_apply("control", &long, &json!({"version": "1"}));
    assert!(why.expect_err("refused").contains("at most 33 characters"));
}

#[test]
fn a_spec_that_the_chart_refuses_leaves_all_as_it_is() {
    let Some(host) = Host::start(&[]) else { return };
    host.namespace("control");
    host.apply("control", "cp", &json!({"version": "0.1.0"}));
    host.settled("control", "cp");
    let wrong = json!({"version": "0.2.0", "values": {"core": {"replcas": 2}}});
    host.apply("control", "cp", &wrong);
    host.until("control", "cp", "is degraded", |p| {
        condition(p, "Degraded") == ("True".to_owned(), "InvalidSpec".to_owned())
    });
    let plane = host.plane("control", "cp");
    assert_eq!(condition(&plane, "Available").0, "True");
    assert_eq!(plane["status"]["version"], "0.1.0");
    assert!(
        host.events("control", "cp")
            .contains(&"InvalidSpec".to_owned())
    );
    host.apply("control", "cp", &json!({"version": "0.2.0"}));
    host.until("control", "cp", "is well", |p| {
        p["status"]["version"] == "0.2.0" && condition(p, "Degraded").0 == "False"
    });
}

#[test]
fn a_volume_goes_with_its_control_plane_where_that_is_asked_for() {
    let Some(host) = Host::start(&[]) else { return };
    host.namespace("control");
    let spec = json!({"version": "0.1.0", "storage": {"embedded": {"whenDeleted": "Delete"}}});
    host.apply("control", "cp", &spec);
    host.settled("control", "cp");
    host.api.kubectl(&["delete", "cp", "cp", "-n", "control"]);
    eventually("nothing is left", || left(&host, "control").is_empty());
}
