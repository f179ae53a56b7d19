//! Many connections, slow ones, and ones that make no sense.

mod common;

use std::{fs, net::SocketAddr, time::Duration};

use catena_proto::tunnel::v1::tunnel_client::TunnelClient;
use common::{
    Tunnel,
    client::{channel, connect, dial},
    echo,
    ways::{Way, one},
};
use futures_util::StreamExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
};

/// Sends without an end to whoever connects.
async fn flood() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            tokio::spawn(async move { while tcp.write_all(&[7; 64 << 10]).await.is_ok() {} });
        }
    });
    at
}

async fn a_reader_who_pauses_holds_up_no_other(way: Way) {
    let Some((_node, tunnel)) = one(way).await else {
        return;
    };
    let (at, flood) = (echo().await, flood().await);
    let door = channel(tunnel.dir.path()).await;
    let mut quick = dial(&door, at).await.expect("a connection");
    let mut paused = dial(&door, flood).await.expect("a connection");
    let _connected = connect(tunnel.dir.path(), flood)
        .await
        .expect("a connection");
    let mut paused_too = dial(&door, flood).await.expect("a connection");
    let bytes = "catena_tunnel_bytes_total{direction=\"from-node\"}";
    let mut before = -1.0;
    common::eventually("the floods stand still", async || {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = tunnel.metric(bytes).await;
        std::mem::replace(&mut before, now) == now && now > 0.0
    })
    .await;
    assert!(
        before < f64::from(16 << 20),
        "{before} bytes of paused readers"
    );
    for _ in 0..200 {
        quick.ping().await;
    }
    // They go on where they stopped.
    for conn in [&mut paused, &mut paused_too] {
        let got = conn.read(20 << 20).await;
        assert!(got.iter().all(|b| *b == 7));
    }
    // Nor do they hold up the end of the process.
    tunnel.stop().await;
}

async fn a_far_end_that_does_not_read_holds_up_no_other(way: Way) {
    let Some((_node, tunnel)) = one(way).await else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let deaf = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((tcp, _)) = listener.accept().await {
            held.push(tcp);
        }
    });
    let door = channel(tunnel.dir.path()).await;
    let mut quick = dial(&door, echo().await).await.expect("a connection");
    let mut stuck = Vec::new();
    for _ in 0..3 {
        let conn = dial(&door, deaf).await.expect("a connection");
        let send = async {
            loop {
                conn.send(vec![7; 64 << 10]).await;
            }
        };
        let full = tokio::time::timeout(Duration::from_secs(2), send).await;
        assert!(full.is_err());
        stuck.push(conn);
    }
    for _ in 0..200 {
        quick.ping().await;
    }
    let bytes = "catena_tunnel_bytes_total{direction=\"to-node\"}";
    let sent = tunnel.metric(bytes).await;
    assert!(sent < f64::from(64 << 20), "{sent} bytes for nobody");
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("descriptors").count()
}

/// Tasks of the runtime, which the tunnel, its clients and the far ends share.
fn tasks() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}

fn resident() -> usize {
    let text = fs::read_to_string("/proc/self/statm").expect("statm");
    let pages = text.split(' ').nth(1).and_then(|p| p.parse::<usize>().ok());
    pages.expect("pages") * 4096
}

/// Opens `n` connections, 50 at a time, through both doors; every third is
/// dropped in the middle of what it sends.
async fn open_and_kill(tunnel: &Tunnel, at: SocketAddr, n: usize) {
    let door = channel(tunnel.dir.path()).await;
    futures_util::stream::iter(0..n)
        .for_each_concurrent(50, |i| {
            let (door, dir) = (door.clone(), tunnel.dir.path().to_owned());
            async move {
                if i % 2 == 0 {
                    let mut conn = dial(&door, at).await.expect("a connection");
                    conn.ping().await;
                    if i % 3 == 0 {
                        conn.send(vec![7; 50_000]).await;
                    }
                } else {
                    let mut unix = connect(&dir, at).await.expect("a connection");
                    unix.write_all(b"!").await.expect("a byte");
                    assert_eq!(unix.read_u8().await.expect("a byte"), b'!');
                    if i % 3 == 0 {
                        unix.write_all(&[7; 50_000]).await.expect("bytes");
                    }
                }
            }
        })
        .await;
}

/// Everything is as it was before `n` connections.
async fn nothing_is_left(tunnel: &Tunnel, at: SocketAddr, n: usize) {
    // What is made once is there before it is counted.
    open_and_kill(tunnel, at, 100).await;
    let idle = async || tunnel.metric("catena_tunnel_streams").await == 0.0;
    common::eventually("streams end", idle).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = (descriptors(), tasks());
    open_and_kill(tunnel, at, n).await;
    common::eventually("descriptors, tasks and streams return", async || {
        descriptors() <= before.0 + 4 && tasks() <= before.1 + 4 && idle().await
    })
    .await;
    let opens = ["ssh_tunnel_open_count", "catena_tunnel_reverse_opens_total"];
    let opened = tunnel.metric(opens[0]).await + tunnel.metric(opens[1]).await;
    assert_eq!(opened, 1.0, "one session for all");
}

