//! Doors over TCP ask for a certificate.

mod common;

use std::{fs, sync::Arc};

use catena_runtime::{
    pki::{Pki, process_server_name},
    tls::ClientTls,
};
use common::{Sshd, Tunnel, can_run, echo, free_port, prepare};
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

async fn open(pki: &Pki, process: &str, port: u16) -> std::io::Result<TlsStream<TcpStream>> {
    let pair = pki.process(process, &[]).expect("a pair");
    let ca = pki.internal_ca().expect("an authority");
    let tls = ClientTls::new(ca, Some((pair.cert, pair.key)), &[]).expect("files");
    let tcp = TcpStream::connect(("127.0.0.1", port)).await?;
    let name = ServerName::try_from(process_server_name("tunnel")).expect("a name");
    TlsConnector::from(tls.config()).connect(name, tcp).await
}

async fn ask(stream: &mut TlsStream<TcpStream>, target: impl std::fmt::Display) -> String {
    let request = format!("CONNECT {target} HTTP/1.1\r\n\r\n");
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = [0; 12];
    let n = stream.read(&mut answer).await.unwrap_or(0);
    String::from_utf8_lossy(&answer[..n]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_named_clients_dial_over_tcp() {
    if !can_run() {
        return;
    }
    let dir = prepare();
    let sshd = Sshd::start(&dir.path().join("key.pub"));
    fs::write(dir.path().join("known"), sshd.known()).expect("a file");
    let pki = Arc::new(Pki::open(dir.path().join("pki")).expect("a directory"));
    let port = free_port();
    let flags = [
        sshd.node("n1"),
        format!("--listen-connect=127.0.0.1:{port}"),
        format!("--pki-dir={}", dir.path().join("pki").display()),
    ];
    let tunnel = Tunnel::start(dir, &flags).await;
    tunnel.sessions(1).await;
    let at = echo().await;
    let mut stream = open(&pki, "core", port).await.expect("a connection");
    assert_eq!(ask(&mut stream, at).await, "HTTP/1.1 200");

    // Signed by the authority, but not a client of the tunnel.
    let answer = match open(&pki, "controllers", port).await {
        Ok(mut stream) => ask(&mut stream, at).await,
        Err(_) => String::new(),
    };
    assert_eq!(answer, "");
    // No certificate, no TLS at all.
    let mut tcp = TcpStream::connect(("127.0.0.1", port))
        .await
        .expect("a connection");
    let _ = tcp.write_all(b"CONNECT a:1 HTTP/1.1\r\n\r\n").await;
    let mut answer = Vec::new();
    let _ = tcp.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"));
}
