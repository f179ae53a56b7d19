//! Lists put together from objects that are encoded already.
//!
//! Every list of Kubernetes has its metadata in field 1 and its items in field 2.

use catena_objects::Value;

use crate::{Error, MAGIC, encode_envelope, wire};

const ITEMS: u32 = 2;

/// What stands before and behind the items of a list.
#[derive(Debug)]
pub struct ListFrame {
    pub head: Vec<u8>,
    pub tail: Vec<u8>,
}

/// The message in an envelope.
pub fn message_in(envelope: &[u8]) -> Option<&[u8]> {
    for field in wire::fields(envelope.strip_prefix(MAGIC)?) {
        if let (2, wire::Payload::Bytes(raw)) = field.ok()? {
            return Some(raw);
        }
    }
    None
}

/// The bytes before an item of this length.
pub fn item_head(out: &mut Vec<u8>, length: usize) {
    wire::tag(out, ITEMS, 2);
    wire::varint(out, length as u64);
}

/// The envelope of a list around `items`, the lengths of its items' messages.
///
/// # Errors
/// As [`encode_envelope`] of the empty list.
pub fn list_frame(empty: &Value, items: impl Iterator<Item = usize>) -> Result<ListFrame, Error> {
    let envelope = encode_envelope(empty)?;
    let own = message_in(&envelope).ok_or(Error::NoEnvelope)?;
    let mut scratch = Vec::with_capacity(10);
    let mut length = own.len();
    for item in items {
        scratch.clear();
        item_head(&mut scratch, item);
        length += scratch.len() + item;
    }
    let mut head = MAGIC.to_vec();
    let text = |key: &str| empty.str_at(&[key]).as_bytes();
    wire::nested(&mut head, 1, |out| {
        wire::bytes(out, 1, text("apiVersion"));
        wire::bytes(out, 2, text("kind"));
        Ok(())
    })?;
    wire::tag(&mut head, 2, 2);
    wire::varint(&mut head, length as u64);
    head.extend_from_slice(own);
    let mut tail = Vec::new();
    wire::bytes(&mut tail, 3, b"");
    wire::bytes(&mut tail, 4, b"");
    Ok(ListFrame { head, tail })
}

#[cfg(test)]
mod tests {
    use catena_objects::{Value, obj};

    use super::{item_head, list_frame, message_in};
    use crate::encode_envelope;

    #[test]
    fn as_if_encoded_at_once() {
        let item = |name: &str, kind: bool| -> Value {
            let mut v = obj!({"metadata": {"name": name, "uid": "u"}, "data": {"k": "v"}});
            if kind {
                v.set(&["kind"], "ConfigMap");
                v.set(&["apiVersion"], "v1");
            }
            v
        };
        let list = |items: Vec<Value>| -> Value {
            obj!({
                "kind": "ConfigMapList",
                "apiVersion": "v1",
                "metadata": {"resourceVersion": "7", "continue": "c"},
                "items": items
            })
        };
        let names = ["a", "a-longer-name", "c"];
        let whole = list(names.iter().map(|n| item(n, false)).collect());
        let whole = encode_envelope(&whole).expect("encodes");
        let parts: Vec<_> = names
            .iter()
            .map(|n| encode_envelope(&item(n, true)).expect("encodes"))
            .collect();
        let raws: Vec<&[u8]> = parts
            .iter()
            .map(|p| message_in(p).expect("a message"))
            .collect();
        let frame = list_frame(&list(Vec::new()), raws.iter().map(|r| r.len()));
        let frame = frame.expect("encodes");
        let mut out = frame.head;
        for raw in raws {
            item_head(&mut out, raw.len());
            out.extend_from_slice(raw);
        }
        out.extend_from_slice(&frame.tail);
        assert_eq!(out, whole);
    }
}
