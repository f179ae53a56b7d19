//! Nodes that dial in.

mod common;

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use catena_proto::tunnel::v1::Stage;
use catena_runtime::{
    pki::{Pair, process_server_name},
    tls::ClientTls,
};
use common::{
    agent::{Agent, certificate, one, pki, tunnel_at, tunnel_in},
    client::{channel, dial},
    echo, free_port, prepare,
};
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

fn server(port: u16) -> String {
    format!("--server=127.0.0.1:{port}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_asked_itself_by_the_names_that_its_certificate_proves() {
    let port = free_port();
    let tunnel = tunnel_at(port, &[]).await;
    let dir = tunnel.dir.path();
    let nobody = dial(&channel(dir).await, "127.0.0.1:1").await;
    let (stage, why) = nobody.expect_err("no connection");
    assert_eq!(
        (stage, why.as_str()),
        (Stage::NoTunnel, "no node has dialed in")
    );
    let mut agents = Vec::new();
    for name in ["n1", "n2", "n3"] {
        agents.push(Agent::start(dir, name, &[server(port)]).await);
    }
    tunnel.guests(3).await;
    assert_eq!(tunnel.metric("catena_tunnel_nodes").await, 3.0);
    let door = channel(dir).await;
    // Another address of this host, so that each can be asked for it.
    let at = echo().await;
    let mut asked = [0; 3];
    for _ in 0..60 {
        let mut conn = dial(&door, at).await.expect("a connection");
        conn.ping().await;
        let i = ["n1", "n2", "n3"].iter().position(|n| *n == conn.node);
        asked[i.expect("a node")] += 1;
    }
    assert!(asked.iter().all(|n| *n > 0), "a random one each: {asked:?}");
    // Its name is none that resolves: the answer tells who was asked.
    let (stage, why) = dial(&door, "n2:1").await.expect_err("no connection");
    assert_eq!(stage, Stage::Channel, "{why}");
    let failed = "catena_tunnel_agent_dial_failures_total";
    assert_eq!(agents[1].metric(failed).await, 1.0);
    assert_eq!(agents[0].metric(failed).await, 0.0);
    // A node that goes is no longer one.
    agents.pop().expect("an agent").stop().await;
    tunnel.guests(2).await;
    for _ in 0..20 {
        assert_ne!(dial(&door, at).await.expect("a connection").node, "n3");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_targets_that_are_allowed_are_connected_to() {
    let port = free_port();
    let tunnel = tunnel_at(port, &[]).await;
    let at = echo().await;
    let flags = [
        server(port),
        format!("--allow-target=127.0.0.1:{}", at.port()),
    ];
    let agent = Agent::start(tunnel.dir.path(), "n1", &flags).await;
    tunnel.guests(1).await;
    let door = channel(tunnel.dir.path()).await;
    dial(&door, at).await.expect("a connection").ping().await;
    let by_name = format!("localhost:{}", at.port());
    dial(&door, by_name)
        .await
        .expect("a connection")
        .ping()
        .await;
    for target in [agent.http.to_string(), "192.0.2.1:80".to_owned()] {
        let (stage, why) = dial(&door, &target).await.expect_err("no connection");
        assert_eq!(stage, Stage::Channel);
        assert!(why.contains("--allow-target"), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_replica_has_a_session() {
    let (first, second) = (free_port(), free_port());
    let one = tunnel_at(first, &[]).await;
    // Both have the same authorities.
    let dir = prepare();
    copy(&one.dir.path().join("pki"), &dir.path().join("pki"));
    let two = tunnel_in(dir, second, &[]).await;
    let flags = [server(first), server(second)];
    let _agent = Agent::start(one.dir.path(), "n1", &flags).await;
    let at = echo().await;
    for tunnel in [&one, &two] {
        tunnel.guests(1).await;
        let door = channel(tunnel.dir.path()).await;
        dial(&door, at).await.expect("a connection").ping().await;
    }
}

fn copy(from: &Path, to: &Path) {
    let done = std::process::Command::new("cp")
        .arg("-a")
        .arg(from)
        .arg(to)
        .status();
    assert!(done.expect("cp runs").success());
}

/// Connects each client to another of the ports.
async fn balancer(ports: [u16; 2]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address");
    let turn = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let port = ports[(turn.fetch_add(1, Relaxed) / 2) % 2];
            tokio::spawn(async move {
                if let Ok(mut replica) = TcpStream::connect(("127.0.0.1", port)).await {
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut replica).await;
                }
            });
        }
    });
    at.port()
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_behind_one_address_are_found_by_their_number() {
    let (first, second) = (free_port(), free_port());
    let replicas = ["--replicas=2".to_owned()];
    let one = tunnel_at(first, &replicas).await;
    let dir = prepare();
    copy(&one.dir.path().join("pki"), &dir.path().join("pki"));
    let two = tunnel_in(dir, second, &replicas).await;
    let port = balancer([first, second]).await;
    let agent = Agent::start(one.dir.path(), "n1", &[server(port)]).await;
    one.guests(1).await;
    two.guests(1).await;
    assert_eq!(agent.metric("catena_tunnel_agent_sessions").await, 2.0);
    // The one that leads to the same replica again was not kept.
    assert!(agent.metric("catena_tunnel_agent_open_count").await >= 3.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn agent_and_tunnel_come_back() {
    let port = free_port();
    let tunnel = tunnel_at(port, &[]).await;
    let keep = prepare();
    copy(&tunnel.dir.path().join("pki"), &keep.path().join("pki"));
    let agent = Agent::start(keep.path(), "n1", &[server(port)]).await;
    tunnel.guests(1).await;
    assert!(agent.is_ready().await);
    let (at, door) = (echo().await, channel(tunnel.dir.path()).await);
    let mut open = dial(&door, at).await.expect("a connection");
    open.ping().await;
    // The agent ends: its open stream has its time, new ones find no node.
    let ending = tokio::spawn(agent.stop());
    common::eventually("no new streams", async || dial(&door, at).await.is_err()).await;
    open.ping().await;
    drop(open);
    ending.await.expect("no panic");
    tunnel.guests(0).await;
    let agent = Agent::start(keep.path(), "n1", &[server(port)]).await;
    tunnel.guests(1).await;
    dial(&door, at).await.expect("a connection").ping().await;
    // The tunnel ends: the agent is not ready, and finds its successor.
    tunnel.stop().await;
    common::eventually("the agent notices", async || !agent.is_ready().await).await;
    let dir = prepare();
    copy(&keep.path().join("pki"), &dir.path().join("pki"));
    let tunnel = tunnel_in(dir, port, &[]).await;
    tunnel.guests(1).await;
    common::eventually("it is ready", async || agent.is_ready().await).await;
    let door = channel(tunnel.dir.path()).await;
    dial(&door, at).await.expect("a connection").ping().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_health_check_that_fails_replaces_the_session_and_spares_its_streams() {
    // It accepts and never answers, so the check fails by its timeout.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let healthz = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((tcp, _)) = listener.accept().await {
            held.push(tcp);
        }
    });
    let port = free_port();
    let flags = [
        format!("--healthz={healthz}"),
        "--health-interval-seconds=1".to_owned(),
    ];
    let tunnel = tunnel_at(port, &flags).await;
    let _agent = Agent::start(tunnel.dir.path(), "n1", &[server(port)]).await;
    tunnel.guests(1).await;
    let door = channel(tunnel.dir.path()).await;
    let mut conn = dial(&door, echo().await).await.expect("a connection");
    conn.ping().await;
    common::eventually("another session", async || {
        tunnel.metric("catena_tunnel_reverse_opens_total").await >= 2.0
    })
    .await;
    conn.ping().await;
    assert!(tunnel.metric("catena_tunnel_health_failures_total").await >= 1.0);
    let mut new = dial(&door, echo().await).await.expect("a connection");
    new.ping().await;
    conn.ping().await;
}

/// TLS with the files of a client, and what the tunnel says first.
async fn shown(dir: &Path, pair: Option<Pair>, port: u16, alpn: &[&[u8]]) -> io::Result<Vec<u8>> {
    let mut stream = tls(dir, pair, port, alpn).await?;
    let mut said = vec![0; 24];
    stream.read_exact(&mut said).await?;
    Ok(said)
}

async fn tls(
    dir: &Path,
    pair: Option<Pair>,
    port: u16,
    alpn: &[&[u8]],
) -> io::Result<TlsStream<TcpStream>> {
    let ca = pki(dir).internal_ca().expect("an authority");
    let tls = ClientTls::new(ca, pair.map(|p| (p.cert, p.key)), alpn).expect("files");
    let tcp = TcpStream::connect(("127.0.0.1", port)).await?;
    let name = ServerName::try_from(process_server_name("tunnel")).expect("a name");
    TlsConnector::from(tls.config()).connect(name, tcp).await
}

const ALPN: &[u8] = b"catena-tunnel/1";

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_node_is_not_admitted() {
    let port = free_port();
    let tunnel = tunnel_at(port, &[]).await;
    let dir = tunnel.dir.path();
    let alpn = &[ALPN];
    // A node is greeted in HTTP/2, by a client.
    let said = shown(dir, Some(certificate(dir, "n1")), port, alpn).await;
    assert_eq!(
        said.expect("a greeting"),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    );
    let user = pki(dir).client("alice", "alice", Some("system:nodes"));
    let masters = pki(dir).client("m", "system:node:m", Some("system:masters"));
    let internal = pki(dir).process("core", &[]);
    for pair in [user, masters, internal] {
        let pair = pair.expect("a certificate");
        assert!(shown(dir, Some(pair), port, alpn).await.is_err());
    }
    assert!(shown(dir, None, port, alpn).await.is_err());
    let node = certificate(dir, "n1");
    assert!(
        shown(dir, Some(node.clone()), port, &[b"h2"])
            .await
            .is_err()
    );
    assert!(shown(dir, Some(node), port, &[]).await.is_err());
    assert_eq!(tunnel.metric("catena_tunnel_nodes").await, 0.0);
}

/// An agent as a process of its own, on a host of its own; killed on drop.
struct Process(std::process::Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// No new connection gets into the host; what it opened itself goes on.
fn behind_nat(netns: &str) -> bool {
    let rule = "-A INPUT -p tcp --syn ! -i lo -j DROP";
    let done = std::process::Command::new("ip")
        .args(["netns", "exec", netns, "iptables"])
        .args(rule.split(' '))
        .stderr(std::process::Stdio::null())
        .status();
    done.is_ok_and(|s| s.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_a_way_in_is_reached_and_noticed_when_it_vanishes() {
    let Some(net) = common::netns::Netns::new(9) else {
        return;
    };
    if !behind_nat(&net.name) {
        println!("skipped: iptables is not installed (tests/deps.sh)");
        return;
    }
    let (port, dir) = (free_port(), prepare());
    let flags = [
        format!("--listen-agents={}:{port}", net.ours),
        format!("--pki-dir={}", dir.path().join("pki").display()),
    ];
    let tunnel = common::Tunnel::start(dir, &flags).await;
    let agent = std::process::Command::new("ip")
        .args(["netns", "exec", &net.name])
        .arg(env!("CARGO_BIN_EXE_catena-tunnel"))
        .args(["agent", &format!("--server={}:{port}", net.ours)])
        .args(common::agent::flags(tunnel.dir.path(), "n1"))
        .stderr(std::process::Stdio::null())
        .spawn();
    let _agent = Process(agent.expect("the agent runs"));
    tunnel.guests(1).await;
    let door = channel(tunnel.dir.path()).await;
    // The agent's own port, on the host's loopback and by the host's address.
    let mut conn = dial(&door, "127.0.0.1:8135").await.expect("a connection");
    conn.send("GET /readyz HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n")
        .await;
    assert!(conn.read(15).await.starts_with(b"HTTP/1.1 200 OK"));
    let direct = TcpStream::connect((net.theirs.as_str(), 8135));
    let direct = tokio::time::timeout(std::time::Duration::from_secs(2), direct).await;
    assert!(!matches!(direct, Ok(Ok(_))), "there is a way in");
    // It vanishes without a word: its keep-alives tell.
    let mut open = dial(&door, "127.0.0.1:8135").await.expect("a connection");
    net.set(false);
    let (stage, _) = open.next().await.expect_err("a failure");
    assert_eq!(stage, Stage::Stream);
    tunnel.guests(0).await;
    net.set(true);
    tunnel.guests(1).await;
    dial(&door, "127.0.0.1:8135").await.expect("a connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_of_an_agent_is_refused_and_the_slow_are_cut_off() {
    let (_agent, tunnel) = one().await;
    let dir = tunnel.dir.path();
    let port = {
        let text = std::fs::read_to_string(dir.join("agents")).expect("the port");
        text.parse::<u16>().expect("a port")
    };
    let before = std::fs::read_dir("/proc/self/fd")
        .expect("descriptors")
        .count();
    let mut ends: Vec<Box<dyn catena_runtime::net::Io>> = Vec::new();
    // Before TLS: nothing, half of a greeting, garbage.
    for first in [&b""[..], b"\x16\x03\x01", &[0x80; 4000]] {
        let mut tcp = TcpStream::connect(("127.0.0.1", port))
            .await
            .expect("a door");
        let _ = tcp.write_all(first).await;
        ends.push(Box::new(tcp));
    }
    // As a node: nothing; garbage; settings of a server, and then nothing; a
    // frame that is longer than any may be.
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let long = [0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1];
    for first in [
        &b""[..],
        &[0x80; 4000],
        &settings,
        &[settings, long].concat(),
    ] {
        let node = Some(certificate(dir, "n9"));
        let mut tls = tls(dir, node, port, &[ALPN]).await.expect("a handshake");
        let _ = tls.write_all(first).await;
        ends.push(Box::new(tls));
    }
    for mut io in ends {
        let mut said = Vec::new();
        let end = tokio::time::timeout(common::PATIENCE, io.read_to_end(&mut said)).await;
        let _ = end.expect("the connection ends");
    }
    common::eventually("descriptors return", async || {
        std::fs::read_dir("/proc/self/fd")
            .expect("descriptors")
            .count()
            <= before + 2
    })
    .await;
    assert_eq!(tunnel.metric("catena_tunnel_reverse_sessions").await, 1.0);
    let door = channel(dir).await;
    dial(&door, echo().await)
        .await
        .expect("a connection")
        .ping()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_believes_only_its_tunnel() {
    let dir = prepare();
    let (other, port) = (prepare(), free_port());
    // Nonsense; a tunnel with other authorities; nobody.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let nonsense = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let _ = tcp.write_all(&[0x80; 4000]).await;
        }
    });
    let stranger = tunnel_in(other, port, &[]).await;
    let servers = [server(nonsense), server(port), server(free_port())];
    let agent = Agent::start(dir.path(), "n1", &servers).await;
    let failed = "catena_tunnel_agent_open_fail_count";
    common::eventually("each fails", async || agent.metric(failed).await >= 6.0).await;
    assert!(!agent.is_ready().await);
    assert_eq!(agent.metric("catena_tunnel_agent_sessions").await, 0.0);
    stranger.guests(0).await;
    agent.stop().await;
}
