//! Messages of `ServeStream` as frames of HTTP/2, without copies.
//!
//! tonic puts each message together in a buffer of its own, on both sides: of a
//! list of 26 MB that is 52 MB more to move. Here the bytes of a body are frames
//! as they are, behind the few bytes that make them a message; what is on the
//! wire is the same. <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use catena_proto::delegate::v1::{ServeItem, serve_item::Item};
use prost::{
    Message as _,
    encoding::{WireType, decode_varint, encode_key, encode_varint, encoded_len_varint, key_len},
};

use super::MAX_MESSAGE;

/// Before each message: whether it is compressed, and its length.
const PREFIX: usize = 5;
/// `ServeItem.data`
const DATA: u32 = 3;
/// Data up to here is copied: a frame of its own costs more.
const SMALL: usize = 4 << 10;
/// Longest head of a message that is data: its key and its length.
const DATA_HEAD: usize = 6;

/// A message with its prefix.
pub(super) fn whole(message: &impl prost::Message) -> Bytes {
    let length = message.encoded_len();
    let mut out = BytesMut::with_capacity(PREFIX + length);
    prefix(&mut out, length);
    // A buffer that grows takes everything.
    let _ = message.encode(&mut out);
    out.freeze()
}

/// What is behind the prefix of the one message in `body`.
///
/// # Errors
/// When it is not one message.
pub(super) fn message(body: Bytes) -> Result<Bytes, Broken> {
    let mut reader = Reader::default();
    reader.push(body);
    let length = reader.length()?.ok_or(Broken::Cut)?;
    if reader.len() != PREFIX + length {
        return Err(Broken::Malformed);
    }
    reader.skip(PREFIX);
    Ok(reader.split(length))
}

fn prefix(out: &mut BytesMut, length: usize) {
    out.put_u8(0);
    out.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
}

/// An item as one frame, or as two of which the second is its data.
pub(super) fn of_item(item: ServeItem) -> (Bytes, Option<Bytes>) {
    match item.item {
        Some(Item::Data(data)) if data.len() > SMALL => {
            let size = data.len();
            let head = key_len(DATA) + encoded_len_varint(size as u64);
            let mut out = BytesMut::with_capacity(PREFIX + head);
            prefix(&mut out, head + size);
            encode_key(DATA, WireType::LengthDelimited, &mut out);
            encode_varint(size as u64, &mut out);
            (out.freeze(), Some(data))
        }
        item => (whole(&ServeItem { item }), None),
    }
}

/// What is wrong with what a peer sent.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum Broken {
    #[error("a message is compressed")]
    Compressed,
    #[error("a message of {0} bytes is too long")]
    Long(usize),
    #[error("a message cannot be read")]
    Malformed,
    #[error("the stream ends within a message")]
    Cut,
}

/// Reads items from frames as they come; of data, as much as there is.
#[derive(Default)]
pub(super) struct Reader {
    /// What came and was not read, but for data whose message is not at its end.
    waiting: BytesMut,
    /// The frame that came last, of which nothing had to wait.
    frame: Bytes,
    /// Bytes of data that belong to the message that was begun.
    data: usize,
}

impl Reader {
    pub(super) fn push(&mut self, frame: Bytes) {
        if self.waiting.is_empty() && self.frame.is_empty() {
            self.frame = frame;
            return;
        }
        let rest = std::mem::take(&mut self.frame);
        self.waiting.extend_from_slice(&rest);
        self.waiting.extend_from_slice(&frame);
    }

    /// The next item; `None`: another frame is needed.
    ///
    /// # Errors
    /// For what is no stream of items.
    pub(super) fn next(&mut self) -> Result<Option<Item>, Broken> {
        if self.data > 0 {
            return Ok(self.take_data().map(Item::Data));
        }
        let Some(length) = self.length()? else {
            return Ok(None);
        };
        if let Some(head) = self.begin_data(length)? {
            self.skip(PREFIX + head);
            self.data = length - head;
            return self.next();
        }
        if self.len() < PREFIX + length {
            return Ok(None);
        }
        self.skip(PREFIX);
        let message = self.split(length);
        let item = ServeItem::decode(message).map_err(|_| Broken::Malformed)?;
        item.item.map(Some).ok_or(Broken::Malformed)
    }

    /// # Errors
    /// When a message is not at its end.
    pub(super) fn end(&self) -> Result<(), Broken> {
        if self.data > 0 || self.len() > 0 {
            return Err(Broken::Cut);
        }
        Ok(())
    }

    /// The length of the message that is next, if its prefix is there.
    fn length(&self) -> Result<Option<usize>, Broken> {
        let Some(mut prefix) = self.bytes().get(..PREFIX) else {
            return Ok(None);
        };
        if prefix.get_u8() != 0 {
            return Err(Broken::Compressed);
        }
        let length = prefix.get_u32() as usize;
        if length > MAX_MESSAGE {
            return Err(Broken::Long(length));
        }
        Ok(Some(length))
    }

