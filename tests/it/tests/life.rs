//! The life of a process: its first words, its drain, its end.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use catena_tests_it::{binary, free_port, has};

const LIMIT: Duration = Duration::from_secs(30);

/// Everything in one process, with a time between red readiness and the end.
struct Server {
    child: Child,
    port: u16,
    dir: tempfile::TempDir,
}

impl Server {
    fn start(delay: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let tokens = "admin-token,admin,admin-uid,\"system:masters\"\n";
        std::fs::write(dir.path().join("tokens.csv"), tokens).expect("tokens");
        let log = std::fs::File::create(dir.path().join("log")).expect("a log");
        let child = Command::new(binary())
            .arg("apiserver")
            .arg(format!("--data-dir={}", path("data")))
            .arg(format!("--cert-dir={}", path("pki")))
            .arg(format!("--token-auth-file={}", path("tokens.csv")))
            .args(["--bind-address=127.0.0.1", "--authorization-mode=RBAC"])
            .arg(format!("--secure-port={port}"))
            .arg(format!("--shutdown-delay-duration={delay}"))
            .stderr(log)
            .spawn()
            .expect("it starts");
        let server = Self { child, port, dir };
        server.until("it is ready", |s| s.get("/readyz").0 == 200);
        server
    }

    fn curl(&self, path: &str) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["-sk", "-m", "60", "-w", "\n%{http_code}"])
            .args(["-H", "Authorization: Bearer admin-token"])
            .arg(format!("https://127.0.0.1:{}{path}", self.port));
        curl
    }

    fn get(&self, path: &str) -> (u16, String) {
        let out = self.curl(path).output().expect("curl runs");
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let (body, code) = text.rsplit_once('\n').unwrap_or(("", "0"));
        (code.parse().unwrap_or(0), body.to_owned())
    }

    fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let end = Instant::now() + LIMIT;
        while !done(self) {
            assert!(Instant::now() < end, "{what}: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn term(&self) {
        let status = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        assert!(status.is_ok_and(|s| s.success()));
    }

    fn log(&self) -> String {
        read(&self.dir.path().join("log"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn the_first_line_of_the_log_is_the_version() {
    if !has("curl") {
        return;
    }
    let server = Server::start("0s");
    let log = server.log();
    let first = log.lines().next().unwrap_or_default();
    assert!(first.contains("Version: Kubernetes v1.36"), "{first}");
}

/// docs/process-life.md, line by line.
#[test]
fn a_drain_keeps_its_order() {
    if !has("curl") {
        return;
    }
    let mut server = Server::start("2s");
    let watch = "/api/v1/namespaces?watch=true";
    let mut watcher = server
        .curl(watch)
        .stdout(Stdio::null())
        .spawn()
        .expect("a watch");
    server.until("the watch is open", |s| {
        s.get("/metrics")
            .1
            .contains("apiserver_longrunning_requests{component=\"apiserver\",group=\"\",resource=\"namespaces\"")
    });
    server.term();
    // Readiness is red, while requests are answered and the watch goes on.
    server.until("readiness is red", |s| s.get("/readyz").0 == 500);
    assert!(server.get("/readyz").1.contains("[-]shutdown failed"));
    assert_eq!(server.get("/livez").0, 200);
    assert_eq!(server.get("/api/v1/namespaces/default").0, 200);
    assert!(
        watcher.try_wait().expect("its state").is_none(),
        "the watch goes on"
    );
    // Then watches end, with a whole answer, and nobody is let in any more.
    let ended = watcher.wait().expect("the watch ends");
    assert!(ended.success(), "{ended}");
    let status = server.child.wait().expect("the process ends");
    assert_eq!(status.code(), Some(0), "{}", server.log());
    assert_eq!(server.get("/livez").0, 0);
}

#[test]
fn the_second_signal_ends_at_once_with_failure() {
    if !has("curl") {
        return;
    }
    let mut server = Server::start("1h");
    server.term();
    server.until("it heard", |s| s.log().contains("shutting down"));
    server.term();
    let status = server.child.wait().expect("the process ends");
    assert_eq!(status.code(), Some(1));
}
