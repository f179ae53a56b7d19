//! CBOR to trees.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use catena_objects::{Map, Value, json::MAX_DEPTH};
use minicbor::{
    Decoder,
    data::{IanaTag, Tag, Type},
};

/// Why bytes are no object in CBOR.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cbor: {0}")]
pub struct Error(String);

impl Error {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl From<minicbor::decode::Error> for Error {
    fn from(e: minicbor::decode::Error) -> Self {
        Self(e.to_string())
    }
}

type Result<T> = std::result::Result<T, Error>;

/// One data item. Strings may be text or bytes; bytes with a tag for a later
/// encoding become text in that encoding. Repeated members, numbers that JSON
/// has not, and what follows the item are errors.
///
/// # Errors
/// Bytes that are no such item.
pub fn decode(bytes: &[u8]) -> Result<Value> {
    let mut d = Decoder::new(bytes);
    let v = value(&mut d, Text::Plain, 0)?;
    let end = d.position();
    if end < bytes.len() {
        let rest = bytes.len() - end;
        return Err(Error::new(format!(
            "{rest} bytes of extraneous data starting at index {end}"
        )));
    }
    Ok(v)
}

/// How a byte string is written as text (RFC 8949, 3.4.5.2).
#[derive(Clone, Copy)]
enum Text {
    Plain,
    Base64Url,
    Base64,
    Base16,
}

fn value(d: &mut Decoder<'_>, text: Text, depth: usize) -> Result<Value> {
    if depth > MAX_DEPTH {
        return Err(Error::new(format!("exceeded max nested level {MAX_DEPTH}")));
    }
    match d.datatype()? {
        Type::Array | Type::ArrayIndef => array(d, text, depth),
        Type::Map | Type::MapIndef => map(d, text, depth),
        Type::Tag => tagged(d, text, depth),
        other => scalar(d, other, text),
    }
}

/// What holds nothing else; apart, so that nesting takes little of the stack.
fn scalar(d: &mut Decoder<'_>, ty: Type, text: Text) -> Result<Value> {
    Ok(match ty {
        Type::Null => {
            d.null()?;
            Value::Null
        }
        Type::Bool => d.bool()?.into(),
        Type::U8
        | Type::U16
        | Type::U32
        | Type::U64
        | Type::I8
        | Type::I16
        | Type::I32
        | Type::I64
        | Type::Int => integer(d)?,
        Type::F16 => number(d.f16()?.into())?,
        Type::F32 => number(d.f32()?.into())?,
        Type::F64 => number(d.f64()?)?,
        Type::Bytes | Type::BytesIndef => as_text(&bytes(d)?, text)?.into(),
        Type::String | Type::StringIndef => string(d)?.into(),
        other => {
            let why = format!("a value of type {other} has no meaning here");
            return Err(Error::new(why));
        }
    })
}

fn integer(d: &mut Decoder<'_>) -> Result<Value> {
    match i64::try_from(d.int()?) {
        Ok(n) => Ok(n.into()),
        Err(_) => Err(Error::new("an integer does not fit in 64 bits")),
    }
}

fn number(f: f64) -> Result<Value> {
    if f.is_finite() {
        return Ok(Value::Float(f));
    }
    Err(Error::new(
        "cannot decode floating-point number that is not finite",
    ))
}

fn tagged(d: &mut Decoder<'_>, text: Text, depth: usize) -> Result<Value> {
    let inner = encoding(d.tag()?, text)?;
    value(d, inner, depth + 1)
}

/// What a tag says of the strings in it.
fn encoding(tag: Tag, text: Text) -> Result<Text> {
    match IanaTag::try_from(tag) {
        Ok(IanaTag::ToBase64Url) => Ok(Text::Base64Url),
        Ok(IanaTag::ToBase64) => Ok(Text::Base64),
        Ok(IanaTag::ToBase16) => Ok(Text::Base16),
        Ok(IanaTag::PosBignum | IanaTag::NegBignum) => Err(Error::new("cannot decode a bignum")),
        Ok(IanaTag::Timestamp) => Err(Error::new("a time must be RFC 3339 text")),
        _ => Ok(text),
    }
}

fn array(d: &mut Decoder<'_>, text: Text, depth: usize) -> Result<Value> {
    let mut left = d.array()?;
    let mut items = Vec::new();
    while more(d, &mut left)? {
        items.push(value(d, text, depth + 1)?);
    }
    Ok(items.into())
}

fn map(d: &mut Decoder<'_>, text: Text, depth: usize) -> Result<Value> {
    let mut left = d.map()?;
    let mut members = Map::new();
    while more(d, &mut left)? {
        let key = key(d)?;
        let member = value(d, text, depth + 1)?;
        if members.contains_key(&key) {
            return Err(Error::new(format!("found duplicate map key {key:?}")));
        }
        members.insert(key, member);
    }
    Ok(members.into())
}

fn key(d: &mut Decoder<'_>) -> Result<String> {
    match d.datatype()? {
        Type::Bytes | Type::BytesIndef => as_text(&bytes(d)?, Text::Plain),
        Type::String | Type::StringIndef => string(d),
        other => Err(Error::new(format!("a key of a map is of type {other}"))),
    }
}

/// Whether another item of a container follows; the break of one without a
/// length is taken.
fn more(d: &mut Decoder<'_>, left: &mut Option<u64>) -> Result<bool> {
    match left {
        Some(0) => Ok(false),
        Some(n) => {
            *n -= 1;
            Ok(true)
        }
        None if d.datatype()? == Type::Break => {
            d.skip()?;
            Ok(false)
        }
        None => Ok(true),
    }
}

fn bytes(d: &mut Decoder<'_>) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for part in d.bytes_iter()? {
        out.extend_from_slice(part?);
    }
    Ok(out)
}

fn string(d: &mut Decoder<'_>) -> Result<String> {
    let mut out = String::new();
    for part in d.str_iter()? {
        out.push_str(part?);
    }
    Ok(out)
}

fn as_text(bytes: &[u8], text: Text) -> Result<String> {
    Ok(match text {
        Text::Plain => {
            let text = std::str::from_utf8(bytes);
            text.map_err(|_| Error::new("invalid UTF-8 string"))?
                .to_owned()
        }
        Text::Base64Url => URL_SAFE.encode(bytes),
        Text::Base64 => STANDARD.encode(bytes),
        Text::Base16 => bytes.iter().map(|b| format!("{b:02x}")).collect(),
    })
}
