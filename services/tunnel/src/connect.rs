//! The HTTP door: CONNECT (RFC 9110, section 9.3.6) over HTTP/1.1.

use std::{io, sync::Arc};

use bytes::{Bytes, BytesMut};
use catena_proto::tunnel::v1::Stage;
use catena_runtime::net::Listener;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    accept::{self, Connection, Guard},
    failure::{self, Failure},
    limits, piece,
    pool::Pool,
    stream::Stream,
    target::Target,
};

/// A refusal is taken by the client within this time, or not at all.
const REFUSAL: std::time::Duration = std::time::Duration::from_secs(5);

/// Serves until `stop`, and connections that are open until `cut`.
pub(crate) async fn serve_on(
    listener: Listener,
    guard: Option<Guard>,
    pool: Arc<Pool>,
    stop: CancellationToken,
    cut: CancellationToken,
) -> io::Result<()> {
    let mut incoming = accept::connections(listener, guard, stop);
    let open = TaskTracker::new();
    while let Some(connection) = incoming.recv().await {
        let (pool, cut) = (Arc::clone(&pool), cut.clone());
        let mut connection = connection?;
        open.spawn(async move {
            tokio::select! {
                served = serve(&mut connection, &pool) => if let Err(e) = served {
                    tracing::debug!(error = %e, "a connection broke");
                },
                () = cut.cancelled() => {}
            }
        });
    }
    open.close();
    open.wait().await;
    Ok(())
}

async fn serve(client: &mut Connection, pool: &Pool) -> io::Result<()> {
    let head = timeout(limits::FIRST_FRAME, read_head(client)).await;
    let opened = match head {
        Ok(Ok((target, early))) => pool
            .dial(&target, limits::DIAL)
            .await
            .map(|(node, stream)| (node, stream, early))
            .map_err(|f| (status(&f), f)),
        Ok(Err(Head::Io(e))) => return Err(e),
        Ok(Err(Head::Refused(status, why))) => Err((status, Failure::new(Stage::Request, why))),
        Err(_) => Err((
            "408 Request Timeout",
            Failure::new(
                Stage::Request,
                "the head of the request did not come in time",
            ),
        )),
    };
    match opened {
        Ok((node, stream, early)) => {
            let answer =
                format!("HTTP/1.1 200 Connection established\r\nX-Catena-Node: {node}\r\n\r\n");
            client.write_all(answer.as_bytes()).await?;
            join(client, stream, early).await
        }
        Err((status, f)) => timeout(REFUSAL, refuse(client, status, &f)).await?,
    }
}

async fn refuse(client: &mut Connection, status: &str, f: &Failure) -> io::Result<()> {
    let (stage, body) = (failure::name(f.stage), format!("{}\n", f.reason));
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nX-Catena-Stage: {stage}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await
}

fn status(f: &Failure) -> &'static str {
    match f.stage {
        Stage::Request => "400 Bad Request",
        Stage::NoTunnel => "503 Service Unavailable",
        _ => "502 Bad Gateway",
    }
}

enum Head {
    Io(io::Error),
    Refused(&'static str, &'static str),
}

/// The target, and bytes that came after the head.
async fn read_head(client: &mut Connection) -> Result<(Target, Bytes), Head> {
    let mut read = BytesMut::with_capacity(1024);
    let mut looked = 0;
    let end = loop {
        let n = client.read_buf(&mut read).await.map_err(Head::Io)?;
        if n == 0 {
            return Err(Head::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        // The end may lie across two reads.
        let from = looked;
        looked = read.len().saturating_sub(3);
        if let Some(at) = find(&read[from..]) {
            break from + at;
        }
        if read.len() > limits::HEAD {
            return Err(Head::Refused(
                "431 Request Header Fields Too Large",
                "the head of the request is longer than 8 KiB",
            ));
        }
    };
    let head = read.split_to(end + 4);
    Ok((parse(&head)?, read.freeze()))
}

fn find(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|w| w == b"\r\n\r\n")
}

/// Header fields are of no use here and are not looked at: the certificate
/// or the socket's mode says who may connect.
fn parse(head: &[u8]) -> Result<Target, Head> {
    let bad = |why| Head::Refused("400 Bad Request", why);
    let line = head.split(|b| *b == b'\r').next().unwrap_or_default();
    let line = std::str::from_utf8(line).map_err(|_| bad("the request line is not text"))?;
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(bad("CONNECT host:port HTTP/1.1 is expected"));
    };
    if method != "CONNECT" {
        return Err(Head::Refused(
            "405 Method Not Allowed",
            "only CONNECT is served",
        ));
    }
    if !matches!(version, "HTTP/1.1" | "HTTP/1.0") {
        return Err(Head::Refused(
            "505 HTTP Version Not Supported",
            "HTTP/1.1 is expected",
        ));
    }
    Target::parse(target).map_err(|_| bad("the target must be host:port"))
}

async fn join(client: &mut Connection, stream: Stream, early: Bytes) -> io::Result<()> {
    let (mut from, mut to) = tokio::io::split(client);
    let Stream {
        mut reader,
        mut writer,
    } = stream;
    // What the node does not take ends this direction only: it may have
    // answered before it closed.
    let up = async {
        let mut piece = early;
        loop {
            if !piece.is_empty() && writer.write(piece).await.is_err() {
                return Ok(());
            }
            match piece::next(&mut from).await? {
                Some(next) => piece = next,
                None => break,
            }
        }
        let _ = writer.finish().await;
        Ok(())
    };
    let down = async {
        while let Some(piece) = reader.recv().await {
            to.write_all(&piece.map_err(io::Error::other)?).await?;
        }
        to.shutdown().await
    };
    tokio::try_join!(up, down).map(drop)
}
