//! Nodes in networks of their own, and nodes that come and go.

mod common;

use std::fs;

use common::{
    Sshd, Tunnel,
    api::Api,
    can_run,
    client::{channel, dial, dial_within},
    echo,
    netns::Netns,
    prepare,
};
use tokio::net::TcpListener;

const PORT: u16 = 2022;

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_behind_their_own_networks() {
    if !can_run() {
        return;
    }
    let nets: Vec<_> = (0..3).map_while(Netns::new).collect();
    if nets.len() < 3 {
        return;
    }
    let dir = prepare();
    let key = dir.path().join("key.pub");
    let nodes: Vec<_> = nets
        .iter()
        .map(|n| Sshd::start_at(&key, &n.theirs, PORT, Some(&n.name), ""))
        .collect();
    let known: Vec<_> = nodes.iter().map(Sshd::known).collect();
    fs::write(dir.path().join("known"), known.concat()).expect("a file");
    let flags: Vec<_> = (0..3).map(|i| nodes[i].node(&format!("n{i}"))).collect();
    let tunnel = Tunnel::start(dir, &flags).await;
    tunnel.sessions(3).await;
    let door = channel(tunnel.dir.path()).await;
    // A node is asked itself when its address is dialed.
    for (i, net) in nets.iter().enumerate() {
        let to = format!("{}:{PORT}", net.theirs);
        let mut conn = dial(&door, to).await.expect("a connection");
        assert_eq!(conn.node, format!("n{i}"));
        assert!(conn.read(8).await.starts_with(b"SSH-2.0-"));
    }
    // What only one node can reach fails through the others.
    let listener = TcpListener::bind((nets[2].ours.as_str(), 0))
        .await
        .expect("a port");
    let only = listener.local_addr().expect("an address");
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let mut carried = [0; 2];
    for _ in 0..30 {
        let through = dial(&door, only).await;
        carried[usize::from(through.is_ok_and(|c| c.node == "n2"))] += 1;
    }
    assert!(
        carried[0] > 0 && carried[1] > 0,
        "a random node each: {carried:?}"
    );

    // A node that vanishes without a word.
    nets[1].set(false);
    for _ in 0..10 {
        for i in [0, 2] {
            let to = format!("{}:{PORT}", nets[i].theirs);
            let mut conn = dial(&door, to).await.expect("a connection");
            conn.read(8).await;
        }
    }
    let lost = dial_within(&door, format!("n1:{PORT}"), 1000).await;
    assert!(lost.is_err());
    tunnel.sessions(2).await;
    nets[1].set(true);
    tunnel.sessions(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_of_the_api_server_are_followed() {
    if !can_run() {
        return;
    }
    let dir = prepare();
    let key = dir.path().join("key.pub");
    let first = Sshd::start_at(&key, "127.0.0.11", PORT, None, "");
    let second = Sshd::start_at(&key, "127.0.0.12", PORT, None, "");
    let known = [first.known(), second.known()].concat();
    fs::write(dir.path().join("known"), known).expect("a file");
    let api = Api::start().await;
    api.add("a", "127.0.0.11").await;
    let kubeconfig = dir.path().join("kubeconfig");
    fs::write(&kubeconfig, api.kubeconfig()).expect("a file");
    let flags = [
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--ssh-port={PORT}"),
    ];
    let tunnel = Tunnel::start(dir, &flags).await;
    tunnel.sessions(1).await;
    let (at, door) = (echo().await, channel(tunnel.dir.path()).await);
    let mut old = dial(&door, at).await.expect("a connection");
    old.ping().await;
    api.add("b", "127.0.0.12").await;
    tunnel.sessions(2).await;
    let mut conn = dial(&door, format!("b:{PORT}")).await.err();
    // sshd resolves the name of the node, which is none here: it was asked.
    assert!(conn.take().is_some());
    let mut banner = dial(&door, format!("127.0.0.12:{PORT}"))
        .await
        .expect("a connection");
    assert_eq!(banner.node, "b");
    banner.read(8).await;
    api.remove("a").await;
    tunnel.sessions(1).await;
    // No new stream uses the node; the one that is open runs to its end.
    for _ in 0..5 {
        assert_eq!(dial(&door, at).await.expect("a connection").node, "b");
    }
    old.ping().await;
    assert_eq!(tunnel.metric("ssh_tunnel_open_count").await, 2.0);
    let verbose = tunnel.get("/readyz?verbose").await.expect("ready");
    assert!(verbose.contains("[+]SSH Tunnel Check ok"), "{verbose}");
    assert!(tunnel.get("/readyz/SSH%20Tunnel%20Check").await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_health_check_that_fails_replaces_the_tunnel_and_spares_its_streams() {
    if !can_run() {
        return;
    }
    let dir = prepare();
    let sshd = Sshd::start(&dir.path().join("key.pub"));
    fs::write(dir.path().join("known"), sshd.known()).expect("a file");
    // It accepts and never answers, so the check fails by its timeout.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let healthz = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((tcp, _)) = listener.accept().await {
            held.push(tcp);
        }
    });
    let flags = [
        sshd.node("n1"),
        format!("--healthz={healthz}"),
        "--health-interval-seconds=1".to_owned(),
    ];
    let tunnel = Tunnel::start(dir, &flags).await;
    tunnel.sessions(1).await;
    let door = channel(tunnel.dir.path()).await;
    let mut conn = dial(&door, echo().await).await.expect("a connection");
    conn.ping().await;
    common::eventually("another session", async || {
        tunnel.metric("ssh_tunnel_open_count").await >= 2.0
    })
    .await;
    conn.ping().await;
    assert!(tunnel.metric("catena_tunnel_health_failures_total").await >= 1.0);
    tunnel.sessions(1).await;
}
