//! Faults in between: nobody and nothing may keep a control plane from being as
//! it should be in the end.

use std::time::Duration;

use catena_tests_it::eventually;
use catena_tests_operator::{Host, condition};
use serde_json::{Value, json};

#[test]
fn an_operator_that_is_killed_anywhere_goes_on() {
    let Some(host) = Host::start(&[]) else { return };
    host.namespace("control");
    host.kill_operator();
    host.apply(
        "control",
        "cp",
        &json!({"version": "0.1.0", "core": {"replicas": 2}}),
    );
    // Each life is a little longer than the one before: it ends at another step.
    for life in 1..25 {
        host.start_operator();
        std::thread::sleep(Duration::from_millis(life * 12));
        host.kill_operator();
    }
    host.apply(
        "control",
        "cp",
        &json!({"version": "0.2.0", "core": {"replicas": 2}}),
    );
    for life in 1..25 {
        host.start_operator();
        std::thread::sleep(Duration::from_millis(life * 12));
        host.kill_operator();
    }
    host.start_operator();
    host.until("control", "cp", "runs 0.2.0", |p| {
        p["status"]["version"] == "0.2.0"
    });
    host.settled("control", "cp");
    let plane = host.plane("control", "cp");
    assert_eq!(plane["status"]["ready"], "6/6");

    host.api
        .kubectl(&["delete", "cp", "cp", "-n", "control", "--wait=false"]);
    for life in 1..15 {
        std::thread::sleep(Duration::from_millis(life * 12));
        host.kill_operator();
        host.start_operator();
    }
    let kinds = "deployments,statefulsets,services,networkpolicies,poddisruptionbudgets,secrets,controlplaneservices,controllerrevisions,controlplanes.catena.dev";
    eventually("nothing is left", || {
        host.names("control", kinds).is_empty()
    });
}

#[test]
fn an_api_server_that_goes_away_is_waited_for() {
    let Some(host) = Host::start(&[]) else { return };
    host.namespace("control");
    host.apply("control", "cp", &json!({"version": "0.1.0"}));
    host.api.kill("aggregator");
    host.api.kill("core");
    host.settled("control", "cp");
    host.apply("control", "cp", &json!({"version": "0.2.0"}));
    for process in ["extensions", "store", "aggregator", "core"] {
        host.api.kill(process);
        std::thread::sleep(Duration::from_millis(200));
    }
    host.until("control", "cp", "runs 0.2.0", |p| {
        p["status"]["version"] == "0.2.0"
    });
    host.settled("control", "cp");
}

#[test]
fn what_others_change_or_delete_is_brought_back() {
    let Some(host) = Host::start(&[]) else { return };
    host.namespace("control");
    host.apply("control", "cp", &json!({"version": "0.1.0"}));
    host.settled("control", "cp");
    let core = "deployment/cp-catena-core";
    let replicas = |host: &Host| host.get("control", core)["spec"]["replicas"].clone();

    // Another manager, by force.
    let other = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "cp-catena-core", "namespace": "control"},
        "spec": {"replicas": 7},
    });
    let forced = [
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=somebody",
    ];
    let out = host.api.kubectl_stdin(&forced, &other.to_string());
    assert!(out.status.success());
    eventually("core has one replica again", || replicas(&host) == 1);
    // What the operator does not set is theirs.
    host.api
        .kubectl(&["annotate", core, "-n", "control", "example.com/note=mine"]);

    for what in [
        "service/cp-catena",
        "deployment/cp-catena-extensions",
        "networkpolicy/cp-catena-store",
        "configmap/cp-inventory",
        "controlplaneservice/cp-core",
        "controllerrevision",
    ] {
        let all = if what == "controllerrevision" {
            "--all"
        } else {
            "--ignore-not-found"
        };
        host.api
            .kubectl(&["delete", "-n", "control", what, all, "--wait=true"]);
    }
    host.api.kubectl(&[
        "patch",
        "service/cp-catena-core",
        "-n",
        "control",
        "--type=merge",
        "-p",
        "{\"spec\":{\"selector\":{\"a\":\"b\"}}}",
    ]);
    for what in [
        "service/cp-catena",
        "deployment/cp-catena-extensions",
        "networkpolicy/cp-catena-store",
        "configmap/cp-inventory",
        "controlplaneservice/cp-core",
    ] {
        eventually(what, || host.get("control", what).is_object());
    }
    host.settled("control", "cp");
    let note = host.get("control", core)["metadata"]["annotations"]["example.com/note"].clone();
    assert_eq!(note, "mine");
    eventually("one revision is known", || {
        host.names("control", "controllerrevisions").len() == 1
    });
}

