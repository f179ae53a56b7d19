//! Proxies that answer what they should not.

use catena_runtime::net::Io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::http_connect::open;

/// What becomes of a proxy that answers so.
async fn answered(answer: &[u8]) -> Result<Box<dyn Io>, String> {
    let (near, mut far) = tokio::io::duplex(1 << 20);
    let answer = answer.to_vec();
    tokio::spawn(async move {
        let mut request = vec![0; 1024];
        let n = far.read(&mut request).await.expect("a request");
        let expected = b"CONNECT a:1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
        assert_eq!(&request[..n], expected);
        for piece in answer.chunks(7) {
            let _ = far.write_all(piece).await;
        }
    });
    open(Box::new(near), "proxy", "a:1").await
}

async fn complaint(answer: &[u8]) -> String {
    answered(answer).await.err().expect("it is refused")
}

#[tokio::test]
async fn a_good_answer_is_a_connection() {
    let answer = b"HTTP/1.1 200 Connection Established\r\nVia: x\r\n\r\n";
    assert!(answered(answer).await.is_ok());
}

#[tokio::test]
async fn refusals_name_the_proxy_and_the_target() {
    assert_eq!(
        complaint(b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n\r\nno").await,
        "proxy error from proxy while dialing a:1, code 503: 503 Service Unavailable"
    );
}

#[tokio::test]
async fn what_is_no_answer_is_told() {
    let start = "reading HTTP response from CONNECT to a:1 via proxy proxy failed: ";
    for answer in [&b""[..], b"HTTP/1.1 200 OK\r\nhalf: ", b"SSH-2.0-x\r\n\r\n"] {
        let said = complaint(answer).await;
        assert!(said.starts_with(start), "{said}");
    }
}

#[tokio::test]
async fn heads_are_bounded() {
    let mut endless = b"HTTP/1.1 200 OK\r\nx: ".to_vec();
    endless.resize(500_000, b'x');
    assert!(complaint(&endless).await.ends_with("unexpected EOF"));
}

#[tokio::test]
async fn bytes_before_the_client_spoke_are_an_error() {
    let said = complaint(b"HTTP/1.1 200 OK\r\n\r\nhey").await;
    let known = said.starts_with("unexpected ")
        && said.ends_with(" bytes of buffered data from CONNECT proxy \"proxy\"");
    assert!(known, "{said}");
}
