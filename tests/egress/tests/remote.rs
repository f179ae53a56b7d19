//! A remote API server that is reached through konnectivity: its requests, its
//! upgrades and the check of its availability.

use std::sync::Arc;

use catena_runtime::tls::{ClientTls, install_provider};
use catena_tests_egress::{Konnectivity, Protocol, Transport};
use catena_tests_it::{
    ControlPlane, eventually, has,
    node::address,
    remote::{get, manifest, serve},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};

const THINGS: &str = "/apis/metrics.test/v1/things";

/// Words that come back from the server after it switched protocols.
async fn echoed(port: u16, words: &[u8]) -> Vec<u8> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("TCP");
    let tls = ClientTls::new(None, None, &[]).expect("a configuration");
    let name = ServerName::try_from("kubernetes").expect("a name");
    let connector = TlsConnector::from(tls.config());
    let mut stream = connector.connect(name, stream).await.expect("TLS");
    let head = "GET /apis/metrics.test/v1/echo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin-token\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.expect("an answer"));
    }
    let text = String::from_utf8_lossy(&answer).into_owned();
    assert!(text.starts_with("HTTP/1.1 101"), "{text}");
    stream.write_all(words).await.expect("written");
    let mut back = vec![0; words.len()];
    stream.read_exact(&mut back).await.expect("read");
    back
}

fn condition(plane: &ControlPlane) -> String {
    let path = "jsonpath={.status.conditions[0].status} {.status.conditions[0].message}";
    plane.kubectl(&["get", "apiservice", "v1.metrics.test", "-o", path])
}

fn check(plane: &ControlPlane, proxies: &mut Konnectivity) {
    eventually("the remote server is available", || {
        condition(plane) == "True all checks passed"
    });
    let (status, body) = get(plane, THINGS);
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("x-remote-user: admin"), "{body}");
    let metrics = plane.kubectl(&["get", "--raw", "/metrics"]);
    let counted = metrics
        .lines()
        .any(|l| l.starts_with("apiserver_egress_dialer_dial_start_total{") && !l.ends_with(" 0"));
    assert!(counted, "dials are counted");
    proxies.stop_server();
    let (status, body) = get(plane, THINGS);
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("dial unix "), "{body}");
    let patch = r#"{"spec":{"versionPriority":99}}"#;
    let change = ["patch", "apiservice", "v1.metrics.test", "-p", patch];
    // A change of the spec begins the checks anew.
    plane.kubectl(&[&change[..], &["--type=merge"]].concat());
    eventually("the check fails without the proxy server", || {
        let said = condition(plane);
        said.starts_with("False ") && said.contains("dial unix ")
    });
    proxies.start_server();
    eventually("it is available again", || get(plane, THINGS).0 == 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_server_behind_the_proxies() {
    if !has("curl") || !has("kubectl") {
        return;
    }
    install_provider();
    let dir = tempfile::tempdir().expect("a directory");
    let proxies = Konnectivity::start(Protocol::Grpc, Transport::Uds, dir.path());
    let (Some(mut proxies), Some(ip)) = (proxies, address()) else {
        return;
    };
    let (_server, port, ca) = serve().await;
    let plane = tokio::task::spawn_blocking(move || {
        let flag = format!(
            "--egress-selector-config-file={}",
            proxies.configuration().display()
        );
        let plane = ControlPlane::start(&[&flag]);
        let out = plane.kubectl_stdin(&["apply"], &manifest(&ip, port, &ca));
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "{text}");
        check(&plane, &mut proxies);
        Arc::new((plane, proxies))
    });
    let plane = plane.await.expect("all checks pass");
    let words: Vec<u8> = (0..300_000u32)
        .map(|n| (n ^ (n >> 8)).to_le_bytes()[0])
        .collect();
    assert!(echoed(plane.0.port, &words).await == words);
}
