//! Figures for docs/tunnel.md, of the tunnel both ways and of konnectivity beside it:
//! `cargo build --release --bin catena`, then
//! `cargo test --release --test figures -- --ignored --nocapture figures`.
//!
//! Three hosts with a network of their own; the proxies are processes, whose CPU
//! and memory are counted; clients and far ends are the same for all.
#![expect(clippy::print_stdout, reason = "figures are what this is for")]

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use catena_egress::{Egress, EgressFlags, NetworkContext};
use catena_runtime::{
    net::{Endpoint, Io},
    tls::install_provider,
};
use catena_tests_egress::{
    Konnectivity, Protocol,
    hosts::{Host, Tunnel},
};
use catena_tests_it::free_port;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// Where far ends listen, on each host.
const PORT: u16 = 8400;
/// Says which host a far end is to be.
const HOST: &str = "CATENA_FAR_END";
const BYTES: usize = 512 << 20;
const IDLE: usize = 10_000;

/// The far end of a host, as a process there: it says its number, then sends
/// without an end, or back what it gets.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "a part of the figures"]
async fn far_end() {
    let Ok(number) = std::env::var(HOST) else {
        return;
    };
    let number: u8 = number.parse().expect("a number");
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await.expect("a port");
    while let Ok((tcp, _)) = listener.accept().await {
        tokio::spawn(async move { serve(tcp, number).await });
    }
}

async fn serve(mut tcp: TcpStream, number: u8) -> std::io::Result<()> {
    tcp.set_nodelay(true)?;
    tcp.write_all(&[number]).await?;
    if tcp.read_u8().await? == b'F' {
        let piece = vec![7; 256 << 10];
        loop {
            tcp.write_all(&piece).await?;
        }
    }
    loop {
        let byte = tcp.read_u8().await?;
        tcp.write_all(&[byte]).await?;
    }
}

struct FarEnd(Child);

