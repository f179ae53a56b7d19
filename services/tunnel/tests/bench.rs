//! Figures for docs/tunnel.md:
//! `cargo test --release -p catena-tunnel --test bench -- --ignored --nocapture`.
#![expect(clippy::print_stdout, reason = "figures are what this is for")]

mod common;

use std::{
    fs,
    net::SocketAddr,
    time::{Duration, Instant},
};

use common::{
    Sshd, Tunnel, can_run,
    client::{channel, dial},
    echo, prepare,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const BYTES: usize = 512 << 20;

async fn flood() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            tokio::spawn(async move { while tcp.write_all(&[7; 64 << 10]).await.is_ok() {} });
        }
    });
    at
}

fn resident() -> usize {
    let text = fs::read_to_string("/proc/self/statm").expect("statm");
    let pages = text.split(' ').nth(1).and_then(|p| p.parse::<usize>().ok());
    pages.expect("pages") * 4096
}

fn percentiles(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute and an idle machine"]
async fn figures() {
    if !can_run() {
        return;
    }
    let dir = prepare();
    let key = dir.path().join("key.pub");
    let nodes: Vec<_> = (1..=3)
        .map(|i| Sshd::start_at(&key, &format!("127.0.0.2{i}"), 2022, None, ""))
        .collect();
    let known: Vec<_> = nodes.iter().map(Sshd::known).collect();
    fs::write(dir.path().join("known"), known.concat()).expect("a file");
    let flags: Vec<_> = (0..3).map(|i| nodes[i].node(&format!("n{i}"))).collect();
    let tunnel = Tunnel::start(dir, &flags).await;
    tunnel.sessions(3).await;
    let flood = flood().await;
    for n in [1, 3] {
        let began = Instant::now();
        let reading: Vec<_> = (0..n)
            .map(|i| {
                let dir = tunnel.dir.path().to_owned();
                tokio::spawn(async move {
                    let door = channel(&dir).await;
                    // Dials of one address are spread; each reader takes its own node.
                    let wanted = format!("n{i}");
                    let mut conn = loop {
                        let conn = dial(&door, flood).await.expect("a connection");
                        if conn.node == wanted {
                            break conn;
                        }
                    };
                    let mut got = 0;
                    while got < BYTES {
                        got += conn.next().await.expect("data").expect("data").len();
                    }
                })
            })
            .collect();
        for reading in reading {
            reading.await.expect("no panic");
        }
        let rate = (n * BYTES) as f64 / began.elapsed().as_secs_f64() / 1e9;
        println!("{n} node(s): {rate:.2} GB/s");
    }
    latency(&tunnel).await;
    memory(&tunnel).await;
}

async fn latency(tunnel: &Tunnel) {
    let at = echo().await;
    let mut tcp = TcpStream::connect(at).await.expect("a connection");
    tcp.set_nodelay(true).expect("a socket");
    let mut direct = Vec::new();
    for _ in 0..5000 {
        let began = Instant::now();
        tcp.write_all(b"!").await.expect("a byte");
        tcp.read_u8().await.expect("a byte");
        direct.push(began.elapsed());
    }
    let door = channel(tunnel.dir.path()).await;
    let mut conn = dial(&door, at).await.expect("a connection");
    let mut through = Vec::new();
    for _ in 0..5000 {
        let began = Instant::now();
        conn.ping().await;
        through.push(began.elapsed());
    }
    let mut dials = Vec::new();
    for _ in 0..500 {
        let began = Instant::now();
        drop(dial(&door, at).await.expect("a connection"));
        dials.push(began.elapsed());
    }
    let show = |what: &str, times| {
        let (p50, p99) = percentiles(times);
        println!("{what}: p50 {p50:.0?}, p99 {p99:.0?}");
    };
    show("round trip, direct", direct);
    show("round trip, through the tunnel", through);
    show("dial", dials);
}

async fn memory(tunnel: &Tunnel) {
    const N: usize = 2000;
    let at = echo().await;
    let door = channel(tunnel.dir.path()).await;
    let before = resident();
    let mut conns = Vec::new();
    for _ in 0..N {
        let mut conn = dial(&door, at).await.expect("a connection");
        conn.ping().await;
        conns.push(conn);
    }
    let each = resident().saturating_sub(before) / N;
    println!(
        "idle stream, with its client and its far end: {} KiB",
        each / 1024
    );
    drop(conns);
}
