//! Watches over WebSocket, with a client of its own library.

use std::{sync::Arc, time::Duration};

use catena_tests_it::{ControlPlane, eventually, storage::compact};
use futures_util::StreamExt as _;
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, pki_types::ServerName},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message, client::IntoClientRequest as _, handshake::client::Response},
};

type Socket = WebSocketStream<TlsStream<TcpStream>>;

async fn connect(
    plane: &ControlPlane,
    path: &str,
    accept: &str,
) -> Result<(Socket, Response), Error> {
    use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject as _};
    let mut roots = RootCertStore::empty();
    let ca = plane.dir().join("pki/ca.crt");
    roots
        .add(CertificateDer::from_pem_file(ca).expect("a certificate"))
        .expect("an authority");
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(("127.0.0.1", plane.port))
        .await
        .expect("a connection");
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .expect("TLS");
    let mut request = format!("wss://127.0.0.1:{}{path}", plane.port)
        .into_client_request()
        .expect("a request");
    let headers = request.headers_mut();
    let token = "Bearer admin-token".parse().expect("a header");
    headers.insert("authorization", token);
    headers.insert("accept", accept.parse().expect("a header"));
    tokio_tungstenite::client_async(request, stream).await
}

async fn next(socket: &mut Socket) -> Option<Message> {
    let message = tokio::time::timeout(Duration::from_secs(30), socket.next());
    message.await.expect("an event").and_then(Result::ok)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_is_a_message() {
    let plane = ControlPlane::start(&["--controllers=false"]);
    let watch = "/api/v1/namespaces/default/configmaps?watch=true";
    let (mut json, _) = connect(&plane, watch, "application/json")
        .await
        .expect("connected");
    let protobuf = "application/vnd.kubernetes.protobuf;stream=watch";
    let (mut binary, _) = connect(&plane, watch, protobuf).await.expect("connected");
    plane.kubectl(&["create", "configmap", "a"]);
    let Some(Message::Text(text)) = next(&mut json).await else {
        panic!("no text");
    };
    let event: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(event["type"], "ADDED");
    assert_eq!(event["object"]["metadata"]["name"], "a");
    let Some(Message::Binary(bytes)) = next(&mut binary).await else {
        panic!("no bytes");
    };
    assert!(bytes.windows(5).any(|w| w == b"ADDED"), "{bytes:?}");
    plane.kubectl(&["delete", "configmap", "a"]);
    let Some(Message::Text(text)) = next(&mut json).await else {
        panic!("no text");
    };
    assert!(text.starts_with(r#"{"type":"DELETED""#), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_ends_and_what_is_no_watch_does_not_begin() {
    let plane = ControlPlane::start(&["--controllers=false"]);
    let watch = "/api/v1/namespaces?watch=true&timeoutSeconds=1&resourceVersion=0";
    let (mut socket, _) = connect(&plane, watch, "application/json")
        .await
        .expect("connected");
    let mut events = 0;
    while let Some(message) = next(&mut socket).await {
        match message {
            Message::Text(_) => events += 1,
            Message::Close(_) => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(events >= 4, "{events}");
    let wrong = "/api/v1/namespaces?watch=true&labelSelector=%3D%3D";
    match connect(&plane, wrong, "application/json").await {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 400),
        other => panic!("{:?}", other.map(|(_, r)| r.status())),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_is_closed_when_the_delegate_is_gone() {
    let plane = ControlPlane::start(&["--controllers=false"]);
    let watch = "/api/v1/namespaces?watch=true&resourceVersion=0";
    let (mut socket, _) = connect(&plane, watch, "application/json")
        .await
        .expect("connected");
    let killer = async {
        loop {
            plane.kill("core");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let ended = async {
        loop {
            match next(&mut socket).await {
                Some(Message::Text(_)) => {}
                other => break other,
            }
        }
    };
    tokio::select! {
        () = killer => {}
        last = ended => assert!(matches!(last, Some(Message::Close(_))), "{last:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_that_is_gone_is_an_event() {
    let plane = ControlPlane::start(&["--controllers=false"]);
    plane.kubectl(&["create", "configmap", "a"]);
    let version = "jsonpath={.metadata.resourceVersion}";
    let version = plane.kubectl(&["get", "configmap", "a", "-o", version]);
    plane.kubectl(&["create", "configmap", "b"]);
    plane.kubectl(&["create", "configmap", "c"]);
    let server = plane.store();
    let compacted = tokio::task::spawn_blocking(move || compact(&server));
    compacted.await.expect("compacted");
    // A core that began later knows no more than storage.
    plane.kill("core");
    eventually("core answers", || {
        plane.try_kubectl(&["get", "configmaps"]).status.success()
    });
    let watch =
        format!("/api/v1/namespaces/default/configmaps?watch=true&resourceVersion={version}");
    let (mut socket, _) = connect(&plane, &watch, "application/json")
        .await
        .expect("connected");
    let Some(Message::Text(text)) = next(&mut socket).await else {
        panic!("no text");
    };
    let event: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(event["type"], "ERROR", "{text}");
    assert_eq!(event["object"]["reason"], "Expired", "{text}");
    let end = next(&mut socket).await;
    assert!(matches!(end, None | Some(Message::Close(_))), "{end:?}");
}
