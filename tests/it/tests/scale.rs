//! Replicas that come and go under load: no request fails, no watch misses an event.

#![allow(clippy::print_stdout, reason = "tests say why they fail")]

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread::JoinHandle,
};

use catena_tests_it::{ControlPlane, binary, eventually, free_port, has};
use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client, Config, ResourceExt as _,
    api::PostParams,
    config::{KubeConfigOptions, Kubeconfig},
    runtime::watcher,
};

/// Processes one by one, as a cluster starts them: `catena up` would restart
/// those that are to go.
struct Fleet {
    dir: tempfile::TempDir,
    port: u16,
    running: BTreeMap<String, Child>,
}

impl Fleet {
    /// A front that knows the addresses of `extensions` replicas; the first runs.
    fn start(extensions: usize) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let mut fleet = Self {
            dir,
            port,
            running: BTreeMap::new(),
        };
        let tokens = fleet.path("tokens.csv");
        std::fs::write(&tokens, "admin-token,admin,u,\"system:masters\"\n").expect("tokens");
        let data = format!("--data-dir={}", fleet.path("data").display());
        fleet.run("store", "store", &[&data]);
        fleet.run("core", "core", &[]);
        fleet.run("extensions-0", "extensions", &[]);
        let sockets: Vec<String> = (0..extensions)
            .map(|i| fleet.socket(&format!("extensions-{i}")))
            .collect();
        let front = [
            format!("--secure-port={port}"),
            format!("--cert-dir={}", fleet.path("pki").display()),
            format!("--token-auth-file={}", tokens.display()),
            format!("--core-endpoints={}", fleet.socket("core")),
            format!("--extensions-endpoints={}", sockets.join(",")),
        ];
        let front: Vec<&str> = front.iter().map(String::as_str).collect();
        fleet.run("aggregator", "aggregator", &front);
        eventually("the front is ready", || fleet.get("/readyz").0 == 200);
        fleet
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn socket(&self, name: &str) -> String {
        self.path(&format!("{name}.sock")).display().to_string()
    }

    fn run(&mut self, name: &str, process: &str, args: &[&str]) {
        let mut command = Command::new(binary());
        command.arg(process).args(args);
        match process {
            "aggregator" => {
                command.args(["--bind-address=127.0.0.1", "--authorization-mode=RBAC"]);
            }
            _ => {
                command.arg(format!("--listen={}", self.socket(name)));
            }
        }
        if process != "store" {
            command.arg(format!("--etcd-servers=unix://{}", self.socket("store")));
        }
        if ["core", "extensions"].contains(&process) {
            command.arg(format!("--pki-dir={}", self.path("pki").display()));
        }
        let log = std::fs::File::create(self.path(&format!("{name}.log")));
        let child = command.stderr(log.expect("a log")).spawn();
        let old = self
            .running
            .insert(name.to_owned(), child.expect("it starts"));
        assert!(old.is_none(), "{name} runs already");
    }

    /// As a cluster ends a pod; it has to end well.
    fn end(&mut self, name: &str) {
        let mut child = self.running.remove(name).expect("it runs");
        let told = Command::new("kill").arg(child.id().to_string()).status();
        assert!(told.is_ok_and(|s| s.success()));
        let status = child.wait().expect("it ends");
        assert!(status.success(), "{name}: {status}");
    }

    fn get(&self, path: &str) -> (u16, String) {
        ask(self.port, path, None)
    }

    fn connected(&self, count: usize) {
        let line = format!(
            "catena_delegate_replicas{{delegate=\"extensions\",state=\"connected\"}} {count}"
        );
        eventually("replicas are connected", || {
            self.get("/metrics").1.contains(&line)
        });
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for child in self.running.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            for name in self.running.keys() {
                let log = std::fs::read_to_string(self.path(&format!("{name}.log")));
                eprintln!("--- {name}\n{}", log.unwrap_or_default());
            }
        }
    }
}

