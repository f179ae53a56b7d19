//! Many control planes in one host, and several operators.

use std::process::{Child, Command, Stdio};

use catena_tests_it::eventually;
use catena_tests_operator::Host;
use serde_json::{Value, json};

#[test]
fn control_planes_do_not_disturb_each_other() {
    let Some(host) = Host::start(&[]) else { return };
    let all = [
        ("east", "cp"),
        ("west", "cp"),
        ("west", "other"),
        ("west", "third"),
    ];
    for namespace in ["east", "west"] {
        host.namespace(namespace);
    }
    for (namespace, name) in all {
        host.apply(namespace, name, &json!({"version": "0.1.0"}));
    }
    for (namespace, name) in all {
        host.settled(namespace, name);
    }
    let ca = |namespace: &str, name: &str| {
        host.get(namespace, &format!("secret/{name}-catena-ca"))["data"]["tls.crt"].clone()
    };
    let before: Vec<Value> = all.iter().map(|(ns, name)| ca(ns, name)).collect();
    for (i, one) in before.iter().enumerate() {
        assert!(one.is_string());
        assert!(!before[..i].contains(one), "an authority is shared");
    }
    host.apply("west", "cp", &json!({"version": "0.2.0"}));
    host.until("west", "cp", "runs 0.2.0", |p| {
        p["status"]["version"] == "0.2.0"
    });
    host.api.kubectl(&["delete", "cp", "other", "-n", "west"]);
    for (namespace, name) in [("east", "cp"), ("west", "third")] {
        let plane = host.plane(namespace, name);
        assert_eq!(plane["status"]["version"], "0.1.0");
        assert_eq!(plane["status"]["ready"], "5/5");
    }
    // Names of one that are a part of another's.
    host.apply("east", "cp-catena", &json!({"version": "0.1.0"}));
    host.until("east", "cp-catena", "is in conflict", |p| {
        p["status"]["conditions"]
            .to_string()
            .contains("belongs to ControlPlane cp")
    });
    assert_eq!(ca("east", "cp"), before[0]);
}

#[test]
fn an_operator_of_some_namespaces_leaves_others_alone() {
    let Some(host) = Host::start(&["--watch-namespaces=east,west"]) else {
        return;
    };
    for namespace in ["east", "west", "north"] {
        host.namespace(namespace);
        host.apply(namespace, "cp", &json!({"version": "0.1.0"}));
    }
    host.settled("east", "cp");
    host.settled("west", "cp");
    assert!(host.plane("north", "cp")["status"].is_null());
    assert!(host.names("north", "deployments").is_empty());
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A second operator on the same lease.
fn standby(host: &Host, port: u16) -> Ended {
    let child = Command::new(catena_tests_it::binary())
        .arg("operator")
        .arg(format!("--kubeconfig={}", host.api.kubeconfig().display()))
        .args(["--leader-elect=true", "--leader-elect-namespace=default"])
        .arg(format!("--listen-http=127.0.0.1:{port}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Ended(child.expect("the operator starts"))
}

fn asked(port: u16, path: &str) -> String {
    let out = Command::new("curl")
        .args([
            "--silent",
            "--fail",
            &format!("http://127.0.0.1:{port}{path}"),
        ])
        .output()
        .expect("curl runs");
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[test]
fn one_of_several_operators_works_and_tells_what_it_does() {
    if !catena_tests_it::has("curl") {
        return;
    }
    let Some(host) = Host::start(&[]) else { return };
    host.kill_operator();
    host.namespace("control");
    let ports = [catena_tests_it::free_port(), catena_tests_it::free_port()];
    let first = standby(&host, ports[0]);
    let lease = || host.get("default", "lease/catena-operator")["spec"]["holderIdentity"].clone();
    eventually("the first holds the lease", || {
        lease().as_str().is_some_and(|h| !h.is_empty())
    });
    let holder = lease();
    let _second = standby(&host, ports[1]);
    eventually("both are ready", || {
        ports.iter().all(|p| asked(*p, "/readyz") == "ok")
    });
    host.apply("control", "cp", &json!({"version": "0.1.0"}));
    host.settled("control", "cp");
    assert_eq!(lease(), holder);
    let metrics = asked(ports[0], "/metrics");
    for line in [
        "catena_operator_reconcile_total{result=\"ok\"}",
        "catena_operator_reconcile_duration_seconds_bucket",
        "catena_operator_controlplane_condition{condition=\"Available\",name=\"cp\",namespace=\"control\"} 1",
        "catena_operator_controlplane_condition{condition=\"Degraded\",name=\"cp\",namespace=\"control\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    assert!(
        !asked(ports[1], "/metrics").contains("result=\"ok\""),
        "the second works, too"
    );

    // A signal gives the lease up.
    let pid = first.0.id().to_string();
    let told = Command::new("kill").arg(pid).status();
    assert!(told.is_ok_and(|s| s.success()));
    eventually("the second holds the lease", || {
        let now = lease();
        now != holder && now.as_str().is_some_and(|h| !h.is_empty())
    });
    host.apply("control", "cp", &json!({"version": "0.2.0"}));
    host.until("control", "cp", "runs 0.2.0", |p| {
        p["status"]["version"] == "0.2.0"
    });
}
