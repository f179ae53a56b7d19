//! exec over WebSocket, which core translates for a kubelet that speaks SPDY.

use std::sync::Arc;

use catena_tests_it::{
    ControlPlane,
    node::{Kubelet, address, register},
};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};

/// Everything that comes on the channels 1, 2 and 3 after `sent`.
async fn exec(plane: &ControlPlane, query: &str, sent: Vec<Vec<u8>>) -> [Vec<u8>; 4] {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(plane.dir().join("pki/ca.crt"));
    roots.add(ca.expect("a certificate")).expect("an authority");
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(("127.0.0.1", plane.port)).await;
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, stream.expect("TCP")).await;
    let path = format!("/api/v1/namespaces/default/pods/web/exec?{query}");
    let mut request = format!("wss://127.0.0.1:{}{path}", plane.port)
        .into_client_request()
        .expect("a request");
    let headers = request.headers_mut();
    let token = "Bearer admin-token".parse().expect("a header");
    headers.insert("authorization", token);
    let protocols = "v5.channel.k8s.io,v4.channel.k8s.io";
    let protocols = protocols.parse().expect("a header");
    headers.insert("sec-websocket-protocol", protocols);
    let opened = tokio_tungstenite::client_async(request, stream.expect("TLS")).await;
    let (socket, answer) = opened.expect("101");
    assert_eq!(
        answer.headers()["sec-websocket-protocol"],
        "v5.channel.k8s.io"
    );
    let (mut sink, mut source) = socket.split();
    tokio::spawn(async move {
        for message in sent {
            let _ = sink.send(Message::binary(message)).await;
        }
        // The sink is kept: its end would be the end of the connection.
        std::future::pending::<()>().await;
    });
    let mut out = [const { Vec::new() }; 4];
    while let Some(Ok(message)) = source.next().await {
        if let Message::Binary(bytes) = message {
            out[usize::from(bytes[0])].extend_from_slice(&bytes[1..]);
        }
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_become_streams() {
    let dir = tempfile::tempdir().expect("a directory");
    let (Some(ip), Some(kubelet)) = (address(), Kubelet::start(dir.path())) else {
        return;
    };
    let plane = ControlPlane::start(&[]);
    register(&plane, &ip, &kubelet.port);
    let input: Vec<u8> = (0..2_000_000u32)
        .map(|n| (n ^ (n >> 8)).to_le_bytes()[0])
        .collect();
    let mut sent: Vec<Vec<u8>> = input.chunks(30_000).map(|c| [&[0], c].concat()).collect();
    sent.push(vec![255, 0]);
    let [_, out, err, end] = exec(&plane, "command=cat&stdin=1&stdout=1&stderr=1", sent).await;
    assert!(out == input, "{} of {} bytes", out.len(), input.len());
    assert!(err.is_empty());
    let end = String::from_utf8_lossy(&end).into_owned();
    assert!(end.contains(r#""status":"Success""#), "{end}");
    let script = "command=sh&command=-c&command=echo%20no%20%3E%262%3B%20exit%203&stderr=1";
    let [_, out, err, end] = exec(&plane, script, Vec::new()).await;
    assert!(out.is_empty());
    assert_eq!(err, b"no\n");
    let end: serde_json::Value = serde_json::from_slice(&end).expect("a Status");
    assert_eq!(end["status"], "Failure");
    assert_eq!(end["reason"], "NonZeroExitCode");
    assert_eq!(end["details"]["causes"][0]["message"], "3");
    drop(kubelet);
    let [.., end] = exec(&plane, "command=true&stdout=1", Vec::new()).await;
    let end: serde_json::Value = serde_json::from_slice(&end).expect("a Status");
    assert_eq!(end["code"], 500);
    let why = end["message"].as_str().unwrap_or_default();
    assert!(
        why.starts_with("Internal error occurred: error sending request: Post"),
        "{why}"
    );
    assert!(why.ends_with("connect: connection refused"), "{why}");
}
