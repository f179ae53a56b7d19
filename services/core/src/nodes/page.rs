//! Links in what is proxied lead through the proxy
//! (`apimachinery/pkg/util/proxy/transport.go`).

mod attributes;
mod coding;
mod entities;
mod links;
mod raw_text;
mod tags;
mod tokens;
mod url;

use bytes::Bytes;
use catena_objects::Status;
use catena_registry::ByteStream;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, header};

use coding::Coding;
pub(super) use links::{Links, joined};
use tokens::Rewriter;

/// Rewrites the answer's `Location`, else the links of its page as it passes.
///
/// # Errors
/// When `Location` is no URL.
pub(super) fn rewrite(
    headers: &mut HeaderMap,
    body: ByteStream,
    links: Links,
) -> Result<ByteStream, Status> {
    if let Some(location) = headers.get(header::LOCATION).filter(|l| !l.is_empty()) {
        let to = links.location(location.as_bytes())?;
        headers.insert(header::LOCATION, to);
        return Ok(body);
    }
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.map_or(&b""[..], |k| k.as_bytes());
    let kind = kind.split(|b| *b == b';').next().unwrap_or_default();
    if kind.trim_ascii() != b"text/html" {
        return Ok(body);
    }
    let encoding = headers.get(header::CONTENT_ENCODING);
    let Some(coding) = Coding::of(encoding.map_or(&b""[..], |e| e.as_bytes())) else {
        tracing::warn!(
            ?encoding,
            "links of a page with this encoding are not rewritten"
        );
        return Ok(body);
    };
    headers.remove(header::CONTENT_LENGTH);
    Ok(pages(body, coding, Rewriter::new(links)))
}

/// Pieces as they come, each rewritten; what is held back is bounded by a tag.
fn pages(body: ByteStream, coding: Coding, rewriter: Rewriter) -> ByteStream {
    let start = Some((body, coding, rewriter));
    stream::unfold(start, |state| async move {
        let (mut body, mut coding, mut rewriter) = state?;
        loop {
            let piece = match body.next().await {
                Some(Ok(piece)) => coding.piece(&piece, &mut rewriter),
                Some(Err(e)) => return Some((Err(e), None)),
                None => {
                    let last = coding.finish(rewriter);
                    return Some((last.map_err(broken).map(Bytes::from), None));
                }
            };
            match piece {
                Ok(piece) if piece.is_empty() => {}
                Ok(piece) => {
                    let next = Some((body, coding, rewriter));
                    return Some((Ok(Bytes::from(piece)), next));
                }
                Err(e) => return Some((Err(broken(e)), None)),
            }
        }
    })
    .boxed()
}

fn broken(e: std::io::Error) -> Status {
    Status::internal(format!("Failed to rewrite URLs: {e}"))
}

#[cfg(test)]
mod tests;
