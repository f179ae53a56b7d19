//! Keys that are not right, and nodes that fail.

mod common;

use std::{fs, time::Duration};

use catena_proto::tunnel::v1::Stage;
use common::{
    Sshd, Tunnel, can_run,
    client::{channel, connect, dial, dial_within},
    echo, keygen, prepare,
};
use tokio::net::TcpListener;

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_host_key_is_refused_unless_told_otherwise() {
    if !can_run() {
        return;
    }
    let dir = prepare();
    let sshd = Sshd::start(&dir.path().join("key.pub"));
    let tunnel = Tunnel::start(dir, &[sshd.node("n1")]).await;
    let (at, door) = (echo().await, channel(tunnel.dir.path()).await);
    let (stage, why) = dial(&door, at).await.expect_err("no connection");
    assert_eq!(stage, Stage::Handshake);
    assert!(why.contains("is unknown"), "{why}");
    // Another key than the known one.
    let other = tunnel.dir.path().join("other");
    keygen(&other, &["-t", "ed25519"]);
    let key = fs::read_to_string(other.with_extension("pub")).expect("a key");
    let line = format!("[127.0.0.1]:{} {key}", sshd.port);
    fs::write(tunnel.dir.path().join("known"), line).expect("a file");
    common::eventually("the other reason", async || {
        let refused = dial(&door, at).await.expect_err("no connection");
        refused.1.contains("is not the known one")
    })
    .await;
    assert_eq!(tunnel.metric("catena_tunnel_sessions").await, 0.0);
    assert!(tunnel.metric("ssh_tunnel_open_fail_count").await >= 2.0);
    // The file is read again: no restart.
    fs::write(tunnel.dir.path().join("known"), sshd.known()).expect("a file");
    tunnel.sessions(1).await;
    dial(&door, at).await.expect("a connection").ping().await;

    let dir = prepare();
    let sshd = Sshd::start(&dir.path().join("key.pub"));
    let flags = [sshd.node("n1"), "--ssh-insecure-ignore-host-key".to_owned()];
    let tunnel = Tunnel::start(dir, &flags).await;
    tunnel.sessions(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_vouches_for_host_and_user() {
    if !can_run() {
        return;
    }
    let dir = prepare();
    let at = dir.path().to_owned();
    keygen(&at.join("ca"), &["-t", "ed25519"]);
    let sign = |key: &std::path::Path, args: &[&str]| {
        let done = std::process::Command::new("ssh-keygen")
            .args(["-q", "-s"])
            .arg(at.join("ca"))
            .args(args)
            .arg(key)
            .status();
        assert!(done.expect("ssh-keygen runs").success());
    };
    // sshd knows no key, only the authority.
    fs::write(at.join("none"), "").expect("a file");
    let more = format!(
        "TrustedUserCAKeys {}\nHostCertificate {}",
        at.join("ca.pub").display(),
        at.join("host-cert.pub").display()
    );
    let mut sshd = Sshd::start_at(
        &at.join("none"),
        "127.0.0.1",
        common::free_port(),
        None,
        &more,
    );
    fs::copy(sshd.host_key(), at.join("host.pub")).expect("a key");
    let ca = fs::read_to_string(at.join("ca.pub")).expect("a key");
    fs::write(at.join("known"), format!("@cert-authority * {ca}")).expect("a file");
    sign(&at.join("key.pub"), &["-I", "us", "-n", &common::user()]);
    sign(&at.join("host.pub"), &["-h", "-I", "host", "-n", "another"]);
    sshd.restart();
    let tunnel = Tunnel::start(dir, &[sshd.node("n1")]).await;
    let door = channel(tunnel.dir.path()).await;
    let (stage, why) = dial(&door, "a:1").await.expect_err("no connection");
    assert_eq!(stage, Stage::Handshake);
    assert!(why.contains("another"), "{why}");
    sign(&at.join("host.pub"), &["-h", "-I", "host", "-n", "n1"]);
    sshd.restart();
    tunnel.sessions(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_node_does_not_know_is_refused() {
    if !can_run() {
        return;
    }
    let dir = prepare();
    keygen(&dir.path().join("theirs"), &["-t", "ed25519"]);
    let sshd = Sshd::start(&dir.path().join("theirs.pub"));
    fs::write(dir.path().join("known"), sshd.known()).expect("a file");
    // The installer brings the key: then the node is there.
    let installer = dir.path().join("install");
    let script = format!(
        "#!/bin/sh\nsleep 2\necho \"$2\" >> {}\n",
        sshd.authorized().display()
    );
    fs::write(&installer, script).expect("a script");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&installer, mode).expect("a mode");
    let flags = [
        sshd.node("n1"),
        format!("--ssh-key-installer-command={}", installer.display()),
    ];
    let tunnel = Tunnel::start(dir, &flags).await;
    let door = channel(tunnel.dir.path()).await;
    let (stage, why) = dial(&door, "a:1").await.expect_err("no connection");
    assert_eq!(stage, Stage::Auth, "{why}");
    let refused = connect(tunnel.dir.path(), "a:1")
        .await
        .expect_err("no connection");
    assert!(refused.starts_with("HTTP/1.1 502"), "{refused}");
    assert!(refused.contains("X-Catena-Stage: auth"), "{refused}");
    tunnel.sessions(1).await;
    assert!(
        tunnel
            .metric("catena_tunnel_failures_total{stage=\"auth\"}")
            .await
            >= 1.0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_dies_comes_back() {
    if !can_run() {
        return;
    }
    let dir = prepare();
    let mut sshd = Sshd::start(&dir.path().join("key.pub"));
    fs::write(dir.path().join("known"), sshd.known()).expect("a file");
    let tunnel = Tunnel::start(dir, &[sshd.node("n1")]).await;
    tunnel.sessions(1).await;
    let (at, door) = (echo().await, channel(tunnel.dir.path()).await);
    let mut conn = dial(&door, at).await.expect("a connection");
    conn.ping().await;
    sshd.kill();
    // A broken connection is no end of the data.
    let (stage, _) = conn.next().await.expect_err("a failure");
    assert_eq!(stage, Stage::Stream);
    tunnel.sessions(0).await;
    assert!(
        tunnel.get("/livez").await.is_some(),
        "a lost node is no reason to restart"
    );
    assert!(tunnel.get("/readyz").await.is_some());
    assert!(dial(&door, at).await.is_err());
    sshd.restart();
    tunnel.sessions(1).await;
    dial(&door, at).await.expect("a connection").ping().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hangs_blocks_no_other() {
    if !can_run() {
        return;
    }
    let dir = prepare();
    let sshd = Sshd::start(&dir.path().join("key.pub"));
    fs::write(dir.path().join("known"), sshd.known()).expect("a file");
    // One accepts and says nothing, one says its name and no more.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let polite = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let ports = [&silent, &polite].map(|l| l.local_addr().expect("an address").port());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((tcp, _)) = silent.accept().await {
            held.push(tcp);
        }
    });
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut tcp, _)) = polite.accept().await {
            let hello = b"SSH-2.0-OpenSSH_9.9\r\n";
            let _ = tokio::io::AsyncWriteExt::write_all(&mut tcp, hello).await;
            held.push(tcp);
        }
    });
    let mut flags = vec![sshd.node("good")];
    flags.extend([0, 1].map(|i| format!("--node=hang{i}=127.0.0.{}:{}", 2 + i, ports[i])));
    // The listeners have one address; names are what tells nodes apart.
    for flag in &mut flags[1..] {
        *flag = flag
            .replace("127.0.0.2", "127.0.0.1")
            .replace("127.0.0.3", "127.0.0.1");
    }
    let tunnel = Tunnel::start(dir, &flags).await;
    tunnel.sessions(1).await;
    let (at, door) = (echo().await, channel(tunnel.dir.path()).await);
    // Dials that name the hanging nodes wait; others do not.
    let waiting: Vec<_> = (0..20)
        .map(|i| {
            let door = door.clone();
            tokio::spawn(async move {
                dial_within(&door, format!("hang{}:1", i % 2), 4000)
                    .await
                    .map(drop)
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    for _ in 0..20 {
        // No node has this address: a random one with a session carries it.
        let to = at.to_string().replace("127.0.0.1", "localhost");
        let mut conn = dial(&door, to).await.expect("a connection");
        assert_eq!(conn.node, "good");
        conn.ping().await;
    }
    for waiting in waiting {
        assert!(waiting.await.expect("no panic").is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_falls_silent_is_given_up() {
    if !can_run() {
        return;
    }
    let dir = prepare();
    let sshd = Sshd::start(&dir.path().join("key.pub"));
    fs::write(dir.path().join("known"), sshd.known()).expect("a file");
    let tunnel = Tunnel::start(dir, &[sshd.node("n1")]).await;
    tunnel.sessions(1).await;
    let (at, door) = (echo().await, channel(tunnel.dir.path()).await);
    let mut conn = dial(&door, at).await.expect("a connection");
    conn.ping().await;
    sshd.freeze(true);
    let (stage, _) = dial_within(&door, at, 1000)
        .await
        .expect_err("no connection");
    assert_eq!(stage, Stage::Channel);
    // The stream that is open ends by the keep-alives, not by luck.
    let (stage, _) = conn.next().await.expect_err("a failure");
    assert_eq!(stage, Stage::Stream);
    tunnel.sessions(0).await;
    sshd.freeze(false);
    tunnel.sessions(1).await;
    dial(&door, at).await.expect("a connection").ping().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_speaks_nonsense_is_told_by_its_stage() {
    if !can_run() {
        return;
    }
    // Bytes, a greeting without an end, one of another protocol, and a key
    // exchange that is none.
    let packet = [&b"SSH-2.0-x\r\n"[..], &[0, 0, 0x40, 0, 4], &[20; 200]].concat();
    let long = [b"SSH-2.0-".to_vec(), vec![b'x'; 100_000]].concat();
    let huge = [&b"SSH-2.0-x\r\n"[..], &[0xff; 64]].concat();
    let said: [Vec<u8>; 5] = [
        vec![0x80; 100_000],
        long,
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        packet,
        huge,
    ];
    let dir = prepare();
    let sshd = Sshd::start(&dir.path().join("key.pub"));
    fs::write(dir.path().join("known"), sshd.known()).expect("a file");
    let mut flags = vec![sshd.node("good")];
    for (i, said) in said.into_iter().enumerate() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("an address");
        flags.push(format!("--node=bad{i}={at}"));
        tokio::spawn(async move {
            while let Ok((mut tcp, _)) = listener.accept().await {
                let _ = tokio::io::AsyncWriteExt::write_all(&mut tcp, &said).await;
            }
        });
    }
    let tunnel = Tunnel::start(dir, &flags).await;
    tunnel.sessions(1).await;
    let failed = "catena_tunnel_failures_total{stage=\"handshake\"}";
    common::eventually("each is refused", async || {
        tunnel.metric(failed).await >= 5.0
    })
    .await;
    let (at, door) = (echo().await, channel(tunnel.dir.path()).await);
    let mut conn = dial(&door, at).await.expect("a connection");
    assert_eq!(conn.node, "good");
    conn.ping().await;
}