/// Status and body; with `body`, of a POST.
fn ask(port: u16, path: &str, body: Option<&str>) -> (u16, String) {
    let mut curl = Command::new("curl");
    curl.args(["-sk", "-m", "60", "-w", "\n%{http_code}"])
        .args(["-H", "Authorization: Bearer admin-token"])
        .stderr(Stdio::null());
    if let Some(body) = body {
        curl.args(["-H", "Content-Type: application/json", "-d", body]);
    }
    let out = curl.arg(format!("https://127.0.0.1:{port}{path}")).output();
    let text = String::from_utf8_lossy(&out.expect("curl runs").stdout).into_owned();
    let (body, code) = text.rsplit_once('\n').unwrap_or(("", "0"));
    (code.parse().unwrap_or(0), body.to_owned())
}

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const DEFINITION: &str = r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
"metadata":{"name":"widgets.example.com"},"spec":{"group":"example.com","scope":"Namespaced",
"names":{"plural":"widgets","kind":"Widget"},"versions":[{"name":"v1","served":true,"storage":true,
"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}"#;
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

/// Writers and readers that go on until they are stopped; each counts what it
/// was answered.
struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    fn start(port: u16) -> Self {
        let (stop, done) = <(Arc<AtomicBool>, Arc<AtomicUsize>)>::default();
        let threads = (0..3)
            .map(|t| {
                let (stop, done) = (Arc::clone(&stop), Arc::clone(&done));
                std::thread::spawn(move || {
                    let mut failed = Vec::new();
                    for i in 0.. {
                        if stop.load(Relaxed) {
                            break;
                        }
                        let name = format!("w{t}-{i}");
                        let body = format!(
                            r#"{{"apiVersion":"example.com/v1","kind":"Widget","metadata":{{"name":"{name}"}}}}"#
                        );
                        let made = ask(port, WIDGETS, Some(&body));
                        let read = ask(port, &format!("{WIDGETS}/{name}"), None);
                        for (code, text) in [made, read] {
                            if !(200..300).contains(&code) {
                                failed.push(format!("{name}: {code} {text}"));
                            }
                        }
                        done.fetch_add(1, Relaxed);
                    }
                    failed
                })
            })
            .collect();
        Self {
            stop,
            done,
            threads,
        }
    }

    /// Until as much again has been done as `count`.
    fn further(&self, count: usize) {
        let target = self.done.load(Relaxed) + count;
        eventually("load goes on", || self.done.load(Relaxed) >= target);
    }

    fn failed(self) -> Vec<String> {
        self.stop.store(true, Relaxed);
        let threads = self.threads.into_iter();
        threads.flat_map(|t| t.join().expect("a thread")).collect()
    }
}

#[test]
fn extensions_from_one_to_three_and_back_without_a_failed_request() {
    if !has("curl") {
        return;
    }
    let mut fleet = Fleet::start(3);
    assert_eq!(ask(fleet.port, DEFINITIONS, Some(DEFINITION)).0, 201);
    eventually("widgets are served", || fleet.get(WIDGETS).0 == 200);
    let load = Load::start(fleet.port);
    load.further(20);
    for name in ["extensions-1", "extensions-2"] {
        fleet.run(name, "extensions", &[]);
    }
    fleet.connected(3);
    load.further(100);
    // The one that was there from the beginning goes too.
    for name in ["extensions-0", "extensions-1"] {
        fleet.end(name);
        load.further(30);
    }
    fleet.connected(1);
    let failed = load.failed();
    assert!(failed.is_empty(), "{failed:#?}");
}

async fn maps(plane: &ControlPlane) -> Api<ConfigMap> {
    let config = Kubeconfig::read_from(plane.kubeconfig()).expect("a kubeconfig");
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(config, &options).await;
    let client = Client::try_from(config.expect("a configuration"));
    Api::namespaced(client.expect("a client"), "default")
}

/// Ends each core in order, which `catena up` starts again, while the other serves.
fn roll(plane: &ControlPlane) {
    let line = "catena_delegate_replicas{delegate=\"core\",state=\"connected\"} 2";
    let both = || {
        eventually("both are connected", || {
            ask(plane.port, "/metrics", None).1.contains(line)
        });
    };
    both();
    for pid in plane.pids("core") {
        let told = Command::new("kill").arg(pid.to_string()).status();
        assert!(told.is_ok_and(|s| s.success()));
        eventually("another one is there", || {
            let now = plane.pids("core");
            now.len() == 2 && !now.contains(&pid)
        });
        both();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn core_is_rolled_while_a_watch_is_open_and_written_to() {
    if !has("curl") {
        return;
    }
    let plane = Arc::new(ControlPlane::start(&["--replicas=2"]));
    let maps = maps(&plane).await;
    let mut events = watcher(maps.clone(), watcher::Config::default()).boxed();
    // The first list ends, and with it begins the watch.
    let mut lists = 0;
    while lists == 0 {
        let event = events.next().await.expect("an event").expect("no failure");
        lists += usize::from(matches!(event, watcher::Event::InitDone));
    }
    let rolled = Arc::new(AtomicBool::new(false));
    let rolling = tokio::task::spawn_blocking({
        let (plane, rolled) = (Arc::clone(&plane), Arc::clone(&rolled));
        move || {
            roll(&plane);
            rolled.store(true, Relaxed);
        }
    });
    let writing = tokio::spawn(async move {
        let mut made = Vec::new();
        while !rolled.load(Relaxed) || made.len() < 100 {
            let name = format!("m-{}", made.len());
            let map = serde_json::from_value(serde_json::json!({"metadata": {"name": name}}));
            let map = map.expect("a config map");
            let done = maps.create(&PostParams::default(), &map).await;
            assert!(done.is_ok(), "{name}: {done:?}");
            made.push(name);
        }
        let end = serde_json::json!({"metadata": {"name": "end"}});
        let end = serde_json::from_value(end).expect("a config map");
        maps.create(&PostParams::default(), &end)
            .await
            .expect("made");
        made
    });
    let mut seen = Vec::new();
    let whole = tokio::time::timeout(catena_tests_it::LIMIT, async {
        loop {
            match events.next().await.expect("an event") {
                Ok(watcher::Event::Apply(map)) if map.name_any() == "end" => return,
                Ok(watcher::Event::Apply(map)) => seen.push(map.name_any()),
                Ok(watcher::Event::InitDone) => lists += 1,
                Ok(_) => {}
                // The watch is resumed from where it ended.
                Err(e) => eprintln!("the watch ended: {e}"),
            }
        }
    });
    whole.await.expect("all events come");
    rolling.await.expect("core is rolled");
    let made = writing.await.expect("no write fails");
    seen.retain(|name| name.starts_with("m-"));
    assert_eq!(seen, made, "each event once, in order");
    assert_eq!(lists, 1, "nothing was listed anew");
}
