//! A remote API server behind an APIService.

use std::{process::Command, sync::Arc};

use base64::Engine as _;
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

use crate::ControlPlane;

const LIST: &str = r#"{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"metrics.test/v1","resources":[{"name":"things","singularName":"thing","namespaced":false,"kind":"Thing","verbs":["get","list"]}]}"#;

/// Serves until it is aborted; returns its port and the PEM of its authority.
pub async fn serve() -> (JoinHandle<()>, u16, String) {
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

/// Answers one request: discovery, the headers that name the user and the trace, or an echo.
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
    if first.contains("/echo") {
        let switch =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
        let _ = stream.write_all(switch.as_bytes()).await;
        let (mut reader, mut writer) = tokio::io::split(stream);
        let _ = tokio::io::copy(&mut reader, &mut writer).await;
        return;
    }
    let body = if first.contains("/things") {
        let named: Vec<&str> = head
            .lines()
            .filter(|l| l.starts_with("x-remote-") || l.starts_with("traceparent: "))
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

/// Status and body of a request by the administrator.
pub fn get(plane: &ControlPlane, path: &str) -> (u16, String) {
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

/// Service, slice and APIService of the server, and an APIService of nobody.
pub fn manifest(ip: &str, port: u16, ca: &str) -> String {
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
