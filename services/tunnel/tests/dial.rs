//! Connections through a real sshd.

mod common;

use std::time::Duration;

use catena_proto::tunnel::v1::Stage;
use common::{
    client::{channel, connect, dial},
    echo,
    ways::{Way, one},
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn pattern(n: usize) -> Vec<u8> {
    let mut x = 1_u32;
    let next = |_| {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (x >> 24) as u8
    };
    (0..n).map(next).collect()
}

async fn a_dial_goes_through(way: Way) {
    let Some((_node, tunnel)) = one(way).await else {
        return;
    };
    let (at, channel) = (echo().await, channel(tunnel.dir.path()).await);
    let mut conn = dial(&channel, at).await.expect("a connection");
    assert_eq!(conn.node, "n1");
    conn.ping().await;
    assert_eq!(tunnel.metric("catena_tunnel_streams").await, 1.0);
    let opens = ["ssh_tunnel_open_count", "catena_tunnel_reverse_opens_total"];
    let opened = tunnel.metric(opens[0]).await + tunnel.metric(opens[1]).await;
    assert_eq!(opened, 1.0, "one session for all");
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

async fn fifty_megabytes_come_back_byte_for_byte(way: Way) {
    let Some((_node, tunnel)) = one(way).await else {
        return;
    };
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

async fn each_direction_has_its_own_end(way: Way) {
    let Some((_node, tunnel)) = one(way).await else {
        return;
    };
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

async fn an_answer_before_the_close_arrives(way: Way) {
    let Some((_node, tunnel)) = one(way).await else {
        return;
    };
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

ways! {
    a_dial_goes_through,
    fifty_megabytes_come_back_byte_for_byte,
    each_direction_has_its_own_end,
    an_answer_before_the_close_arrives,
}
