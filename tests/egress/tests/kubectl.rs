//! kubectl's streams to a node that is reached through konnectivity.

use std::process::Command;

use catena_tests_egress::{Konnectivity, Protocol, Transport};
use catena_tests_it::{
    ControlPlane, has,
    node::{Kubelet, address, forwarded, register, service, streams},
};

/// What kubectl says of a kubelet that it does not reach.
fn complaint(plane: &ControlPlane) -> String {
    let out = plane.try_kubectl(&["logs", "web"]);
    assert!(!out.status.success());
    String::from_utf8_lossy(&out.stderr).into_owned()
}

fn through(protocol: Protocol, transport: Transport) {
    if !has("kubectl") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let proxies = Konnectivity::start(protocol, transport, &dir.path().join("k"));
    let kubelet = Kubelet::start(dir.path());
    let (Some(mut proxies), Some(ip), Some(kubelet)) = (proxies, address(), kubelet) else {
        return;
    };
    let flag = format!(
        "--egress-selector-config-file={}",
        proxies.configuration().display()
    );
    let plane = ControlPlane::start(&[&flag]);
    register(&plane, &ip, &kubelet.port);
    let followed = plane.kubectl(&["logs", "-f", "--tail=1", "web"]);
    assert_eq!(followed, "one of default/web/c\nthree\n");
    streams(&plane, "web", 50_000_000);
    service(&plane, &ip, &kubelet.port);
    forwarded(&plane, "web", &kubelet.port);
    proxies.stop_server();
    let absent = complaint(&plane);
    let way = match transport {
        Transport::Uds => "dial unix ",
        Transport::Tcp => "dial tcp 127.0.0.1:",
    };
    let known = absent.contains(way) && absent.contains("connect: connection refused");
    assert!(known, "{absent}");
    proxies.start_server();
    assert_eq!(
        plane.kubectl(&["logs", "web"]),
        "one of default/web/c\ntwo\n"
    );
    drop(kubelet);
    let gone = complaint(&plane);
    let known = match protocol {
        Protocol::Grpc => gone.contains("connect: connection refused"),
        Protocol::HttpConnect => gone.contains("proxy error from") && gone.contains("code 502"),
    };
    assert!(known, "{gone}");
}

#[test]
fn http_connect_over_uds() {
    through(Protocol::HttpConnect, Transport::Uds);
}

#[test]
fn http_connect_over_tcp() {
    through(Protocol::HttpConnect, Transport::Tcp);
}

#[test]
fn grpc_over_uds() {
    through(Protocol::Grpc, Transport::Uds);
}

#[test]
fn grpc_over_tcp() {
    through(Protocol::Grpc, Transport::Tcp);
}

/// The one-process form has the flags too.
#[test]
fn one_process_takes_the_flags() {
    let out = Command::new(catena_tests_it::binary())
        .args(["apiserver", "--kubelet-port=0"])
        .arg("--proxy-ssh-tunnel=unix:///run/tunnel.sock")
        .arg("--egress-selector-config-file=/nonexistent.yaml")
        .output()
        .expect("it runs");
    assert!(!out.status.success());
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    for text in [
        "egress-selector-config-file /nonexistent.yaml does not exist",
        "--proxy-ssh-tunnel and --egress-selector-config-file exclude each other",
        "must enable kubelet port if proxy ssh-tunneling is specified",
    ] {
        assert!(said.contains(text), "{said}");
    }
}
