//! What every way of making connections does alike.

mod tunnel;

use std::{path::Path, sync::Arc, time::Duration};

use catena_egress::{Egress, EgressFlags, NetworkContext};
use catena_runtime::net::{Endpoint, Io};
use catena_tests_egress::{Konnectivity, Protocol, Transport};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const LIMIT: Duration = Duration::from_secs(60);

fn cluster(flags: &EgressFlags) -> Arc<dyn Egress> {
    let selector = flags.selector().expect("the configuration is good");
    selector.lookup(NetworkContext::Cluster)
}

async fn server<F: Future<Output = ()> + Send>(
    talk: impl Fn(TcpStream) -> F + Send + 'static,
) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            talk(stream).await;
        }
    });
    port
}

async fn dial(egress: &dyn Egress, port: u16) -> Box<dyn Io> {
    tokio::time::timeout(LIMIT, egress.dial("127.0.0.1", port))
        .await
        .expect("in time")
        .expect("a connection")
}

fn pattern(n: usize) -> Vec<u8> {
    (0..n)
        .map(|i| (i * 7 + (i >> 9)).to_le_bytes()[0])
        .collect()
}

/// Every byte arrives, in both directions at once.
async fn bytes_are_carried(egress: &dyn Egress) {
    const SIZE: usize = 50_000_000;
    let port = server(|stream| async move {
        let (mut reader, mut writer) = stream.into_split();
        tokio::spawn(async move { tokio::io::copy(&mut reader, &mut writer).await });
    })
    .await;
    let io = dial(egress, port).await;
    let (mut reader, mut writer) = tokio::io::split(io);
    let sent = Arc::new(pattern(SIZE));
    let copy = sent.clone();
    let sending = tokio::spawn(async move {
        writer.write_all(&copy).await.expect("written");
        writer.flush().await.expect("flushed");
        writer
    });
    let mut back = vec![0; SIZE];
    tokio::time::timeout(LIMIT, reader.read_exact(&mut back))
        .await
        .expect("in time")
        .expect("all of it");
    assert!(back == *sent);
    drop(sending.await.expect("no panic"));
}

/// What was said before the end arrives, then the end.
async fn the_end_of_the_server_is_the_end(egress: &dyn Egress) {
    let port = server(|mut stream| async move {
        let mut word = [0; 4];
        stream.read_exact(&mut word).await.expect("a word");
        stream.write_all(&pattern(300_000)).await.expect("written");
    })
    .await;
    let mut io = dial(egress, port).await;
    io.write_all(b"word").await.expect("written");
    io.flush().await.expect("flushed");
    let mut all = Vec::new();
    tokio::time::timeout(LIMIT, io.read_to_end(&mut all))
        .await
        .expect("in time")
        .expect("the end");
    assert!(all == pattern(300_000), "{} bytes", all.len());
}

/// A connection that is dropped ends at the server. (What was written just
/// before may be lost: konnectivity's agent closes without delay.)
async fn dropping_is_the_end_for_the_server(egress: &dyn Egress) {
    let (tx, mut rx) = tokio::sync::mpsc::channel(1);
    let port = server(move |mut stream| {
        let tx = tx.clone();
        async move {
            let mut word = [0; 4];
            stream.read_exact(&mut word).await.expect("a word");
            stream.write_all(&word).await.expect("written");
            let _ = tx.send(stream.read(&mut word).await.unwrap_or(0)).await;
        }
    })
    .await;
    let mut io = dial(egress, port).await;
    io.write_all(b"word").await.expect("written");
    io.flush().await.expect("flushed");
    io.read_exact(&mut [0; 4]).await.expect("read");
    drop(io);
    let more = tokio::time::timeout(LIMIT, rx.recv()).await;
    assert_eq!(more.expect("in time"), Some(0));
}

/// The answer to the last words comes, although nothing more will be written.
async fn an_answer_comes_after_the_last_words(egress: &dyn Egress) {
    let port = server(|mut stream| async move {
        let mut word = [0; 4];
        stream.read_exact(&mut word).await.expect("a word");
        tokio::time::sleep(Duration::from_millis(500)).await;
        let _ = stream.write_all(b"answer").await;
    })
    .await;
    let mut io = dial(egress, port).await;
    io.write_all(b"word").await.expect("written");
    io.shutdown().await.expect("shut down");
    let mut all = Vec::new();
    tokio::time::timeout(LIMIT, io.read_to_end(&mut all))
        .await
        .expect("in time")
        .expect("the end");
    assert_eq!(all, b"answer");
}

/// A reader that takes its time loses nothing.
async fn a_slow_reader_gets_all(egress: &dyn Egress) {
    const SIZE: usize = 4_000_000;
    let port = server(|mut stream| async move {
        let mut word = [0; 4];
        stream.read_exact(&mut word).await.expect("a word");
        let _ = stream.write_all(&pattern(SIZE)).await;
    })
    .await;
    let mut io = dial(egress, port).await;
    io.write_all(b"word").await.expect("written");
    io.flush().await.expect("flushed");
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut all = Vec::new();
    io.read_to_end(&mut all).await.expect("the end");
    assert!(all == pattern(SIZE), "{} bytes", all.len());
}

