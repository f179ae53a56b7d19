use http::{Method, Request, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

use super::{Health, HealthFlags, http::answer};
use crate::net::{Endpoint, connect_unix};

async fn health() -> (Health, CancellationToken) {
    let stop = CancellationToken::new();
    let health = Health::start(&HealthFlags::default(), &stop).await;
    (health.expect("no address is needed"), stop)
}

fn get(health: &Health, path: &str) -> (u16, String) {
    let request = Request::get(path).body(()).expect("a request");
    let (status, body) = answer(health, &request);
    (status.as_u16(), String::from_utf8(body).expect("text"))
}

#[tokio::test]
async fn ready_from_serving_until_the_end_and_alive_all_the_time() {
    let (health, stop) = health().await;
    let ok = || (200, "ok".to_owned());
    let (code, text) = get(&health, "/readyz");
    assert_eq!(code, 500);
    assert_eq!(
        text,
        "[+]ping ok\n[-]poststarthook/serving failed: reason withheld\n[+]shutdown ok\nreadyz check failed\n"
    );
    assert_eq!(get(&health, "/livez"), ok());
    health.ready();
    assert_eq!(get(&health, "/readyz"), ok());
    let (code, text) = get(&health, "/readyz?verbose=true");
    assert_eq!((code, text.lines().count()), (200, 4));
    stop.cancel();
    assert_eq!(get(&health, "/readyz").0, 500);
    assert_eq!(get(&health, "/readyz/shutdown").0, 500);
    assert_eq!(get(&health, "/readyz/ping"), ok());
    assert_eq!(get(&health, "/livez"), ok());
}

#[tokio::test]
async fn nothing_else_is_served() {
    let (health, _) = health().await;
    for path in ["/", "/metrics/x", "/livez/shutdown", "/debug"] {
        assert_eq!(get(&health, path).0, 404, "{path}");
    }
    let post = Request::builder().method(Method::POST).uri("/livez");
    let (status, _) = answer(&health, &post.body(()).expect("a request"));
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_port_answers_while_the_process_is_not_ready() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("http.sock");
    let flags = HealthFlags {
        listen_http: Some(Endpoint::Unix(path.clone())),
    };
    let counter = catena_telemetry::metrics::counter("catena_test_total", "A count.", &[]);
    counter.with_label_values::<&str>(&[]).inc();
    let stop = CancellationToken::new();
    let _health = Health::start(&flags, &stop).await.expect("it listens");
    for (path_of, first) in [("/livez", "200"), ("/readyz", "500"), ("/metrics", "200")] {
        let mut io = connect_unix(&path).await.expect("it listens");
        let request = format!("GET {path_of} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        io.write_all(request.as_bytes()).await.expect("sent");
        let mut text = String::new();
        io.read_to_string(&mut text).await.expect("answered");
        assert!(text.starts_with(&format!("HTTP/1.1 {first} ")), "{text}");
        assert_eq!(text.contains("catena_test_total 1"), path_of == "/metrics");
    }
}
