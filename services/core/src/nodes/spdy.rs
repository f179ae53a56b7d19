//! Frames of SPDY/3.1, as much of it as the streams of kubelets use.
//!
//! Kubelets neither send nor heed window updates: TCP alone holds a sender up.
//! <https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/>

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Bound on the payload of a control frame.
const CONTROL: usize = 64 << 10;

const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const PING: u16 = 6;
const HEADERS: u16 = 8;

/// The sender's half of the stream is at its end.
const FIN: u8 = 1;

/// The head of a frame that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// So many bytes of payload follow, and are to be read.
    Data {
        stream: u32,
        length: usize,
        last: bool,
    },
    /// Nothing more comes on a stream.
    End(u32),
    /// Is to be sent back.
    Ping(u32),
    Other,
}

/// The next frame; `None` at the end.
pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Frame>> {
    let first = match from.read_u32().await {
        Ok(first) => first,
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e),
    };
    let [flags, length @ ..] = from.read_u32().await?.to_be_bytes();
    let length = length
        .iter()
        .fold(0, |n: usize, byte| n << 8 | usize::from(*byte));
    let last = flags & FIN != 0;
    if first >> 31 == 0 {
        return Ok(Some(Frame::Data {
            stream: first,
            length,
            last,
        }));
    }
    if length > CONTROL {
        return Err(io::Error::other("a control frame is too long"));
    }
    let mut payload = vec![0; length];
    from.read_exact(&mut payload).await?;
    let number = match payload.first_chunk::<4>() {
        Some(bytes) => u32::from_be_bytes(*bytes) & !(1 << 31),
        None => return Ok(Some(Frame::Other)),
    };
    let [_, _, kind @ ..] = first.to_be_bytes();
    Ok(Some(match u16::from_be_bytes(kind) {
        RST_STREAM => Frame::End(number),
        SYN_REPLY | HEADERS if last => Frame::End(number),
        PING => Frame::Ping(number),
        _ => Frame::Other,
    }))
}

/// Opens a stream with the header `streamtype`. Headers are not compressed; the
/// first block begins the zlib stream that all blocks of a connection are.
pub(super) fn open(stream: u32, kind: &str) -> Vec<u8> {
    let mut headers = 1_u32.to_be_bytes().to_vec();
    for text in ["streamtype", kind] {
        headers.extend(length(text.len()).to_be_bytes());
        headers.extend(text.as_bytes());
    }
    let mut payload = stream.to_be_bytes().to_vec();
    // No associated stream, the highest priority, no slot.
    payload.extend([0; 6]);
    if stream == 1 {
        payload.extend([0x78, 0x01]);
    }
    // RFC 1951, 3.2.4: a stored block; an empty one makes the reader hand it out.
    let size = u16::try_from(headers.len()).unwrap_or(u16::MAX);
    payload.push(0);
    payload.extend(size.to_le_bytes());
    payload.extend((!size).to_le_bytes());
    payload.extend(headers);
    payload.extend([0, 0, 0, 0xff, 0xff]);
    control(SYN_STREAM, &payload)
}

/// Bytes of a stream; `last`: after them, nothing.
pub(super) fn data(stream: u32, bytes: &[u8], last: bool) -> Vec<u8> {
    let mut out = stream.to_be_bytes().to_vec();
    let flags = if last { u32::from(FIN) << 24 } else { 0 };
    out.extend((flags | length(bytes.len())).to_be_bytes());
    out.extend(bytes);
    out
}

/// The answer to a ping.
pub(super) fn pong(number: u32) -> Vec<u8> {
    control(PING, &number.to_be_bytes())
}

fn control(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = 0x8003_u16.to_be_bytes().to_vec();
    out.extend(kind.to_be_bytes());
    out.extend(length(payload.len()).to_be_bytes());
    out.extend(payload);
    out
}

/// Frames have 24 bits for it; callers send pieces that are far shorter.
fn length(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX) & 0x00ff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_are_read_as_they_are_written() {
        let mut bytes = open(1, "error");
        bytes.extend(data(5, b"abc", true));
        bytes.extend(pong(7));
        bytes.extend(control(RST_STREAM, &[0, 0, 0, 3, 0, 0, 0, 5]));
        let mut from = &bytes[..];
        let mut next = async || read(&mut from).await.expect("a frame");
        assert_eq!(next().await, Some(Frame::Other));
        let expected = Frame::Data {
            stream: 5,
            length: 3,
            last: true,
        };
        assert_eq!(next().await, Some(expected));
        let mut from = &bytes[bytes.len() - 12 - 16..];
        let mut next = async || read(&mut from).await.expect("a frame");
        assert_eq!(next().await, Some(Frame::Ping(7)));
        assert_eq!(next().await, Some(Frame::End(3)));
        assert_eq!(next().await, None);
    }

    #[tokio::test]
    async fn control_frames_are_bounded() {
        let endless = [0x80, 3, 0, 2, 0, 0xff, 0xff, 0xff];
        assert!(read(&mut &endless[..]).await.is_err());
        assert!(read(&mut &endless[..6]).await.is_err());
    }
}
