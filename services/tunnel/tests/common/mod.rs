//! A real sshd, a tunnel process in this one, and a client of it.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

pub mod agent;
pub mod api;
pub mod client;
pub mod netns;
pub mod ways;

use std::{
    fs,
    net::{SocketAddr, TcpListener as StdListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::{Duration, Instant},
};

use clap::Parser as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// Where Debian has it; sshd insists on an absolute path.
pub const SSHD: &str = "/usr/sbin/sshd";

/// Whether the machine can run these tests; says why when not.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn can_run() -> bool {
    let there = Path::new(SSHD).exists();
    if !there {
        eprintln!("skipped: {SSHD} is not installed (tests/deps.sh)");
    }
    there
}

pub fn user() -> String {
    let out = Command::new("id").arg("-un").output().expect("id runs");
    String::from_utf8(out.stdout)
        .expect("a name")
        .trim()
        .to_owned()
}

/// Below the ports that the system hands out, and given once: nobody takes it
/// between now and its use.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(64);
    loop {
        let n = first.wrapping_add(NEXT.fetch_add(1, Relaxed)) % 22_000;
        let port = 10_000 + u16::try_from(n).unwrap_or_default();
        if StdListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

pub fn keygen(path: &Path, args: &[&str]) {
    let done = Command::new("ssh-keygen")
        .args(["-q", "-N", "", "-f"])
        .arg(path)
        .args(args)
        .status()
        .expect("ssh-keygen runs");
    assert!(done.success());
}

/// A running sshd. Killed on drop.
pub struct Sshd {
    dir: tempfile::TempDir,
    child: Option<Child>,
    pub host: String,
    pub port: u16,
    netns: Option<String>,
}

impl Sshd {
    /// Accepts the key whose public half is at `authorized`.
    pub fn start(authorized: &Path) -> Self {
        Self::start_at(authorized, "127.0.0.1", free_port(), None, "")
    }

    pub fn start_at(
        authorized: &Path,
        host: &str,
        port: u16,
        netns: Option<&str>,
        more: &str,
    ) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        // sshd separates privileges in this directory.
        fs::create_dir_all("/run/sshd").expect("/run/sshd");
        keygen(&dir.path().join("host"), &["-t", "ed25519"]);
        let at = dir.path().display();
        fs::copy(authorized, dir.path().join("authorized")).expect("a public key");
        let config = format!(
            "Port {port}\nListenAddress {host}\nHostKey {at}/host\nPidFile none\n\
             AuthorizedKeysFile {at}/authorized\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin prohibit-password\nAllowTcpForwarding local\n\
             MaxStartups 200\nPerSourcePenalties no\n{more}\n"
        );
        // Older versions do not know penalties.
        let config = if knows_penalties() {
            config
        } else {
            config.replace("PerSourcePenalties no\n", "")
        };
        fs::write(dir.path().join("config"), config).expect("a file");
        let mut sshd = Self {
            dir,
            child: None,
            host: host.to_owned(),
            port,
            netns: netns.map(str::to_owned),
        };
        sshd.restart();
        sshd
    }

    /// Starts it again, with the keys it had.
    pub fn restart(&mut self) {
        self.kill();
        let mut command = match &self.netns {
            Some(netns) => {
                let mut c = Command::new("ip");
                c.args(["netns", "exec", netns, SSHD]);
                c
            }
            None => Command::new(SSHD),
        };
        let log = fs::File::create(self.dir.path().join("log")).expect("a log");
        let child = command
            .args(["-D", "-e", "-f"])
            .arg(self.dir.path().join("config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("sshd runs");
        self.child = Some(child);
        let address = format!("{}:{}", self.host, self.port);
        let address: SocketAddr = address.parse().expect("an address");
        let until = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err() {
            assert!(
                Instant::now() < until,
                "sshd does not listen: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    pub fn authorized(&self) -> PathBuf {
        self.dir.path().join("authorized")
    }

    pub fn host_key(&self) -> PathBuf {
        self.dir.path().join("host.pub")
    }

    /// The listener and the sessions: sshd makes a process for each.
    pub fn kill(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        for pid in descendants(child.id()) {
            let _ = Command::new("kill")
                .args(["-9", &pid.to_string()])
                .stderr(Stdio::null())
                .status();
        }
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Stops every process, or lets them go on: a node that hangs.
    pub fn freeze(&self, frozen: bool) {
        let signal = if frozen { "-STOP" } else { "-CONT" };
        let listener = self.child.as_ref().expect("it runs").id();
        for pid in descendants(listener).into_iter().chain([listener]) {
            let _ = Command::new("kill")
                .args([signal, &pid.to_string()])
                .status();
        }
    }

    /// What a node is in `--node`.
    pub fn node(&self, name: &str) -> String {
        format!("--node={name}={}:{}", self.host, self.port)
    }

    /// Its line of known_hosts.
    pub fn known(&self) -> String {
        let key = fs::read_to_string(self.host_key()).expect("a host key");
        format!("[{}]:{} {key}", self.host, self.port)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill();
    }
}

fn knows_penalties() -> bool {
    let out = Command::new(SSHD)
        .args(["-T", "-o", "PerSourcePenalties=no"])
        .output();
    out.is_ok_and(|o| !String::from_utf8_lossy(&o.stderr).contains("Bad configuration option"))
}

/// Processes below `pid`, the deepest first.
fn descendants(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = fs::read_to_string(path).unwrap_or_default();
    let mut out = Vec::new();
    for child in children.split_whitespace().filter_map(|c| c.parse().ok()) {
        out.extend(descendants(child));
        out.push(child);
    }
    out
}

#[derive(clap::Parser)]
struct Args {
    #[command(flatten)]
    options: catena_tunnel::Options,
}

/// A tunnel process in this one.
pub struct Tunnel {
    pub dir: tempfile::TempDir,
    pub http: SocketAddr,
    stop: CancellationToken,
    running: Option<JoinHandle<anyhow::Result<()>>>,
}

/// Files of a tunnel: a key that is made beforehand, so that sshd can know it.
pub fn prepare() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    keygen(&dir.path().join("key"), &["-t", "ed25519"]);
    fs::write(dir.path().join("known"), "").expect("a file");
    dir
}

impl Tunnel {
    pub async fn start(dir: tempfile::TempDir, more: &[String]) -> Self {
        catena_runtime::tls::install_provider();
        let http = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let at = dir.path();
        let mut args = vec![
            "tunnel".to_owned(),
            format!("--listen={}", at.join("dial").display()),
            format!("--listen-http={http}"),
        ];
        if !more.iter().any(|a| a.contains("listen-connect")) {
            args.push(format!("--listen-connect={}", at.join("connect").display()));
        }
        // Else nodes only dial in.
        if more
            .iter()
            .any(|a| a.contains("--node") || a.contains("--kubeconfig"))
            && !more.iter().any(|a| a.contains("--listen-agents"))
        {
            args.push(format!("--ssh-user={}", user()));
            args.push(format!("--ssh-keyfile={}", at.join("key").display()));
            if !more.iter().any(|a| a.contains("host-key")) {
                args.push(format!("--ssh-known-hosts={}", at.join("known").display()));
            }
        }
        args.extend(more.iter().cloned());
        let options = Args::try_parse_from(args).expect("flags").options;
        assert_eq!(options.problems(), Vec::<String>::new());
        let stop = CancellationToken::new();
        let running = tokio::spawn(catena_tunnel::run(options, stop.clone()));
        let tunnel = Self {
            dir,
            http,
            stop,
            running: Some(running),
        };
        eventually("the doors open", async || {
            tunnel.dir.path().join("dial").exists() && tunnel.get("/livez").await.is_some()
        })
        .await;
        tunnel
    }

    /// Body of an answer with status 200.
    pub async fn get(&self, path: &str) -> Option<String> {
        get(self.http, path).await
    }

    /// A sample of /metrics.
    pub async fn metric(&self, name: &str) -> f64 {
        metric(self.http, name).await
    }

    /// Nodes that dialed in.
    pub async fn guests(&self, n: usize) {
        eventually("nodes dial in", async || {
            self.metric("catena_tunnel_reverse_sessions").await == n as f64
        })
        .await;
    }

    pub async fn sessions(&self, n: usize) {
        eventually("sessions", async || {
            self.metric("catena_tunnel_sessions").await == n as f64
        })
        .await;
    }

    pub async fn stop(mut self) {
        self.stop.cancel();
        let running = self.running.take().expect("it runs");
        let ended = tokio::time::timeout(PATIENCE, running).await;
        ended
            .expect("an end in time")
            .expect("no panic")
            .expect("no failure");
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Body of an answer with status 200.
pub async fn get(at: SocketAddr, path: &str) -> Option<String> {
    let mut tcp = tokio::net::TcpStream::connect(at).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    tcp.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}

/// A sample of /metrics.
pub async fn metric(at: SocketAddr, name: &str) -> f64 {
    let text = get(at, "/metrics").await.expect("metrics");
    let line = text
        .lines()
        .find(|l| l.strip_prefix(name).is_some_and(|r| r.starts_with(' ')));
    line.and_then(|l| l.rsplit_once(' '))
        .and_then(|(_, v)| v.parse().ok())
        .unwrap_or(0.0)
}

/// How long a busy machine may take for what takes an idle one seconds.
pub const PATIENCE: Duration = Duration::from_secs(150);

pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < until, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Sends back what comes, each direction to its own end.
pub async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = tcp.set_nodelay(true);
                let (mut from, mut to) = tcp.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
                let _ = to.shutdown().await;
            });
        }
    });
    at
}
