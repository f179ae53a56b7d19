//! A control plane of real processes for tests: `catena up` in a directory of
//! its own, on a port of its own.

#![allow(
    clippy::print_stdout,
    reason = "tests say what they skip and why they fail"
)]

pub mod node;
pub mod remote;
pub mod storage;

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// The binary that is tested; `make test` builds it first.
pub fn binary() -> PathBuf {
    let mut path = std::env::current_exe().expect("the path of the test");
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    let path = path.join("catena");
    assert!(
        path.exists(),
        "{} is missing: cargo build --bin catena",
        path.display()
    );
    path
}

/// A port that was free a moment ago: below those that the system hands out, and
/// given once, so that nobody takes it meanwhile.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(64);
    loop {
        let n = first.wrapping_add(NEXT.fetch_add(1, Relaxed)) % 22_000;
        let port = 10_000 + u16::try_from(n).unwrap_or_default();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Whether a program is there; a test that needs it says so and ends otherwise.
pub fn has(program: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|s| s.success());
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

/// A program that `make deps` builds; `None`, with the reason told, where it was not.
pub fn tool(name: &str) -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/tools")
        .join(name);
    if built.exists() {
        return Some(built);
    }
    println!("skipped: target/tools/{name} was not built (make deps)");
    None
}

/// Builds a Go program of these tests; `None`, with the reason told, where Go or
/// its modules are not to be had.
pub fn go_program(name: &str, dir: &Path) -> Option<PathBuf> {
    if !has("go") {
        return None;
    }
    let program = dir.join(name);
    let built = Command::new("go")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(name))
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .status();
    if built.is_ok_and(|s| s.success()) {
        return Some(program);
    }
    println!("skipped: the modules of {name} are not to be had");
    None
}

/// How long anything may take to come to pass.
pub const LIMIT: Duration = Duration::from_secs(150);

/// Returns when it has come to pass; fails after [`LIMIT`].
pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !done() {
        assert!(Instant::now() < end, "not within {LIMIT:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Running processes, ended with the value.
pub struct ControlPlane {
    up: Child,
    dir: tempfile::TempDir,
    pub port: u16,
}

impl ControlPlane {
    /// Starts with further flags of `catena up`; returns when it is ready.
    pub fn start(flags: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("tokens.csv"), TOKENS).expect("tokens are written");
        let port = free_port();
        let mut up = Command::new(binary())
            .arg("up")
            .arg(format!("--data-dir={}", dir.path().display()))
            .arg(format!("--secure-port={port}"))
            .arg(format!(
                "--token-auth-file={}",
                dir.path().join("tokens.csv").display()
            ))
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log(dir.path()))
            .spawn()
            .expect("catena starts");
        let mut lines = BufReader::new(up.stdout.take().expect("its output")).lines();
        let ready = lines.any(|l| l.is_ok_and(|l| l.contains("ready after")));
        assert!(ready, "not ready: {}", tail(dir.path()));
        Self { up, dir, port }
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join("admin.kubeconfig")
    }

    /// Where the embedded store listens.
    pub fn store(&self) -> String {
        format!("unix://{}", self.dir().join("store.sock").display())
    }

    /// Runs kubectl as administrator.
    pub fn try_kubectl(&self, args: &[&str]) -> Output {
        self.command("kubectl")
            .args(args)
            .output()
            .expect("kubectl runs")
    }

    /// Standard output of a kubectl that has to succeed.
    pub fn kubectl(&self, args: &[&str]) -> String {
        let out = self.try_kubectl(args);
        assert!(
            out.status.success(),
            "kubectl {args:?}: {}{}",
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    /// `kubectl <args> -f -` with a manifest.
    pub fn kubectl_stdin(&self, args: &[&str], manifest: &str) -> Output {
        use std::io::Write as _;
        let mut child = self
            .command("kubectl")
            .args(args)
            .args(["-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl runs");
        let mut stdin = child.stdin.take().expect("its input");
        stdin
            .write_all(manifest.as_bytes())
            .expect("the manifest is read");
        drop(stdin);
        child.wait_with_output().expect("kubectl ends")
    }

    /// A command that reaches this control plane.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("KUBECONFIG", self.kubeconfig())
            .env("HOME", self.dir.path());
        command
    }

    /// Process ids of the children that run a subcommand.
    pub fn pids(&self, process: &str) -> Vec<u32> {
        let parent = self.up.id();
        let mut out = Vec::new();
        for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else {
                continue;
            };
            let read = |file: &str| std::fs::read(entry.path().join(file)).unwrap_or_default();
            let stat = String::from_utf8_lossy(&read("stat")).into_owned();
            let ppid = stat
                .rsplit(") ")
                .next()
                .and_then(|rest| rest.split(' ').nth(1)?.parse::<u32>().ok());
            let line = read("cmdline");
            let mut args = line.split(|b| *b == 0);
            if ppid == Some(parent) && args.nth(1) == Some(process.as_bytes()) {
                out.push(pid);
            }
        }
        out
    }

    /// `kill -9` of every child that runs a subcommand.
    pub fn kill(&self, process: &str) {
        for pid in self.pids(process) {
            let done = Command::new("kill").args(["-9", &pid.to_string()]).status();
            assert!(done.is_ok_and(|s| s.success()), "{process} {pid} is killed");
        }
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.up.id().to_string()).status();
        let _ = self.up.wait();
        if std::thread::panicking() {
            println!("{}", tail(self.dir.path()));
        }
    }
}

/// Users of the tests; the first one is the administrator of the recordings.
const TOKENS: &str = "admin-token,admin,admin-uid,\"system:masters\"
reader-token,reader,reader-uid,readers
nobody-token,nobody,nobody-uid
";

fn log(dir: &Path) -> Stdio {
    std::fs::File::create(dir.join("log"))
        .expect("a log file")
        .into()
}

/// The end of the log, for failures.
fn tail(dir: &Path) -> String {
    let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}
