//! Kubernetes protobuf to and from value trees, driven by the facts.
//!
//! Messages follow gogo-protobuf: fields by ascending tag, those that are no
//! pointers in Go always present. An object travels in an envelope: `k8s\0`,
//! then `runtime.Unknown` with its version and kind.

mod decode;
mod encode;
mod list;
mod special;
mod wire;

use bytes::Bytes;
pub use list::{ListFrame, item_head, list_frame, message_in};

use catena_facts::{Message, types};
use catena_objects::{Map, Value};

/// First bytes of an envelope.
pub const MAGIC: &[u8] = b"k8s\0";

/// Nesting of messages; schemas of custom resources go deepest.
pub(crate) const MAX_DEPTH: usize = 200;

/// Why a tree or bytes could not be transcoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(
        "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
    )]
    NoEnvelope,
    #[error("no kind {kind:?} is registered for version {api_version:?} with protobuf")]
    UnknownKind { api_version: String, kind: String },
    #[error("unexpected EOF")]
    Truncated,
    #[error("proto: {0}")]
    Malformed(&'static str),
    #[error("proto: nested too deeply")]
    TooDeep,
    #[error("{field}: {why}")]
    Value { field: &'static str, why: String },
}

/// The message of a kind; options and other kinds of every group are found too.
fn message_of(api_version: &str, kind: &str) -> Result<&'static Message, Error> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    types()
        .by_gvk(group, version, kind)
        .ok_or_else(|| Error::UnknownKind {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
        })
}

/// An object (or list, or `Status`) with its envelope. Kind and version are
/// those of the tree.
///
/// # Errors
/// A kind without protobuf (`Table`, custom resources), a value of a wrong type.
pub fn encode_envelope(object: &Value) -> Result<Bytes, Error> {
    let mut out = Vec::with_capacity(1024);
    envelope(&mut out, object)?;
    Ok(out.into())
}

fn envelope(out: &mut Vec<u8>, object: &Value) -> Result<(), Error> {
    let api_version = object.str_at(&["apiVersion"]);
    let kind = object.str_at(&["kind"]);
    let message = message_of(api_version, kind)?;
    out.extend_from_slice(MAGIC);
    wire::nested(out, 1, |out| {
        wire::bytes(out, 1, api_version.as_bytes());
        wire::bytes(out, 2, kind.as_bytes());
        Ok(())
    })?;
    wire::nested(out, 2, |out| encode::message(out, message, object, 0))?;
    wire::bytes(out, 3, b"");
    wire::bytes(out, 4, b"");
    Ok(())
}

/// The object in an envelope, in canonical form, with its kind and version.
///
/// # Errors
/// Bytes that are no envelope or no such message; a kind without protobuf.
pub fn decode_envelope(data: &[u8]) -> Result<Value, Error> {
    let data = data.strip_prefix(MAGIC).ok_or(Error::NoEnvelope)?;
    let (mut api_version, mut kind, mut raw) = ("", "", &data[..0]);
    for field in wire::fields(data) {
        match field? {
            (1, wire::Payload::Bytes(meta)) => {
                for field in wire::fields(meta) {
                    match field? {
                        (1, wire::Payload::Bytes(b)) => api_version = wire::utf8(b)?,
                        (2, wire::Payload::Bytes(b)) => kind = wire::utf8(b)?,
                        _ => {}
                    }
                }
            }
            (2, wire::Payload::Bytes(b)) => raw = b,
            _ => {}
        }
    }
    decode_message(api_version, kind, raw)
}

/// A bare message of a kind, in canonical form, with its kind and version.
///
/// # Errors
/// As [`decode_envelope`].
pub fn decode_message(api_version: &str, kind: &str, raw: &[u8]) -> Result<Value, Error> {
    let message = message_of(api_version, kind)?;
    let mut map = Map::new();
    if !kind.is_empty() {
        map.insert("kind", kind);
    }
    if !api_version.is_empty() {
        map.insert("apiVersion", api_version);
    }
    decode::fields(&mut map, message, raw, 0)?;
    let value = Value::from(map);
    Ok(match catena_schema::message(message.name) {
        Some(node) => catena_schema::canonical(&node, value),
        None => value,
    })
}

/// One frame of a watch: four bytes of length (big endian), then a
/// `WatchEvent` with the object in its envelope.
///
/// # Errors
/// As [`encode_envelope`].
pub fn encode_watch_event(kind: &str, object: &Value) -> Result<Bytes, Error> {
    let mut out = vec![0; 4];
    wire::bytes(&mut out, 1, kind.as_bytes());
    wire::nested(&mut out, 2, |out| {
        wire::nested(out, 1, |out| envelope(out, object))
    })?;
    let length = u32::try_from(out.len() - 4).map_err(|_| Error::Malformed("frame too large"))?;
    out[..4].copy_from_slice(&length.to_be_bytes());
    Ok(out.into())
}
