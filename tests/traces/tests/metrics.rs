//! What Prometheus makes of the metrics: every expression of the dashboard, of the alerts
//! and of the documentation, and the traces that histograms lead to.

#![allow(clippy::print_stdout, reason = "tests say what they skip")]

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use catena_tests_it::{ControlPlane, eventually, has};
use catena_tests_traces::{Prometheus, traced};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4740";

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Some of everything: reads, writes, failures, a watch.
fn load(plane: &ControlPlane, round: u32) {
    let name = format!("m{round}");
    plane.kubectl(&["create", "configmap", &name, "--from-literal=a=b"]);
    plane.kubectl(&["get", "configmaps"]);
    plane.kubectl(&["get", "customresourcedefinitions"]);
    assert!(
        !plane
            .try_kubectl(&["get", "configmap", "none"])
            .status
            .success()
    );
    plane.kubectl(&["delete", "configmap", &name]);
}

fn front(plane: &ControlPlane, accept: &str) -> String {
    let out = Command::new("curl")
        .args(["-sk", "-m", "10", "-H", "Authorization: Bearer admin-token"])
        .args(["-H", &format!("Accept: {accept}")])
        .arg(format!("{}/metrics", plane.url()))
        .output()
        .expect("curl runs");
    String::from_utf8(out.stdout).expect("text")
}

/// Expressions of the dashboard, with Grafana's variables filled in.
fn dashboard(namespace: &str) -> Vec<String> {
    let text = file("charts/catena/files/dashboard.json");
    let dashboard: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels
        .iter()
        .flat_map(|p| p["targets"].as_array().into_iter().flatten());
    let expressions = targets.map(|t| t["expr"].as_str().expect("an expression"));
    let filled = |e: &str| {
        e.replace("$namespace", namespace)
            .replace("$__rate_interval", "1m")
    };
    let out: Vec<String> = expressions.map(filled).collect();
    assert_eq!(out.len(), panels.len());
    out
}

/// Expressions of the alerts, as the chart renders them.
fn alerts() -> Vec<String> {
    let text = file("tests/charts/golden/observability.yaml");
    let expressions = text.lines().filter_map(|l| l.trim().strip_prefix("expr: "));
    let out: Vec<String> = expressions.map(str::to_owned).collect();
    assert!(out.len() >= 8, "{out:?}");
    out
}

/// The value of a label in an expression.
fn label<'a>(expression: &'a str, name: &str) -> &'a str {
    let (_, rest) = expression
        .split_once(&format!("{name}=\""))
        .expect("a label");
    rest.split('"').next().unwrap_or_default()
}

/// Names of the metrics in an expression: all of ours select by labels.
fn names(expression: &str) -> Vec<&str> {
    let before = expression.split('{').rev().skip(1);
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    before
        .map(|text| text.rsplit(|c| !word(c)).next().unwrap_or_default())
        .filter(|n| !n.is_empty())
        .collect()
}

#[test]
fn every_expression_finds_what_it_asks_for() {
    if !has("curl") || !has("kubectl") || !has("prometheus") {
        return;
    }
    // Where spans go does not matter here.
    let plane = ControlPlane::start(&[
        "--tracing-endpoint=http://127.0.0.1:9",
        "--tracing-sampling-rate-per-million=0",
    ]);
    let alerts = alerts();
    let (job, namespace) = (label(&alerts[0], "job"), label(&alerts[0], "namespace"));
    let labels = [("job", job), ("namespace", namespace), ("pod", "front-0")];
    let prometheus = Prometheus::start(&plane, &labels).expect("it is installed");
    let watch = plane
        .command("kubectl")
        .args(["get", "configmaps", "-w"])
        .stdout(std::process::Stdio::null())
        .spawn();
    let mut watch = watch.expect("kubectl runs");
    let read = traced(TRACE)
        .args(["-o", "/dev/null"])
        .arg(format!("{}/api/v1/namespaces/default", plane.url()))
        .status();
    assert!(read.is_ok_and(|s| s.success()));
    let mut round = 0;
    for expression in dashboard(namespace) {
        eventually(&format!("there is data for {expression}"), || {
            load(&plane, round);
            round += 1;
            !prometheus.query(&expression).is_empty()
        });
    }
    let known = prometheus.names();
    for expression in &alerts {
        prometheus.query(expression);
        for name in names(expression) {
            assert!(known.iter().any(|k| k == name), "{name} of {expression}");
        }
    }
    let documented = file("docs/install.md");
    let series = documented
        .lines()
        .filter_map(|l| l.trim().split_once("seriesQuery: "));
    let mut asked = 0;
    for (_, series) in series {
        assert!(!prometheus.query(series).is_empty(), "{series}");
        asked += 1;
    }
    assert_eq!(asked, 2);
    let buckets = "apiserver_request_duration_seconds_bucket";
    eventually("the bucket leads to the trace", || {
        prometheus.exemplars(buckets).contains(&TRACE.to_owned())
    });
    let _ = watch.kill();
    let _ = watch.wait();
}

/// Families by name, with their types.
fn families(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.lines().filter_map(|l| l.strip_prefix("# TYPE "));
    lines.filter_map(|l| l.split_once(' ')).collect()
}

/// Metrics that kube-apiserver has too, but not in the recording: it has them once there
/// was something to count.
const NOT_RECORDED: [&str; 3] = [
    "aggregator_unavailable_apiservice",
    "apiserver_request_terminations_total",
    "kubernetes_healthcheck",
];

#[test]
fn metrics_have_the_names_and_types_of_kube_apiserver() {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/reference/metric-names.txt");
    if !has("curl") || !has("kubectl") || !recorded.exists() {
        println!("skipped: curl, kubectl or the recorded names are not there");
        return;
    }
    let recorded = fs::read_to_string(recorded).expect("names");
    let recorded: BTreeMap<&str, &str> =
        recorded.lines().filter_map(|l| l.split_once(' ')).collect();
    let plane = ControlPlane::start(&[]);
    load(&plane, 0);
    let text = front(&plane, "text/plain");
    let ours = families(&text);
    for (name, kind) in &ours {
        let theirs = recorded.get(name);
        let own = name.starts_with("catena_") || NOT_RECORDED.contains(name);
        assert!(
            own || theirs == Some(kind),
            "{name} is {kind} and not {theirs:?}"
        );
    }
    for name in [
        "apiserver_request_total",
        "apiserver_request_duration_seconds",
        "apiserver_request_sli_duration_seconds",
        "apiserver_response_sizes",
        "apiserver_current_inflight_requests",
        "apiserver_longrunning_requests",
        "apiserver_watch_events_total",
        "apiserver_storage_size_bytes",
        "authenticated_user_requests",
        "authentication_attempts",
        "authentication_duration_seconds",
        "authorization_attempts_total",
        "authorization_duration_seconds",
        "kubernetes_build_info",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_start_time_seconds",
    ] {
        assert!(ours.contains_key(name), "{name}");
    }
    let open = front(&plane, "application/openmetrics-text;version=1.0.0");
    assert!(open.ends_with("# EOF\n") && open.contains("# TYPE apiserver_request counter\n"));
}
