//! Processes that die, are several, or are asked wrong things.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use catena_tests_it::{ControlPlane, binary, eventually, has};

/// Status and body of a request by curl.
fn ask(plane: &ControlPlane, token: &str, args: &[&str], path: &str) -> (u16, String) {
    let out = Command::new("curl")
        .args(["-sk", "-m", "20", "-w", "\n%{http_code}"])
        .args(["-H", &format!("Authorization: Bearer {token}")])
        .args(args)
        .arg(format!("{}{path}", plane.url()))
        .output()
        .expect("curl runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let (body, code) = text.rsplit_once('\n').unwrap_or(("", "0"));
    (code.parse().unwrap_or(0), body.to_owned())
}

fn admin(plane: &ControlPlane, args: &[&str], path: &str) -> (u16, String) {
    ask(plane, "admin-token", args, path)
}

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn create(plane: &ControlPlane, name: &str) -> u16 {
    let body = format!("{{\"metadata\":{{\"name\":\"{name}\"}}}}");
    admin(
        plane,
        &["-H", "Content-Type: application/json", "-d", &body],
        MAPS,
    )
    .0
}

/// Kills a process under writes: what was acknowledged is there, and nothing is
/// ever answered with 404 in between.
fn survives(process: &[&str]) {
    if !has("curl") {
        return;
    }
    let plane = Arc::new(ControlPlane::start(&[]));
    let stop = Arc::new(AtomicBool::new(false));
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..4)
        .map(|w| {
            let (plane, stop) = (plane.clone(), stop.clone());
            let acknowledged = acknowledged.clone();
            std::thread::spawn(move || {
                let mut made = Vec::new();
                for i in 0.. {
                    if stop.load(Relaxed) {
                        break;
                    }
                    let name = format!("w{w}-{i}");
                    match create(&plane, &name) {
                        201 => {
                            made.push(name);
                            acknowledged.fetch_add(1, Relaxed);
                        }
                        // Nobody listens, nobody answers, the delegate is away, or
                        // the answer to the first attempt was lost.
                        0 | 409 | 500..=504 => {}
                        other => panic!("{other} for {name}"),
                    }
                }
                made
            })
        })
        .collect();
    let further = |count: usize| {
        let before = acknowledged.load(Relaxed);
        eventually("further writes", || {
            acknowledged.load(Relaxed) >= before + count
        });
    };
    further(20);
    for p in process {
        plane.kill(p);
    }
    // More than the writers can have had under way when it died.
    further(20);
    eventually("ready again", || admin(&plane, &[], "/readyz").0 == 200);
    stop.store(true, Relaxed);
    let made: Vec<String> = writers
        .into_iter()
        .flat_map(|w| w.join().expect("a writer"))
        .collect();
    let (code, list) = admin(&plane, &[], MAPS);
    assert_eq!(code, 200);
    for name in &made {
        assert!(
            list.contains(&format!("\"name\":\"{name}\"")),
            "{name} is lost"
        );
    }
}

#[test]
fn a_killed_store_loses_nothing() {
    survives(&["store"]);
}

#[test]
fn a_killed_core_loses_nothing() {
    survives(&["core"]);
}

#[test]
fn a_killed_front_loses_nothing() {
    survives(&["aggregator"]);
}

#[test]
fn everything_killed_at_once_loses_nothing() {
    survives(&["aggregator", "core", "extensions", "store", "controllers"]);
}

/// Ready is said with one replica; the second one may be starting.
fn both_connected(plane: &ControlPlane, delegate: &str) {
    let line = format!("catena_delegate_replicas{{delegate=\"{delegate}\",state=\"connected\"}} 2");
    eventually("both replicas are connected", || {
        admin(plane, &[], "/metrics").1.contains(&line)
    });
}

const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";
const DEFINITION: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

/// Creates an object of a delegate; a write may have been under way with a replica
/// that died, and then is made again once.
fn created(plane: &ControlPlane, path: &str, name: &str) -> bool {
    let body = if path == WIDGETS {
        format!(
            r#"{{"apiVersion":"example.com/v1","kind":"Widget","metadata":{{"name":"{name}"}}}}"#
        )
    } else {
        format!(r#"{{"metadata":{{"name":"{name}"}}}}"#)
    };
    let json = ["-H", "Content-Type: application/json", "-d", &body];
    let mut answers = (0..2).map(|_| admin(plane, &json, path).0);
    answers.any(|code| [201, 409].contains(&code))
}

/// CPU time of a process, in clock ticks.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
    let of = |n: usize| fields.get(n).and_then(|f| f.parse().ok()).unwrap_or(0);
    of(11) + of(12)
}

#[test]
fn one_replica_of_two_may_die() {
    if !has("curl") {
        return;
    }
    let plane = ControlPlane::start(&["--replicas=2"]);
    for delegate in ["core", "extensions"] {
        assert_eq!(plane.pids(delegate).len(), 2);
        both_connected(&plane, delegate);
    }
    let applied = plane.kubectl_stdin(&["apply"], DEFINITION);
    assert!(applied.status.success());
    eventually("widgets are served", || {
        created(&plane, WIDGETS, "before") && created(&plane, MAPS, "before")
    });
    for (delegate, path) in [("core", MAPS), ("extensions", WIDGETS)] {
        let victim = plane.pids(delegate)[0];
        let killed = Command::new("kill")
            .args(["-9", &victim.to_string()])
            .status();
        assert!(killed.is_ok_and(|s| s.success()));
        for i in 0..50 {
            let name = format!("after-{i}");
            assert!(created(&plane, path, &name), "{path}/{name}");
            let before = admin(&plane, &[], &format!("{path}/before"));
            assert_eq!(before.0, 200, "{}", before.1);
        }
    }
}

