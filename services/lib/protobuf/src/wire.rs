//! Varints, tags and lengths.

use crate::Error;

pub(crate) fn varint(out: &mut Vec<u8>, mut v: u64) {
    while v >= 0x80 {
        out.push(v as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
}

pub(crate) fn tag(out: &mut Vec<u8>, tag: u32, wire: u8) {
    varint(out, u64::from(tag) << 3 | u64::from(wire));
}

pub(crate) fn int(out: &mut Vec<u8>, t: u32, v: i64) {
    tag(out, t, 0);
    varint(out, v as u64);
}

pub(crate) fn double(out: &mut Vec<u8>, t: u32, v: f64) {
    tag(out, t, 1);
    out.extend_from_slice(&v.to_le_bytes());
}

pub(crate) fn bytes(out: &mut Vec<u8>, t: u32, v: &[u8]) {
    tag(out, t, 2);
    varint(out, v.len() as u64);
    out.extend_from_slice(v);
}

/// A message in a field. Its length is known only afterwards: one byte is kept
/// free, and the body moves where it needs more.
pub(crate) fn nested(
    out: &mut Vec<u8>,
    t: u32,
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>,
) -> Result<(), Error> {
    tag(out, t, 2);
    let at = out.len();
    out.push(0);
    body(out)?;
    let length = (out.len() - at - 1) as u64;
    if length < 0x80 {
        out[at] = length as u8;
        return Ok(());
    }
    let mut prefix = Vec::with_capacity(5);
    varint(&mut prefix, length);
    out.splice(at..=at, prefix);
    Ok(())
}

/// What a field holds on the wire.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Payload<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    /// Groups and 32-bit numbers, which no message of Kubernetes uses.
    Other,
}

fn read_varint(data: &mut &[u8]) -> Result<u64, Error> {
    let mut v = 0u64;
    for shift in (0..64).step_by(7) {
        let (&b, rest) = data.split_first().ok_or(Error::Truncated)?;
        *data = rest;
        v |= u64::from(b & 0x7f) << shift;
        if b < 0x80 {
            return Ok(v);
        }
    }
    Err(Error::Malformed("integer overflow"))
}

fn take<'a>(data: &mut &'a [u8], n: u64) -> Result<&'a [u8], Error> {
    let n = usize::try_from(n).map_err(|_| Error::Truncated)?;
    if n > data.len() {
        return Err(Error::Truncated);
    }
    let (head, rest) = data.split_at(n);
    *data = rest;
    Ok(head)
}

/// The fields of a message; ends after the first error.
pub(crate) fn fields(mut data: &[u8]) -> impl Iterator<Item = Result<(u32, Payload<'_>), Error>> {
    std::iter::from_fn(move || {
        if data.is_empty() {
            return None;
        }
        let field = read_field(&mut data);
        if field.is_err() {
            data = &[];
        }
        Some(field)
    })
}

fn read_field<'a>(data: &mut &'a [u8]) -> Result<(u32, Payload<'a>), Error> {
    let key = read_varint(data)?;
    let tag = u32::try_from(key >> 3).map_err(|_| Error::Malformed("illegal tag"))?;
    if tag == 0 {
        return Err(Error::Malformed("illegal tag 0"));
    }
    let payload = match key & 7 {
        0 => Payload::Varint(read_varint(data)?),
        1 => {
            let mut b = [0; 8];
            b.copy_from_slice(take(data, 8)?);
            Payload::Fixed64(u64::from_le_bytes(b))
        }
        2 => {
            let n = read_varint(data)?;
            Payload::Bytes(take(data, n)?)
        }
        5 => {
            take(data, 4)?;
            Payload::Other
        }
        _ => return Err(Error::Malformed("illegal wireType")),
    };
    Ok((tag, payload))
}

pub(crate) fn utf8(b: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(b).map_err(|_| Error::Malformed("string field contains invalid UTF-8"))
}
