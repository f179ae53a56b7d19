//! A remote API server behind an APIService.

use std::{
    net::{IpAddr, UdpSocket},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use catena_tests_it::{ControlPlane, eventually, has};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer},
};

const LIST: &str = r#"{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"metrics.test/v1","resources":[{"name":"things","singularName":"thing","namespaced":false,"kind":"Thing","verbs":["get","list"]}]}"#;

/// An address of this machine that slices may name; `None` without a network.
fn address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: the route tells the address.
    socket.connect("10.255.255.255:9").ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then_some(ip)
}

/// Serves until it is aborted; returns its port and the PEM of its authority.
async fn serve() -> (JoinHandle<()>, u16, String) {
    let ca_key = KeyPair::generate().expect("a key");
    let mut ca = CertificateParams::new(Vec::new()).expect("names");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_cert = ca.self_signed(&ca_key).expect("an authority");
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().expect("a key");
    let names = vec!["remote.default.svc".to_owned()];
    let params = CertificateParams::new(names).expect("names");
    let cert = params.signed_by(&key, &issuer).expect("a certificate");
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![cert.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .expect("a configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("0.0.0.0:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let task = tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                return;
            };
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    answer(stream).await;
                }
            });
        }
    });
    (task, port, ca_cert.pem())
}

/// Answers one request: discovery, or the headers that name the user.
async fn answer(mut stream: tokio_rustls::server::TlsStream<tokio::net::TcpStream>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 65_536 {
        let Ok(byte) = stream.read_u8().await else {
            return;
        };
        head.push(byte);
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let first = head.lines().next().unwrap_or_default();
    let body = if first.contains("/things") {
        let named: Vec<&str> = head
            .lines()
            .filter(|l| l.starts_with("x-remote-"))
            .collect();
        format!("{{\"named\":\"{}\"}}", named.join(";"))
    } else {
        LIST.to_owned()
    };
    let text = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn get(plane: &ControlPlane, path: &str) -> (u16, String) {
    let out = Command::new("curl")
        .args(["-sk", "-m", "20", "-w", "\n%{http_code}"])
        .args(["-H", "Authorization: Bearer admin-token"])
        .arg(format!("{}{path}", plane.url()))
        .output()
        .expect("curl runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let (body, code) = text.rsplit_once('\n').unwrap_or(("", "0"));
    (code.parse().unwrap_or(0), body.to_owned())
}

fn manifest(ip: IpAddr, port: u16, ca: &str) -> String {
    use base64::Engine as _;
    let ca = base64::engine::general_purpose::STANDARD.encode(ca);
    format!(
        "apiVersion: v1
kind: Service
metadata: {{name: remote, namespace: default}}
spec: {{ports: [{{port: 443, targetPort: {port}}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: remote-1, namespace: default, labels: {{kubernetes.io/service-name: remote}}}}
addressType: IPv4
endpoints: [{{addresses: [\"{ip}\"]}}]
ports: [{{name: \"\", port: {port}}}]
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {{name: v1.metrics.test}}
spec: {{group: metrics.test, version: v1, groupPriorityMinimum: 100, versionPriority: 100, service: {{name: remote, namespace: default}}, caBundle: {ca}}}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {{name: v1.nobody.test}}
spec: {{group: nobody.test, version: v1, groupPriorityMinimum: 100, versionPriority: 100, service: {{name: nobody, namespace: default}}, insecureSkipTLSVerify: true}}
"
    )
}

fn check(plane: &ControlPlane, server: &JoinHandle<()>) {
    let condition = |name: &str| {
        let path = "jsonpath={.status.conditions[0].status} {.status.conditions[0].reason} {.status.conditions[0].message}";
        plane.kubectl(&["get", "apiservice", name, "-o", path])
    };
    eventually("the remote server is available", || {
        condition("v1.metrics.test") == "True Passed all checks passed"
    });
    let absent = "False ServiceNotFound service/nobody in \"default\" is not present";
    eventually("the absent service is told", || {
        condition("v1.nobody.test") == absent
    });
    let things = "/apis/metrics.test/v1/things";
    let (status, body) = get(plane, things);
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("x-remote-user: admin"), "{body}");
    assert!(body.contains("x-remote-group: system:masters"), "{body}");
    assert!(get(plane, "/apis").1.contains("metrics.test"));
    assert!(
        plane
            .kubectl(&["api-resources"])
            .contains("metrics.test/v1")
    );
    assert_eq!(get(plane, "/apis/nobody.test/v1/x").0, 503);
    server.abort();
    eventually("a dead server is 503", || get(plane, things).0 == 503);
    // It holds nobody up.
    let start = Instant::now();
    assert_eq!(get(plane, "/api/v1/namespaces").0, 200);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_server_is_one_of_the_cluster() {
    if !has("curl") || !has("kubectl") {
        return;
    }
    let Some(ip) = address() else {
        println!("skipped: there is no address besides loopback");
        return;
    };
    let (server, port, ca) = serve().await;
    let done = tokio::task::spawn_blocking(move || {
        let plane = ControlPlane::start(&[]);
        let out = plane.kubectl_stdin(&["apply"], &manifest(ip, port, &ca));
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "{text}");
        check(&plane, &server);
    });
    done.await.expect("all checks pass");
}
