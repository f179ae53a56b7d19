//! kubectl's streams to nodes that are reached by SSH only: three hosts, each with
//! OpenSSH's sshd and a kubelet at an address that this machine has no route to.

use std::{fs, path::Path, process::Command};

use catena_tests_egress::hosts::{Host, Tunnel};
use catena_tests_it::{
    ControlPlane, eventually, has,
    node::{Kubelet, Node, copied, forwarded, streams, terminal},
};

fn keys(dir: &Path) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(dir.join("key"))
        .status();
    assert!(made.is_ok_and(|s| s.success()), "ssh-keygen makes a key");
}

#[test]
fn nodes_behind_sshd() {
    if !has("kubectl") || !has("ip") || !has("ssh-keygen") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    keys(dir);
    let hosts = (1..=3).map(|n| Host::start(n, &dir.join("key.pub"), dir));
    let Some(mut hosts) = hosts.collect::<Option<Vec<Host>>>() else {
        return;
    };
    let kubelets = hosts
        .iter()
        .map(|h| Kubelet::start_by(dir, |p| h.command(p)));
    let Some(kubelets) = kubelets.collect::<Option<Vec<Kubelet>>>() else {
        return;
    };
    let known: String = hosts.iter().map(Host::known).collect();
    fs::write(dir.join("known_hosts"), known).expect("a file");
    let socket = format!("--proxy-ssh-tunnel=unix://{}/tunnel.sock", dir.display());
    let plane = ControlPlane::start(&[&socket]);
    let nodes: Vec<Node> = hosts
        .iter()
        .zip(&kubelets)
        .map(|(h, k)| Node {
            name: h.name.clone(),
            pod: format!("web-{}", h.name),
            inner: h.inner.clone(),
            outer: Some(h.outer.clone()),
            port: k.port.clone(),
        })
        .collect();
    for node in &nodes {
        node.register(&plane);
    }
    let reached = |pod: &str| plane.try_kubectl(&["logs", pod]).status.success();
    assert!(!reached(&nodes[0].pod), "there is no tunnel yet");
    let _tunnel = Tunnel::start(dir, &plane.kubeconfig(), &dir.join("known_hosts"), &[]);
    for node in &nodes {
        eventually("the node is reached", || reached(&node.pod));
        streams(&plane, &node.pod, 5_000_000);
    }
    streams(&plane, &nodes[0].pod, 200_000_000);
    terminal(&plane, &nodes[1].pod);
    copied(&plane, &nodes[2].pod);
    forwarded(&plane, &nodes[1].pod, &nodes[1].port);
    hosts[0].stop_sshd();
    // Its own sshd is gone; other hosts have no route to it either.
    eventually("the node is lost", || !reached(&nodes[0].pod));
    assert!(reached(&nodes[1].pod) && reached(&nodes[2].pod));
    hosts[0].run_sshd();
    eventually("the node is back", || reached(&nodes[0].pod));
}
