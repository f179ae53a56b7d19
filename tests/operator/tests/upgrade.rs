//! Upgrades in the safe order, and the ways back.

use catena_tests_it::eventually;
use catena_tests_operator::{Host, condition};
use serde_json::{Value, json};

/// What was rolled out with a version, in its order.
fn order(host: &Host, version: &str) -> Vec<String> {
    let all = host.standin.rollouts();
    all.iter()
        .filter(|line| line.ends_with(&format!(":{version}")))
        .filter_map(|line| Some(line.split_once(' ')?.0.rsplit('-').next()?.to_owned()))
        .collect()
}

fn version(host: &Host, workload: &str) -> String {
    let image =
        &host.get("control", workload)["spec"]["template"]["spec"]["containers"][0]["image"];
    let image = image.as_str().unwrap_or_default();
    image.rsplit(':').next().unwrap_or_default().to_owned()
}

fn states(plane: &Value) -> Vec<(i64, String)> {
    let history = plane["status"]["history"].as_array().expect("revisions");
    let one = |r: &Value| {
        let state = r["state"].as_str().unwrap_or_default().to_owned();
        (r["revision"].as_i64().unwrap_or_default(), state)
    };
    history.iter().map(one).collect()
}

#[test]
fn an_upgrade_goes_in_the_safe_order_and_back() {
    let Some(host) = Host::start(&[]) else { return };
    host.namespace("control");
    host.apply("control", "cp", &json!({"version": "0.1.0"}));
    host.settled("control", "cp");

    host.apply("control", "cp", &json!({"version": "0.2.0"}));
    host.until("control", "cp", "runs 0.2.0", |p| {
        p["status"]["version"] == "0.2.0"
    });
    let safe = ["store", "extensions", "core", "aggregator", "controllers"];
    assert_eq!(order(&host, "0.2.0"), safe);
    let plane = host.plane("control", "cp");
    assert_eq!(plane["status"]["revision"], 2);
    assert_eq!(
        states(&plane),
        [(1, "Available".to_owned()), (2, "Available".to_owned())]
    );

    host.apply("control", "cp", &json!({"version": "0.1.0"}));
    host.until("control", "cp", "runs 0.1.0 again", |p| {
        p["status"]["version"] == "0.1.0" && p["status"]["revision"] == 3
    });
    // The revision is the first one, which is the newest now.
    let plane = host.plane("control", "cp");
    assert_eq!(
        states(&plane),
        [(2, "Available".to_owned()), (3, "Available".to_owned())]
    );
    let events = host.events("control", "cp");
    for reason in ["Available", "Upgrading", "Upgraded"] {
        assert!(
            events.contains(&reason.to_owned()),
            "{reason} is not in {events:?}"
        );
    }
}

#[test]
fn a_later_process_waits_for_the_one_before() {
    let Some(host) = Host::start(&[]) else { return };
    host.namespace("control");
    host.apply("control", "cp", &json!({"version": "0.1.0"}));
    host.settled("control", "cp");
    // Core alone is broken: what comes after it stays.
    let broken = json!({"version": "0.2.0", "values": {"core": {"image": {"tag": "broken"}}}});
    host.apply("control", "cp", &broken);
    host.until("control", "cp", "waits for core", |p| {
        condition(p, "Progressing") == ("True".to_owned(), "Upgrading".to_owned())
            && p["status"]["conditions"]
                .to_string()
                .contains("core waits for")
    });
    assert_eq!(version(&host, "statefulset/cp-catena-store"), "0.2.0");
    assert_eq!(version(&host, "deployment/cp-catena-extensions"), "0.2.0");
    assert_eq!(version(&host, "deployment/cp-catena-core"), "broken");
    assert_eq!(version(&host, "deployment/cp-catena-aggregator"), "0.1.0");
    // Scaling does not wait.
    host.api.kubectl(&[
        "scale",
        "-n",
        "control",
        "cps/cp-aggregator",
        "--replicas=2",
    ]);
    eventually("the front is scaled", || {
        host.get("control", "deployment/cp-catena-aggregator")["spec"]["replicas"] == 2
    });
    assert_eq!(version(&host, "deployment/cp-catena-aggregator"), "0.1.0");
    let plane = host.plane("control", "cp");
    assert_eq!(condition(&plane, "Available").0, "True");

    host.apply("control", "cp", &json!({"version": "0.2.0"}));
    host.until("control", "cp", "runs 0.2.0", |p| {
        p["status"]["version"] == "0.2.0"
    });
    assert_eq!(version(&host, "deployment/cp-catena-aggregator"), "0.2.0");
}

#[test]
fn a_version_that_does_not_become_ready_is_taken_back() {
    let Some(host) = Host::start(&[]) else { return };
    host.namespace("control");
    let timeout = json!({"timeoutSeconds": 3});
    host.apply(
        "control",
        "cp",
        &json!({"version": "0.1.0", "upgrade": timeout}),
    );
    host.settled("control", "cp");
    // Nothing of this version starts: the store, which has one pod, is away.
    host.apply(
        "control",
        "cp",
        &json!({"version": "broken", "upgrade": timeout}),
    );
    host.until("control", "cp", "is taken back", |p| {
        condition(p, "Degraded") == ("True".to_owned(), "UpgradeFailed".to_owned())
            && condition(p, "Progressing") == ("False".to_owned(), "RolledBack".to_owned())
    });
    let plane = host.plane("control", "cp");
    assert_eq!(plane["status"]["version"], "0.1.0");
    assert_eq!(plane["status"]["failed"]["revision"], 2);
    assert_eq!(condition(&plane, "Available").0, "True");
    // The pod that was never ready is gone, which a StatefulSet does not do itself.
    assert_eq!(version(&host, "statefulset/cp-catena-store"), "0.1.0");
    for process in ["extensions", "core", "aggregator", "controllers"] {
        assert_eq!(
            version(&host, &format!("deployment/cp-catena-{process}")),
            "0.1.0"
        );
    }
    let events = host.events("control", "cp");
    for reason in ["UpgradeFailed", "RolledBack"] {
        assert!(
            events.contains(&reason.to_owned()),
            "{reason} is not in {events:?}"
        );
    }

    // It stays there until the spec changes.
    host.kill_operator();
    host.start_operator();
    host.apply("control", "cp", &json!({"version": "0.3.0"}));
    host.until("control", "cp", "runs 0.3.0", |p| {
        p["status"]["version"] == "0.3.0" && condition(p, "Degraded").0 == "False"
    });
    assert_eq!(order(&host, "broken"), Vec::<String>::new());
}

#[test]
fn a_first_version_that_does_not_start_is_told_of() {
    let Some(host) = Host::start(&[]) else { return };
    host.namespace("control");
    let timeout = json!({"timeoutSeconds": 2});
    host.apply(
        "control",
        "cp",
        &json!({"version": "broken", "upgrade": timeout}),
    );
    host.until("control", "cp", "is degraded", |p| {
        condition(p, "Degraded").0 == "True"
    });
    let plane = host.plane("control", "cp");
    assert_eq!(condition(&plane, "Available").0, "False");
    assert!(
        plane["status"]["conditions"]
            .to_string()
            .contains("not ready after 2 seconds")
    );
    host.apply("control", "cp", &json!({"version": "0.1.0"}));
    host.settled("control", "cp");
}