async fn two_thousand_connections_leave_nothing_behind(way: Way) {
    let Some((_node, tunnel)) = one(way).await else {
        return;
    };
    nothing_is_left(&tunnel, echo().await, 2000).await;
}

/// `cargo test --release -p catena-tunnel --test load -- --ignored --nocapture`
#[expect(clippy::print_stdout, reason = "figures are what this is for")]
async fn a_hundred_thousand(way: Way) {
    let Some((_node, tunnel)) = one(way).await else {
        return;
    };
    let at = echo().await;
    nothing_is_left(&tunnel, at, 10_000).await;
    let show = |n: usize| {
        let (fds, tasks, mib) = (descriptors(), tasks(), resident() >> 20);
        println!("{way:?}: after {n} connections {fds} descriptors, {tasks} tasks, {mib} MiB");
    };
    show(10_000);
    for i in 1..=9 {
        nothing_is_left(&tunnel, at, 10_000).await;
        show(10_000 * (i + 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn a_hundred_thousand_connections_leave_nothing_behind() {
    a_hundred_thousand(Way::Ssh).await;
    a_hundred_thousand(Way::Reverse).await;
}

/// On the other ports too, headers have a bound.
async fn long_headers_are_refused(tunnel: &Tunnel) {
    let mut tcp = TcpStream::connect(tunnel.http).await.expect("a door");
    let long = [
        &b"GET /livez HTTP/1.1\r\nX: "[..],
        &[b'x'; 20 << 10],
        b"\r\n\r\n",
    ]
    .concat();
    let _ = tcp.write_all(&long).await;
    let mut answer = Vec::new();
    let _ = tcp.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
    let mut dialing = tonic::Request::new(tokio_stream::empty());
    let value = "x".repeat(20 << 10).parse().expect("a value");
    dialing.metadata_mut().insert("x", value);
    let answer = TunnelClient::new(channel(tunnel.dir.path()).await)
        .dial(dialing)
        .await;
    let refused = match answer {
        Ok(mut frames) => frames.get_mut().message().await.is_err(),
        Err(_) => true,
    };
    assert!(refused, "a header of 20 KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_refused_and_the_slow_are_cut_off() {
    let Some((_node, tunnel)) = one(Way::Reverse).await else {
        return;
    };
    let dir = tunnel.dir.path().to_owned();
    let before = descriptors();
    let ask = async |request: &[u8]| {
        let mut unix = UnixStream::connect(dir.join("connect"))
            .await
            .expect("a door");
        let _ = unix.write_all(request).await;
        let mut answer = Vec::new();
        let _ = unix.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    for (request, status) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], "405"),
        (b"CONNECT nowhere HTTP/1.1\r\n\r\n", "400"),
        (b"CONNECT a:1 HTTP/9\r\n\r\n", "505"),
        (b"\xff\xfe\xfd \r\n\r\n", "400"),
    ] {
        let answer = ask(request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
    }
    let mut long = b"CONNECT a:1 HTTP/1.1\r\nX: ".to_vec();
    long.resize(9 << 10, b'x');
    assert!(ask(&long).await.starts_with("HTTP/1.1 431"));

    long_headers_are_refused(&tunnel).await;

    // Slow on each port: the connection ends after the time for a head.
    let mut slow: Vec<Box<dyn catena_runtime::net::Io>> = Vec::new();
    for door in ["dial", "connect"] {
        for first in [&b""[..], b"P", b"CONN"] {
            let mut unix = UnixStream::connect(dir.join(door)).await.expect("a door");
            unix.write_all(first).await.expect("bytes");
            slow.push(Box::new(unix));
        }
        let mut unix = UnixStream::connect(dir.join(door)).await.expect("a door");
        let _ = unix.write_all(&[0x80; 4000]).await;
        slow.push(Box::new(unix));
    }
    slow.push(Box::new(
        TcpStream::connect(tunnel.http).await.expect("a door"),
    ));
    let mut garbage = TcpStream::connect(tunnel.http).await.expect("a door");
    garbage.write_all(&[0x80; 4000]).await.expect("bytes");
    slow.push(Box::new(garbage));
    for mut io in slow {
        let mut answer = Vec::new();
        let end = tokio::time::timeout(common::PATIENCE, io.read_to_end(&mut answer)).await;
        let _ = end.expect("the connection ends");
    }
    common::eventually("descriptors return", async || descriptors() <= before + 2).await;
    let door = channel(&dir).await;
    dial(&door, echo().await)
        .await
        .expect("a connection")
        .ping()
        .await;
}

ways! {
    a_reader_who_pauses_holds_up_no_other,
    a_far_end_that_does_not_read_holds_up_no_other,
    two_thousand_connections_leave_nothing_behind,
}