#[test]
fn requests_spread_over_replicas() {
    if !has("curl") {
        return;
    }
    let plane = ControlPlane::start(&["--replicas=2", "--controllers=false"]);
    both_connected(&plane, "core");
    let before: Vec<u64> = plane.pids("core").into_iter().map(ticks).collect();
    eventually("both replicas have worked", || {
        for i in 0..20 {
            assert!(created(&plane, MAPS, &format!("m-{i}")));
        }
        let now = plane.pids("core").into_iter().map(ticks);
        now.zip(&before).all(|(now, before)| now > *before + 2)
    });
}

#[test]
fn an_absent_delegate_is_503_and_never_404() {
    if !has("curl") {
        return;
    }
    let plane = ControlPlane::start(&[]);
    // Stopped, not killed: nobody starts it again.
    let pid = plane.pids("extensions")[0].to_string();
    let crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    for round in 0..20 {
        plane.kill("extensions");
        for path in [crds, "/apis/example.com/v1/widgets"] {
            let (code, body) = admin(&plane, &[], path);
            assert!(
                code == 503
                    || code == 200
                    || (code == 404 && path != crds && body.contains("page not found")),
                "{round} {pid} {path}: {code} {body}"
            );
        }
    }
}

#[test]
fn bad_input_is_told_and_harmless() {
    if !has("curl") {
        return;
    }
    let plane = ControlPlane::start(&[]);
    let json = "Content-Type: application/json";
    let code = |args: &[&str], path: &str| admin(&plane, args, path);
    let (status, body) = code(&["-H", json, "-d", "{\"a\":"], MAPS);
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("\"reason\":\"BadRequest\""), "{body}");
    let yaml = "Content-Type: application/yaml";
    assert_eq!(code(&["-H", yaml, "-d", "a: [b"], MAPS).0, 400);
    let protobuf = "Content-Type: application/vnd.kubernetes.protobuf";
    assert_eq!(code(&["-H", protobuf, "-d", "k8s"], MAPS).0, 400);
    assert_eq!(
        code(&["-H", "Content-Type: text/html", "-d", "x"], MAPS).0,
        415
    );
    assert_eq!(code(&["-H", "Accept: text/html"], MAPS).0, 406);
    assert_eq!(code(&[], "/nope").0, 404);
    assert_eq!(code(&[], "/api/v1/namespaces/default/nopes").0, 404);
    assert_eq!(code(&["-X", "PUT", "-H", json, "-d", "{}"], MAPS).0, 405);
    let mut file = tempfile_in(&plane, "large.json");
    file.write_all(b"{\"data\":{\"a\":\"").expect("written");
    file.write_all(&vec![b'x'; 4 << 20]).expect("written");
    file.write_all(b"\"}}").expect("written");
    let large = format!("@{}", plane.dir().join("large.json").display());
    assert_eq!(code(&["-H", json, "--data-binary", &large], MAPS).0, 413);
    let mut file = tempfile_in(&plane, "deep.json");
    file.write_all(&vec![b'['; 100_000]).expect("written");
    let deep = format!("@{}", plane.dir().join("deep.json").display());
    assert_eq!(code(&["-H", json, "--data-binary", &deep], MAPS).0, 400);
    let strict = format!("{MAPS}?fieldValidation=Strict");
    let unknown = r#"{"metadata":{"name":"u"},"nope":1}"#;
    assert_eq!(code(&["-H", json, "-d", unknown], &strict).0, 400);
    for token in [
        "wrong",
        "a.b.c",
        "aaaaaa.bbbbbbbbbbbbbbbb",
        "eyJhbGciOiJub25lIn0.e30.",
    ] {
        let (status, body) = ask(&plane, token, &[], MAPS);
        assert_eq!(status, 401, "{token}: {body}");
        assert!(body.contains("\"message\":\"Unauthorized\""), "{body}");
    }
    let (status, body) = ask(&plane, "nobody-token", &[], MAPS);
    assert_eq!(status, 403);
    let text = "cannot list resource \\\"configmaps\\\" in API group \\\"\\\" in the namespace \\\"default\\\"";
    assert!(body.contains(text), "{body}");
    assert_eq!(admin(&plane, &[], "/readyz").0, 200);
}

fn tempfile_in(plane: &ControlPlane, name: &str) -> std::fs::File {
    std::fs::File::create(plane.dir().join(name)).expect("a file")
}

#[test]
fn versions_and_wrong_options() {
    let run = |args: &[&str]| {
        Command::new(binary())
            .args(args)
            .output()
            .expect("catena runs")
    };
    let out = run(&["apiserver", "--version"]);
    assert!(out.status.success());
    assert!(String::from_utf8_lossy(&out.stdout).starts_with("Kubernetes v1.36"));
    let out = run(&[
        "core",
        "--listen=127.0.0.1:0",
        "--service-cluster-ip-range=10.0.0.0/24,10.1.0.0/24",
    ]);
    assert_eq!(out.status.code(), Some(1));
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    for part in [
        "of different IP family",
        "--pki-dir",
        "--etcd-servers must be specified",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn the_first_signal_ends_in_order() {
    let dir = std::env::temp_dir();
    let mut child = Command::new(binary())
        .args(["store", "--listen=127.0.0.1:0", "--unsafe-no-fsync"])
        .arg(format!(
            "--data-dir={}",
            dir.join(format!("signal-{}", std::process::id())).display()
        ))
        .stderr(Stdio::null())
        .spawn()
        .expect("the store starts");
    std::thread::sleep(Duration::from_millis(300));
    let term = || Command::new("kill").arg(child.id().to_string()).status();
    assert!(term().is_ok_and(|s| s.success()));
    let status = child.wait().expect("it ends");
    assert!(status.success(), "{status}");
}
