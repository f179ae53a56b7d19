//! Connections through a real sshd.

mod common;

use std::{fs, time::Duration};

use catena_proto::tunnel::v1::Stage;
use common::{
    Sshd, Tunnel, can_run,
    client::{channel, connect, dial},
    echo, prepare,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// One node whose key is known.
async fn one() -> (Sshd, Tunnel) {
    let dir = prepare();
    let sshd = Sshd::start(&dir.path().join("key.pub"));
    fs::write(dir.path().join("known"), sshd.known()).expect("a file");
    let tunnel = Tunnel::start(dir, &[sshd.node("n1")]).await;
    tunnel.sessions(1).await;
    (sshd, tunnel)
}

fn pattern(n: usize) -> Vec<u8> {
    let mut x = 1_u32;
    let next = |_| {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (x >> 24) as u8
    };
    (0..n).map(next).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dial_goes_through_a_real_sshd() {
    if !can_run() {
        return;
    }
    let (_sshd, tunnel) = one().await;
    let (at, channel) = (echo().await, channel(tunnel.dir.path()).await);
    let mut conn = dial(&channel, at).await.expect("a connection");
    assert_eq!(conn.node, "n1");
    conn.ping().await;
    assert_eq!(tunnel.metric("catena_tunnel_streams").await, 1.0);
    assert_eq!(tunnel.metric("ssh_tunnel_open_count").await, 1.0);
    // The node says what it could not do, and the session goes on.
    let (stage, _) = dial(&channel, "127.0.0.1:1")
        .await
        .expect_err("no connection");
    assert_eq!(stage, Stage::Channel);
    let (stage, _) = dial(&channel, "nonsense").await.expect_err("no connection");
    assert_eq!(stage, Stage::Request);
    conn.ping().await;
    drop(conn);
    common::eventually("the stream ends", async || {
        tunnel.metric("catena_tunnel_streams").await == 0.0
    })
    .await;
    tunnel.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_megabytes_come_back_byte_for_byte() {
    if !can_run() {
        return;
    }
    let (_sshd, tunnel) = one().await;
    let (at, channel) = (echo().await, channel(tunnel.dir.path()).await);
    let sent = pattern(50 << 20);
    let mut conn = dial(&channel, at).await.expect("a connection");
    let tx = conn.tx.take().expect("a sender");
    let bytes = bytes::Bytes::from(sent.clone());
    tokio::spawn(async move {
        for at in (0..bytes.len()).step_by(100_000) {
            let piece = bytes.slice(at..bytes.len().min(at + 100_000));
            let frame = catena_proto::tunnel::v1::dial_frame::Frame::Data(piece);
            let frame = catena_proto::tunnel::v1::DialFrame { frame: Some(frame) };
            tx.send(frame).await.expect("a stream");
        }
        // Dropping the sender ends the direction.
    });
    let got = conn.read(sent.len()).await;
    assert!(got == sent, "other bytes came back");
    assert_eq!(conn.next().await, Ok(None));

    let mut unix = connect(tunnel.dir.path(), at).await.expect("a connection");
    let (mut from, mut to) = unix.split();
    let mut got = Vec::new();
    let send = async {
        to.write_all(&sent).await.expect("a stream");
        to.shutdown().await.expect("a half close");
    };
    let (read, ()) = tokio::join!(from.read_to_end(&mut got), send);
    read.expect("a stream");
    assert!(got == sent, "other bytes came back");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_direction_has_its_own_end() {
    if !can_run() {
        return;
    }
    let (_sshd, tunnel) = one().await;
    let channel = channel(tunnel.dir.path()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let at = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        // The first speaks after the caller's end, the second ends first.
        let (mut tcp, _) = listener.accept().await.expect("a connection");
        let mut asked = String::new();
        tcp.read_to_string(&mut asked).await.expect("a question");
        tcp.write_all(format!("answer to {asked}").as_bytes())
            .await
            .expect("an answer");
        drop(tcp);
        let (mut tcp, _) = listener.accept().await.expect("a connection");
        tcp.write_all(b"hello").await.expect("a greeting");
        tcp.shutdown().await.expect("a half close");
        let mut heard = String::new();
        tcp.read_to_string(&mut heard).await.expect("words");
        assert_eq!(heard, "late words");
    });
    let mut conn = dial(&channel, at).await.expect("a connection");
    conn.send("question").await;
    conn.finish().await;
    assert_eq!(conn.read(18).await, b"answer to question");
    assert_eq!(conn.next().await, Ok(None));

    let mut conn = dial(&channel, at).await.expect("a connection");
    assert_eq!(conn.read(5).await, b"hello");
    assert_eq!(conn.next().await, Ok(None));
    tokio::time::sleep(Duration::from_millis(200)).await;
    conn.send("late words").await;
    conn.finish().await;
    assert!(conn.rx.message().await.expect("an end").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_before_the_close_arrives() {
    if !can_run() {
        return;
    }
    let (_sshd, tunnel) = one().await;
    let channel = channel(tunnel.dir.path()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let at = listener.local_addr().expect("an address");
    // It takes the first bytes, answers and closes, as one who refuses an upload.
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            tokio::spawn(async move {
                tcp.read_u8().await.expect("a byte");
                tcp.write_all(&[9; 300_000]).await.expect("an answer");
                tcp.shutdown().await.expect("an end");
                let _ = tokio::io::copy(&mut tcp, &mut tokio::io::sink()).await;
            });
        }
    });
    for _ in 0..20 {
        let mut conn = dial(&channel, at).await.expect("a connection");
        conn.send(vec![1; 100_000]).await;
        assert_eq!(conn.read(300_000).await.len(), 300_000);
        assert_eq!(conn.next().await, Ok(None));
        let mut unix = connect(tunnel.dir.path(), at).await.expect("a connection");
        unix.write_all(&[1; 1000]).await.expect("a stream");
        let mut got = Vec::new();
        unix.read_to_end(&mut got).await.expect("an answer");
        assert_eq!(got.len(), 300_000);
    }
}