impl FarEnd {
    fn start(host: &Host, number: usize) -> Self {
        let exe = std::env::current_exe().expect("the path of the test");
        let child = host
            .command(exe)
            .args(["--exact", "far_end", "--ignored"])
            .env(HOST, number.to_string())
            .stdout(Stdio::null())
            .spawn();
        Self(child.expect("it runs"))
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn cpu(pids: &[u32]) -> f64 {
    let one = |pid: &u32| -> Option<f64> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit(") ").next()?.split(' ').collect();
        let ticks = |i: usize| fields.get(i)?.parse::<f64>().ok();
        Some((ticks(11)? + ticks(12)?) / 100.0)
    };
    pids.iter().filter_map(one).sum()
}

/// Kilobytes that are resident, shared pages in proportion.
fn memory(pids: &[u32]) -> f64 {
    let one = |pid: &u32| -> Option<f64> {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = text.lines().find(|l| l.starts_with("Pss:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    pids.iter().filter_map(one).sum()
}

/// A way to the hosts, with what runs for it.
struct Way {
    name: &'static str,
    egress: Arc<dyn Egress>,
    pids: Box<dyn Fn() -> Vec<u32>>,
}

impl Way {
    /// A connection to the far end of some host, and which it is.
    async fn open(&self) -> Option<(Box<dyn Io>, u8)> {
        let mut io = self.egress.dial("127.0.0.1", PORT).await.ok()?;
        let number = io.read_u8().await.ok()?;
        Some((io, number))
    }

    async fn ready(&self, hosts: u8) {
        let end = Instant::now() + Duration::from_secs(120);
        for host in 1..=hosts {
            while !matches!(self.open().await, Some((_, n)) if n == host) {
                assert!(
                    Instant::now() < end,
                    "{}: host {host} is not reached",
                    self.name
                );
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    /// GB/s of a stream from each of so many hosts, and CPU seconds a GB.
    async fn rate(&self, hosts: u8) -> (f64, f64) {
        let mut streams = Vec::new();
        for host in 1..=hosts {
            loop {
                // A proxy server that had many just now refuses one at times.
                if let Some((io, number)) = self.open().await
                    && number == host
                {
                    break streams.push(io);
                }
            }
        }
        let pids = (self.pids)();
        let (began, used) = (Instant::now(), cpu(&pids));
        let reading = streams.into_iter().map(|mut io| {
            tokio::spawn(async move {
                io.write_all(b"F").await.expect("a byte");
                io.flush().await.expect("flushed");
                let (mut piece, mut got) = (vec![0; 256 << 10], 0);
                while got < BYTES {
                    got += io.read(&mut piece).await.expect("bytes");
                }
            })
        });
        for reading in reading.collect::<Vec<_>>() {
            reading.await.expect("no panic");
        }
        let gigabytes = usize::from(hosts) as f64 * BYTES as f64 / 1e9;
        let took = began.elapsed().as_secs_f64();
        (gigabytes / took, (cpu(&pids) - used) / gigabytes)
    }

    async fn round_trips(&self) -> (f64, f64) {
        let (mut io, _) = self.open().await.expect("a connection");
        io.write_all(b"E").await.expect("a byte");
        trips(&mut io).await
    }

    async fn dials(&self) -> (f64, f64) {
        let mut times = Vec::new();
        for _ in 0..1000 {
            let began = Instant::now();
            drop(self.open().await.expect("a connection"));
            times.push(began.elapsed());
        }
        percentiles(times)
    }

    /// KiB of the proxies for an idle stream.
    async fn idle(&self) -> Option<f64> {
        let before = memory(&(self.pids)());
        let mut held = Vec::new();
        while held.len() < IDLE {
            let opening = (0..20).map(|_| async {
                let (mut io, _) = self.open().await?;
                io.write_all(b"E").await.ok()?;
                io.write_all(b"!").await.ok()?;
                io.flush().await.ok()?;
                (io.read_u8().await.ok()? == b'!').then_some(io)
            });
            for opened in futures_util::future::join_all(opening).await {
                held.push(opened?);
            }
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        Some((memory(&(self.pids)()) - before) / held.len() as f64)
    }
}

async fn trips(io: &mut (impl Io + ?Sized)) -> (f64, f64) {
    let mut times = Vec::new();
    for _ in 0..5000 {
        let began = Instant::now();
        io.write_all(b"!").await.expect("a byte");
        io.flush().await.expect("flushed");
        io.read_u8().await.expect("a byte");
        times.push(began.elapsed());
    }
    percentiles(times)
}

/// p50 and p99 in microseconds.
fn percentiles(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort();
    let micros = |i: usize| times[i].as_secs_f64() * 1e6;
    (micros(times.len() / 2), micros(times.len() * 99 / 100))
}

fn tunnel(socket: &Path) -> Arc<dyn Egress> {
    let flags = EgressFlags {
        proxy_ssh_tunnel: Some(Endpoint::Unix(socket.to_owned())),
        ..EgressFlags::default()
    };
    cluster(&flags)
}

fn cluster(flags: &EgressFlags) -> Arc<dyn Egress> {
    let selector = flags.selector().expect("the flags are good");
    selector.lookup(NetworkContext::Cluster)
}

async fn measure(way: &Way, direct: (f64, f64)) {
    way.ready(3).await;
    let (one, three) = (way.rate(1).await, way.rate(3).await);
    let (trips, dials) = (way.round_trips().await, way.dials().await);
    let idle = way.idle().await;
    let idle = idle.map_or("failed".to_owned(), |kib| format!("{kib:.0} KiB"));
    println!(
        "| {} | {:.2} | {:.2} | {:.1} s | {:.0}, {:.0} µs | {:.2}, {:.2} ms | {idle} |",
        way.name,
        one.0,
        three.0,
        three.1,
        trips.0 - direct.0,
        trips.1 - direct.1,
        dials.0 / 1000.0,
        dials.1 / 1000.0,
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes and an idle machine"]
async fn figures() {
    install_provider();
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(dir.join("key"))
        .status();
    assert!(made.is_ok_and(|s| s.success()), "ssh-keygen makes a key");
    let hosts = (1..=3).map(|n| Host::start(n, &dir.join("key.pub"), dir));
    let Some(hosts) = hosts.collect::<Option<Vec<Host>>>() else {
        return;
    };
    let hosts = Arc::new(hosts);
    let _far: Vec<_> = hosts
        .iter()
        .zip(1..)
        .map(|(h, n)| FarEnd::start(h, n))
        .collect();
    let direct = direct(&hosts[0]).await;
    println!(
        "round trip without a proxy: p50 {:.0} µs, p99 {:.0} µs",
        direct.0, direct.1
    );
    println!(
        "| way | GB/s, one node | GB/s, three | CPU a GB | added, p50, p99 | dial, p50, p99 | idle stream |"
    );
    println!("|---|---|---|---|---|---|---|");
    over_ssh(&hosts, dir, direct).await;
    dialed_in(&hosts, dir, direct).await;
    for (protocol, name) in [
        (Protocol::Grpc, "konnectivity, GRPC"),
        (Protocol::HttpConnect, "konnectivity, HTTPConnect"),
    ] {
        let dir = dir.join(format!("{protocol:?}"));
        konnectivity(&hosts, &dir, (protocol, name), direct).await;
    }
}

async fn direct(host: &Host) -> (f64, f64) {
    let end = Instant::now() + Duration::from_secs(60);
    let mut tcp = loop {
        match TcpStream::connect((host.outer.as_str(), PORT)).await {
            Ok(tcp) => break tcp,
            Err(e) => assert!(Instant::now() < end, "the far end does not listen: {e}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    tcp.set_nodelay(true).expect("a socket");
    tcp.read_u8().await.expect("a number");
    tcp.write_all(b"E").await.expect("a byte");
    trips(&mut tcp).await
}

async fn over_ssh(hosts: &Arc<Vec<Host>>, dir: &Path, direct: (f64, f64)) {
    let known: String = hosts.iter().map(Host::known).collect();
    fs::write(dir.join("known_hosts"), known).expect("a file");
    let process = Tunnel::start_to(hosts, dir, &dir.join("known_hosts"));
    let (pid, sshds) = (process.pid(), Arc::clone(hosts));
    let pids = move || {
        let on_hosts = sshds.iter().flat_map(Host::sshds);
        on_hosts.chain([pid]).collect()
    };
    let way = Way {
        name: "tunnel over SSH",
        egress: tunnel(&dir.join("tunnel.sock")),
        pids: Box::new(pids),
    };
    measure(&way, direct).await;
}

async fn dialed_in(hosts: &[Host], dir: &Path, direct: (f64, f64)) {
    let (socket, pki, port) = (dir.join("agents.sock"), dir.join("pki"), free_port());
    let process = Tunnel::start_for_all(&socket, &pki, port);
    let agent = |h: &Host| Tunnel::agent(h, &pki, &[port], &[]);
    let agents: Vec<Tunnel> = hosts.iter().map(agent).collect();
    let pids: Vec<u32> = agents.iter().chain([&process]).map(Tunnel::pid).collect();
    let way = Way {
        name: "tunnel, nodes dial in",
        egress: tunnel(&socket),
        pids: Box::new(move || pids.clone()),
    };
    measure(&way, direct).await;
}

async fn konnectivity(
    hosts: &[Host],
    dir: &Path,
    (protocol, name): (Protocol, &'static str),
    direct: (f64, f64),
) {
    let Some(proxies) = Konnectivity::start_on(hosts, protocol, dir) else {
        return;
    };
    let flags = EgressFlags {
        egress_selector_config_file: Some(proxies.configuration()),
        ..EgressFlags::default()
    };
    let pids = proxies.pids();
    let way = Way {
        name,
        egress: cluster(&flags),
        pids: Box::new(move || pids.clone()),
    };
    measure(&way, direct).await;
}
