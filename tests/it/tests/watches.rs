//! Watches and lists whose delegate is killed, as clients on the wire see them.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use catena_tests_it::{ControlPlane, eventually, has};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const VERSIONS: [&str; 2] = ["--http1.1", "--http2"];
const ENCODINGS: [&str; 6] = [
    "application/json",
    "application/vnd.kubernetes.protobuf;stream=watch",
    "application/cbor-seq",
    "application/json;as=Table;g=meta.k8s.io;v=v1",
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
];
const QUERIES: [&str; 3] = [
    "watch=1",
    "watch=1&resourceVersion=1",
    "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
];

/// A request that is under way, and what came of it so far.
struct Asked {
    what: String,
    curl: Child,
    answer: PathBuf,
}

impl Asked {
    fn start(plane: &ControlPlane, dir: &Path, what: &str, args: &[&str], path: &str) -> Self {
        let answer = dir.join(what.replace('/', "-"));
        let curl = Command::new("curl")
            .args(["-skN", "-m", "140", "-o"])
            .arg(&answer)
            .args(["-H", "Authorization: Bearer admin-token"])
            .args(args)
            .arg(format!("{}{path}", plane.url()))
            .stdout(Stdio::null())
            .spawn()
            .expect("curl runs");
        Self {
            what: what.to_owned(),
            curl,
            answer,
        }
    }

    fn received(&self) -> u64 {
        std::fs::metadata(&self.answer).map_or(0, |m| m.len())
    }

    /// How curl ended: 0 after a whole answer.
    fn ended(&mut self) -> Option<i32> {
        let status = self.curl.try_wait().expect("a status")?;
        Some(status.code().unwrap_or(-1))
    }
}

/// Kills a process again and again, so that it is gone for all that time.
fn kept_away(plane: &ControlPlane, process: &str, mut done: impl FnMut() -> bool) {
    eventually("everything ended", || {
        plane.kill(process);
        done()
    });
}

fn maps(plane: &ControlPlane, count: usize, size: usize) {
    let text = "x".repeat(size);
    for i in 0..count {
        let map = format!(
            "{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{{\"name\":\"m{i}\"}},\"data\":{{\"x\":\"{text}\"}}}}"
        );
        let made = plane.kubectl_stdin(&["create"], &map);
        assert!(made.status.success(), "{made:?}");
    }
}

#[test]
fn a_watch_whose_delegate_is_gone_ends_as_if_its_time_were_over() {
    if !has("curl") {
        return;
    }
    let gates = "--feature-gates=CBORServingAndStorage=true";
    let plane = ControlPlane::start(&["--controllers=false", gates]);
    maps(&plane, 2, 10);
    let dir = tempfile::tempdir().expect("a directory");
    let mut watches = Vec::new();
    for (v, version) in VERSIONS.iter().enumerate() {
        for (e, encoding) in ENCODINGS.iter().enumerate() {
            for (q, query) in QUERIES.iter().enumerate() {
                let accept = format!("Accept: {encoding}");
                let what = format!("{v}-{e}-{q}");
                let path = format!("{MAPS}?{query}");
                let args = [*version, "-H", &accept];
                let watch = Asked::start(&plane, dir.path(), &what, &args, &path);
                watches.push(watch);
            }
        }
    }
    eventually("every watch has begun", || {
        watches.iter().all(|w| w.received() > 0)
    });
    kept_away(&plane, "core", || {
        watches.iter_mut().all(|w| w.ended().is_some())
    });
    for watch in &mut watches {
        assert_eq!(watch.ended(), Some(0), "{}", watch.what);
    }
}

#[test]
fn half_a_list_is_no_list() {
    if !has("curl") {
        return;
    }
    let plane = ControlPlane::start(&["--controllers=false"]);
    // More than all buffers between core and a client hold.
    maps(&plane, 60, 500_000);
    let dir = tempfile::tempdir().expect("a directory");
    let mut lists: Vec<Asked> = VERSIONS
        .iter()
        .map(|version| {
            let args = [*version, "--limit-rate", "500K"];
            Asked::start(&plane, dir.path(), version, &args, MAPS)
        })
        .collect();
    eventually("the lists have begun", || {
        lists.iter().all(|l| l.received() > 0)
    });
    plane.kill("core");
    for list in &mut lists {
        eventually("the list ended", || list.ended().is_some());
        let code = list.ended().unwrap_or_default();
        // Partial files and streams that were reset.
        assert!([18, 56, 92].contains(&code), "{}: {code}", list.what);
        assert!(list.received() < 30_000_000, "{}", list.what);
    }
}

#[test]
fn kubectl_watches_until_the_end() {
    let plane = ControlPlane::start(&["--controllers=false"]);
    let mut kubectl = plane
        .command("kubectl")
        .args(["get", "configmaps", "--watch"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kubectl runs");
    maps(&plane, 1, 10);
    let mut lines = BufReader::new(kubectl.stdout.take().expect("its output")).lines();
    assert!(lines.any(|l| l.is_ok_and(|l| l.starts_with("m0 "))));
    kept_away(&plane, "core", || {
        kubectl.try_wait().expect("a status").is_some()
    });
    let out = kubectl.wait_with_output().expect("its output");
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{said}");
    assert!(!said.contains("INTERNAL_ERROR"), "{said}");
}
