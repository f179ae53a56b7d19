//! Messages to trees.

use base64::{Engine, engine::general_purpose::STANDARD};
use catena_facts::{Field, Message, Scalar, Ty, types};
use catena_objects::{Map, Value};

use crate::{
    Error, MAX_DEPTH,
    special::Special,
    wire::{self, Payload},
};

/// A message as JSON holds it.
pub(crate) fn message(m: &'static Message, data: &[u8], depth: usize) -> Result<Value, Error> {
    if depth > MAX_DEPTH {
        return Err(Error::TooDeep);
    }
    if let Some(special) = Special::of(m) {
        return special.decode(m, data, depth);
    }
    let mut map = Map::new();
    fields(&mut map, m, data, depth)?;
    Ok(map.into())
}

/// Reads fields into `map`; those of inlined structs land there too.
pub(crate) fn fields(
    map: &mut Map,
    m: &'static Message,
    data: &[u8],
    depth: usize,
) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(Error::TooDeep);
    }
    for field in wire::fields(data) {
        let (tag, payload) = field?;
        let Some(f) = m.fields.iter().find(|f| f.tag == tag) else {
            continue;
        };
        if f.inline {
            if let (Ty::Message(name), Payload::Bytes(b)) = (f.ty, payload)
                && let Some(inner) = types().get(name)
            {
                fields(map, inner, b, depth + 1)?;
            }
            continue;
        }
        let Some(name) = f.json else { continue };
        match f.ty {
            Ty::ScalarMap(_) | Ty::MessageMap(_) => {
                let (key, value) = entry(f, payload, depth)?;
                let slot = map.entry_or(name, Value::object);
                if let Some(entries) = slot.as_object_mut() {
                    entries.insert(key, value);
                }
            }
            _ if f.repeated => repeated(map.entry_or(name, Value::array), f, payload, depth)?,
            _ => {
                let value = single(f, payload, depth)?;
                map.insert(name, value);
            }
        }
    }
    Ok(())
}

fn repeated(
    list: &mut Value,
    f: &'static Field,
    payload: Payload<'_>,
    depth: usize,
) -> Result<(), Error> {
    let value = single(f, payload, depth)?;
    if let Some(items) = list.as_array_mut() {
        items.push(value);
    }
    Ok(())
}

fn single(f: &'static Field, payload: Payload<'_>, depth: usize) -> Result<Value, Error> {
    match (f.ty, payload) {
        (Ty::Scalar(s), p) => scalar(s, p),
        (Ty::Message(name), Payload::Bytes(b)) => {
            let m = types()
                .get(name)
                .ok_or(Error::Malformed("message without a type"))?;
            message(m, b, depth + 1)
        }
        _ => Err(Error::Malformed("wrong wireType")),
    }
}

fn entry(f: &'static Field, payload: Payload<'_>, depth: usize) -> Result<(String, Value), Error> {
    let Payload::Bytes(data) = payload else {
        return Err(Error::Malformed("wrong wireType"));
    };
    let mut key = String::new();
    let mut value = Value::Null;
    for field in wire::fields(data) {
        match (field?, f.ty) {
            ((1, Payload::Bytes(b)), _) => wire::utf8(b)?.clone_into(&mut key),
            ((2, p), Ty::ScalarMap(s)) => value = scalar(s, p)?,
            ((2, Payload::Bytes(b)), Ty::MessageMap(name)) => {
                let m = types()
                    .get(name)
                    .ok_or(Error::Malformed("message without a type"))?;
                value = message(m, b, depth + 1)?;
            }
            _ => {}
        }
    }
    Ok((key, value))
}

pub(crate) fn scalar(scalar: Scalar, payload: Payload<'_>) -> Result<Value, Error> {
    Ok(match (scalar, payload) {
        (Scalar::String, Payload::Bytes(b)) => Value::from(wire::utf8(b)?),
        (Scalar::Bytes, Payload::Bytes(b)) => Value::from(STANDARD.encode(b)),
        (Scalar::Bool, Payload::Varint(v)) => Value::Bool(v != 0),
        (Scalar::Int32, Payload::Varint(v)) => Value::Int(i64::from(v as i32)),
        (Scalar::Int64, Payload::Varint(v)) => Value::Int(v as i64),
        (Scalar::Double, Payload::Fixed64(v)) => number(f64::from_bits(v)),
        _ => return Err(Error::Malformed("wrong wireType")),
    })
}

/// Whole numbers as Go prints them, without a fraction.
fn number(f: f64) -> Value {
    if f.fract() == 0.0 && f.abs() < 1e15 {
        Value::Int(f as i64)
    } else {
        Value::Float(f)
    }
}