#[test]
fn what_is_not_rendered_any_more_goes() {
    let Some(host) = Host::start(&[]) else { return };
    host.namespace("control");
    let scaled = json!({"version": "0.1.0", "core": {"autoscaling": {"enabled": true}}});
    host.apply("control", "cp", &scaled);
    host.settled("control", "cp");
    assert!(host.get("control", "hpa/cp-catena-core").is_object());
    let spec = json!({"version": "0.1.0", "controllers": {"enabled": false}, "values": {"networkPolicy": {"enabled": false}}});
    host.apply("control", "cp", &spec);
    eventually("they are gone", || {
        let kinds = "horizontalpodautoscalers,networkpolicies";
        host.names("control", kinds).is_empty()
            && host
                .get("control", "deployment/cp-catena-controllers")
                .is_null()
            && host.get("control", "cps/cp-controllers").is_null()
    });
    host.settled("control", "cp");
}

#[test]
fn what_belongs_to_others_is_left_alone() {
    let Some(host) = Host::start(&[]) else { return };
    host.namespace("control");
    let theirs = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "cp-catena-core", "namespace": "control", "labels": {"app.kubernetes.io/managed-by": "Helm"}},
        "spec": {"ports": [{"port": 80}]},
    });
    let made = host.api.kubectl_stdin(&["create"], &theirs.to_string());
    assert!(made.status.success());
    host.apply("control", "cp", &json!({"version": "0.1.0"}));
    host.until("control", "cp", "is in conflict", |p| {
        condition(p, "Degraded") == ("True".to_owned(), "Conflict".to_owned())
    });
    let plane = host.plane("control", "cp");
    let told = plane["status"]["conditions"].to_string();
    assert!(
        told.contains("Service cp-catena-core exists and belongs to Helm"),
        "{told}"
    );
    let service = host.get("control", "service/cp-catena-core");
    assert_eq!(service["spec"]["ports"][0]["port"], 80);

    // Its end leaves it alone, too.
    host.api.kubectl(&["delete", "cp", "cp", "-n", "control"]);
    assert!(host.get("control", "service/cp-catena-core").is_object());
    host.apply("control", "cp", &json!({"version": "0.1.0"}));
    host.api
        .kubectl(&["delete", "service/cp-catena-core", "-n", "control"]);
    host.settled("control", "cp");
}

#[test]
fn a_paused_control_plane_is_left_alone() {
    let Some(host) = Host::start(&[]) else { return };
    host.namespace("control");
    host.apply("control", "cp", &json!({"version": "0.1.0"}));
    host.settled("control", "cp");
    host.apply(
        "control",
        "cp",
        &json!({"version": "0.2.0", "paused": true}),
    );
    host.until("control", "cp", "is paused", |p| {
        condition(p, "Progressing").1 == "Paused"
    });
    let image = |host: &Host| -> Value {
        host.get("control", "deployment/cp-catena-core")["spec"]["template"]["spec"]["containers"]
            [0]["image"]
            .clone()
    };
    assert_eq!(image(&host), "catena-core:0.1.0");
    host.apply("control", "cp", &json!({"version": "0.2.0"}));
    host.until("control", "cp", "runs 0.2.0", |p| {
        p["status"]["version"] == "0.2.0"
    });
    assert_eq!(image(&host), "catena-core:0.2.0");
}