    /// The length of what stands before the data in a message that is nothing
    /// else.
    fn begin_data(&self, length: usize) -> Result<Option<usize>, Broken> {
        let message = &self.bytes()[PREFIX..];
        let message = &message[..message.len().min(length)];
        let key = (DATA << 3 | WireType::LengthDelimited as u32) as u8;
        if message.first() != Some(&key) {
            return Ok(None);
        }
        let mut rest = &message[1..];
        let size = match decode_varint(&mut rest) {
            Ok(size) => size,
            Err(_) if message.len() < DATA_HEAD.min(length) => return Ok(None),
            Err(_) => return Err(Broken::Malformed),
        };
        let head = message.len() - rest.len();
        let exact = usize::try_from(size).is_ok_and(|size| size > 0 && head + size == length);
        Ok(exact.then_some(head))
    }

    fn take_data(&mut self) -> Option<Bytes> {
        let size = self.data.min(self.len());
        self.data -= size;
        (size > 0).then(|| self.split(size))
    }

    fn bytes(&self) -> &[u8] {
        if self.waiting.is_empty() {
            &self.frame
        } else {
            &self.waiting
        }
    }

    fn len(&self) -> usize {
        self.bytes().len()
    }

    fn skip(&mut self, n: usize) {
        if self.waiting.is_empty() {
            self.frame.advance(n);
        } else {
            self.waiting.advance(n);
        }
    }

    fn split(&mut self, n: usize) -> Bytes {
        if self.waiting.is_empty() {
            self.frame.split_to(n)
        } else {
            self.waiting.split_to(n).freeze()
        }
    }
}

#[cfg(test)]
mod tests {
    use catena_proto::delegate::v1::{Event, Events, NotMine, StreamHead};

    use super::*;

    fn items() -> Vec<Item> {
        let event = Event {
            revision: 7,
            frame: vec![b'e'; 300].into(),
            ..Event::default()
        };
        let head = StreamHead {
            data: vec![b'h'; 9000].into(),
            ..StreamHead::default()
        };
        vec![
            Item::Head(head),
            Item::Data(vec![b'd'; 200_000].into()),
            Item::Data(Bytes::from_static(b"short")),
            Item::NotMine(NotMine {}),
            Item::Events(Events {
                events: vec![event; 3],
            }),
            Item::Data(vec![b'x'; SMALL + 1].into()),
        ]
    }

    fn sent() -> Vec<u8> {
        let mut out = Vec::new();
        for item in items() {
            let (head, data) = of_item(ServeItem { item: Some(item) });
            out.extend_from_slice(&head);
            out.extend_from_slice(&data.unwrap_or_default());
        }
        out
    }

    /// Items as they were sent, pieces of data put together.
    fn read(frames: impl Iterator<Item = Vec<u8>>) -> Result<Vec<Item>, Broken> {
        let mut reader = Reader::default();
        let mut out: Vec<Item> = Vec::new();
        let mut open = false;
        for frame in frames {
            reader.push(frame.into());
            while let Some(item) = reader.next()? {
                match (out.last_mut(), item) {
                    (Some(Item::Data(all)), Item::Data(more)) if open => {
                        *all = [&all[..], &more[..]].concat().into();
                    }
                    (_, item) => out.push(item),
                }
                open = reader.data > 0;
            }
        }
        reader.end()?;
        Ok(out)
    }

    #[test]
    fn what_is_sent_is_what_tonic_would_send() {
        let mut expected = Vec::new();
        for item in items() {
            expected.extend_from_slice(&whole(&ServeItem { item: Some(item) }));
        }
        assert!(sent() == expected);
    }

    #[test]
    fn items_arrive_however_they_are_cut() {
        for size in [1, 2, 5, 7, 4096, 16_384, 1 << 20] {
            let frames = sent();
            let frames = frames.chunks(size).map(<[u8]>::to_vec);
            assert!(read(frames) == Ok(items()), "frames of {size}");
        }
    }

    #[test]
    fn what_is_no_item_is_refused() {
        let of = |bytes: &[u8]| read(std::iter::once(bytes.to_vec()));
        assert_eq!(of(&[1, 0, 0, 0, 1, 0]), Err(Broken::Compressed));
        let long = Err(Broken::Long(u32::MAX as usize));
        assert_eq!(of(&[0, 0xff, 0xff, 0xff, 0xff, 0]), long);
        assert_eq!(of(&[0, 0, 0, 0, 3, 0x1a, 9, 0]), Err(Broken::Malformed));
        assert_eq!(of(&[0, 0, 0, 0, 0]), Err(Broken::Malformed));
        assert_eq!(of(&[0, 0, 0, 0, 9, 0x1a, 7, 0]), Err(Broken::Cut));
        assert_eq!(of(&[0, 0]), Err(Broken::Cut));
    }
}
