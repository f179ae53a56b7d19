//! `CONNECT` of HTTP/1.1 (`apiserver/pkg/server/egressselector`, `tunnelHTTPConnect`).

use catena_runtime::net::Io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::whole::Whole;

/// Bound on the head of the proxy's answer.
const HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 64;

/// Asks the proxy at the other end of `io` for a connection to `target`.
pub(crate) async fn open(
    mut io: Box<dyn Io>,
    proxy: &str,
    target: &str,
) -> Result<Box<dyn Io>, String> {
    let failed = |why: String| {
        format!("reading HTTP response from CONNECT to {target} via proxy {proxy} failed: {why}")
    };
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    io.write_all(request.as_bytes())
        .await
        .map_err(|e| failed(e.to_string()))?;
    io.flush().await.map_err(|e| failed(e.to_string()))?;
    let mut read = Vec::new();
    let (length, code, status) = loop {
        if io
            .read_buf(&mut read)
            .await
            .map_err(|e| failed(e.to_string()))?
            == 0
            || read.len() > HEAD
        {
            return Err(failed("unexpected EOF".to_owned()));
        }
        if let Some(head) = parse(&read).map_err(failed)? {
            break head;
        }
    };
    if code != 200 {
        return Err(format!(
            "proxy error from {proxy} while dialing {target}, code {code}: {status}"
        ));
    }
    // Where the client speaks first nobody can have said anything yet.
    match read.len() - length {
        0 => Ok(Box::new(Whole::new(io))),
        n => Err(format!(
            "unexpected {n} bytes of buffered data from CONNECT proxy {proxy:?}"
        )),
    }
}

/// Length, code and status line of a head that is complete.
fn parse(bytes: &[u8]) -> Result<Option<(usize, u16, String)>, String> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(bytes).map_err(|e| e.to_string())? else {
        return Ok(None);
    };
    let code = head.code.unwrap_or_default();
    let status = format!("{code} {}", head.reason.unwrap_or_default());
    Ok(Some((length, code, status)))
}
