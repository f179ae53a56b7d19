//! kubectl's streams to nodes behind NAT: three hosts that nobody connects to, each
//! with a kubelet and an agent that dials in to two replicas of the tunnel.

use catena_tests_egress::hosts::{Host, Tunnel};
use catena_tests_it::{
    ControlPlane, eventually, free_port, has,
    node::{Kubelet, Node, copied, forwarded, streams, terminal},
};

fn node(host: &Host, kubelet: &Kubelet) -> Node {
    Node {
        name: host.name.clone(),
        pod: format!("web-{}", host.name),
        inner: host.inner.clone(),
        outer: None,
        port: kubelet.port.clone(),
    }
}

#[test]
fn nodes_that_dial_in() {
    if !has("kubectl") || !has("ip") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let hosts = (1..=3).map(|n| Host::start_closed(n, dir));
    let Some(hosts) = hosts.collect::<Option<Vec<Host>>>() else {
        return;
    };
    let kubelets = hosts
        .iter()
        .map(|h| Kubelet::start_by(dir, |p| h.command(p)));
    let Some(kubelets) = kubelets.collect::<Option<Vec<Kubelet>>>() else {
        return;
    };
    let socket = dir.join("tunnel.sock");
    let flag = format!("--proxy-ssh-tunnel=unix://{}", socket.display());
    let plane = ControlPlane::start(&[&flag]);
    let nodes: Vec<Node> = hosts
        .iter()
        .zip(&kubelets)
        .map(|(h, k)| node(h, k))
        .collect();
    for node in &nodes {
        node.register(&plane);
    }
    let reached = |pod: &str| plane.try_kubectl(&["logs", pod]).status.success();
    assert!(!reached(&nodes[0].pod), "nobody has dialed in yet");
    let ports = [free_port(), free_port()];
    let start = |port| Tunnel::start_for_agents(&socket, &plane, port);
    let first = start(ports[0]);
    let pki = plane.dir().join("pki");
    let agent = |h: &Host| Tunnel::agent(h, &pki, &ports, &[]);
    let mut agents: Vec<Tunnel> = hosts.iter().map(agent).collect();
    for node in &nodes {
        eventually("the node is reached", || reached(&node.pod));
        streams(&plane, &node.pod, 5_000_000);
    }
    streams(&plane, &nodes[0].pod, 50_000_000);
    terminal(&plane, &nodes[1].pod);
    copied(&plane, &nodes[2].pod);
    forwarded(&plane, &nodes[1].pod, &nodes[1].port);
    // One that is gone takes no other with it, and comes back.
    drop(agents.remove(0));
    eventually("the node is lost", || !reached(&nodes[0].pod));
    assert!(reached(&nodes[1].pod) && reached(&nodes[2].pod));
    agents.push(agent(&hosts[0]));
    eventually("the node is back", || reached(&nodes[0].pod));
    // Another replica takes over: the agents find it without being told.
    drop(first);
    let _second = start(ports[1]);
    for node in &nodes {
        eventually("the node is reached by the other", || reached(&node.pod));
    }
}