/// Many at once do not disturb each other.
async fn many_connections_at_once(egress: &Arc<dyn Egress>) {
    let port = server(|stream| async move {
        let (mut reader, mut writer) = stream.into_split();
        tokio::spawn(async move { tokio::io::copy(&mut reader, &mut writer).await });
    })
    .await;
    let one = |n: u32| {
        let egress = egress.clone();
        async move {
            let mut io = dial(&*egress, port).await;
            for round in 0..20u32 {
                let word = (n * 1000 + round).to_be_bytes();
                io.write_all(&word).await.expect("written");
                io.flush().await.expect("flushed");
                let mut back = [0; 4];
                io.read_exact(&mut back).await.expect("read");
                assert_eq!(back, word);
            }
        }
    };
    let all: Vec<_> = (0..50).map(|n| tokio::spawn(one(n))).collect();
    for task in all {
        tokio::time::timeout(LIMIT, task)
            .await
            .expect("in time")
            .expect("no panic");
    }
}

/// Nobody listens: the error says so, in the words of Go.
async fn refusals_are_told(egress: &dyn Egress) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    drop(listener);
    let refused = egress.dial("127.0.0.1", port).await;
    let why = refused.err().expect("nobody listens").to_string();
    // Proxies tell it in words of their own.
    let known = [
        "connection refused",
        "code 502: 502 Bad Gateway",
        "the node could not connect",
    ];
    let known = known.iter().any(|k| why.contains(k));
    assert!(known, "{why}");
    // Nothing is left behind that a later connection would stumble over.
    an_answer_comes_after_the_last_words(egress).await;
}

async fn contract(egress: Arc<dyn Egress>) {
    bytes_are_carried(&*egress).await;
    the_end_of_the_server_is_the_end(&*egress).await;
    dropping_is_the_end_for_the_server(&*egress).await;
    an_answer_comes_after_the_last_words(&*egress).await;
    a_slow_reader_gets_all(&*egress).await;
    many_connections_at_once(&egress).await;
    refusals_are_told(&*egress).await;
}

async fn through(protocol: Protocol, transport: Transport) {
    catena_runtime::tls::install_provider();
    let dir = tempfile::tempdir().expect("a directory");
    let Some(mut proxies) = Konnectivity::start(protocol, transport, dir.path()) else {
        return;
    };
    let egress = cluster(&EgressFlags {
        egress_selector_config_file: Some(proxies.configuration()),
        ..EgressFlags::default()
    });
    contract(egress.clone()).await;
    proxies.stop_server();
    let gone = egress.dial("127.0.0.1", 1).await;
    let why = gone.err().expect("nobody proxies").to_string();
    let absent = match transport {
        Transport::Uds => "proxy.sock: connect: connection refused",
        Transport::Tcp => "connect: connection refused",
    };
    assert!(why.starts_with("dial ") && why.contains(absent), "{why}");
    proxies.start_server();
    refusals_are_told(&*egress).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn direct() {
    contract(cluster(&EgressFlags::default())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_connect_over_uds() {
    through(Protocol::HttpConnect, Transport::Uds).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_connect_over_tcp() {
    through(Protocol::HttpConnect, Transport::Tcp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_over_uds() {
    through(Protocol::Grpc, Transport::Uds).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_over_tcp() {
    through(Protocol::Grpc, Transport::Tcp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn through_the_tunnel() {
    let dir = tempfile::tempdir().expect("a directory");
    // A tunnel that runs already, with nodes that reach this machine's loopback.
    let given = std::env::var_os("CATENA_TUNNEL");
    let socket = given
        .clone()
        .map_or_else(|| dir.path().join("dial"), std::path::PathBuf::from);
    let served = given.is_none().then(|| tunnel::serve(&socket));
    let egress = cluster(&EgressFlags {
        proxy_ssh_tunnel: Some(Endpoint::Unix(socket.clone())),
        ..EgressFlags::default()
    });
    contract(egress.clone()).await;
    let Some(served) = served else {
        return;
    };
    served.abort();
    let _ = served.await;
    let gone = egress.dial("127.0.0.1", 1).await;
    let why = gone.err().expect("nobody tunnels").to_string();
    assert!(why.ends_with("dial: connect: connection refused"), "{why}");
}

#[test]
fn flags_of_the_tunnel_fit_together() {
    let tcp = EgressFlags {
        proxy_ssh_tunnel: Some("tunnel:8131".parse().expect("an address")),
        ..EgressFlags::default()
    };
    let needs = "--proxy-ssh-tunnel with host:port needs --proxy-ssh-tunnel-ca-file, --proxy-ssh-tunnel-client-certificate and --proxy-ssh-tunnel-client-key";
    assert_eq!(tcp.problems(), [needs]);
    let both = EgressFlags {
        egress_selector_config_file: Some("/dev/null".into()),
        proxy_ssh_tunnel: Some("unix:///run/tunnel".parse().expect("an address")),
        ..EgressFlags::default()
    };
    let exclude = "--proxy-ssh-tunnel and --egress-selector-config-file exclude each other";
    assert_eq!(both.problems(), [exclude]);
    let args = both.args();
    assert_eq!(args[1], "--proxy-ssh-tunnel=unix:///run/tunnel");
}

#[test]
fn a_configuration_that_is_wrong_is_told() {
    let flags = EgressFlags {
        egress_selector_config_file: Some(Path::new("/nonexistent").to_owned()),
        ..EgressFlags::default()
    };
    let problems = flags.problems();
    let text = "egress-selector-config-file /nonexistent does not exist";
    assert_eq!(problems, [text]);
}
