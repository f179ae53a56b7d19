//! Trees to CBOR.

use catena_objects::{Map, Value};
use minicbor::{Encoder, data::Int};

use crate::MAGIC;

type Out<'a> = Encoder<&'a mut Vec<u8>>;
type Result = std::result::Result<(), minicbor::encode::Error<std::convert::Infallible>>;

/// One data item behind the self-described tag. Strings are byte strings, as
/// Kubernetes writes them; members are in bytewise order (RFC 8949, 4.2.1).
pub fn encode(v: &Value) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    let mut e = Encoder::new(&mut out);
    // Writing to memory cannot fail.
    let _ = value(&mut e, v);
    out
}

fn value(e: &mut Out<'_>, v: &Value) -> Result {
    match v {
        Value::Null => e.null()?.ok(),
        Value::Bool(b) => e.bool(*b)?.ok(),
        Value::Int(i) => e.int(Int::from(*i))?.ok(),
        Value::Float(f) => float(e, *f),
        Value::String(s) => e.bytes(s.as_bytes())?.ok(),
        Value::Array(items) => {
            e.array(items.len() as u64)?;
            items.iter().try_for_each(|item| value(e, item))
        }
        Value::Object(map) => members(e, map),
    }
}

fn members(e: &mut Out<'_>, map: &Map) -> Result {
    let mut sorted: Vec<_> = map.iter().collect();
    // The head of a string carries its length, so shorter keys come first.
    sorted.sort_by_key(|(key, _)| (key.len(), key.as_bytes()));
    e.map(sorted.len() as u64)?;
    for (key, member) in sorted {
        e.bytes(key.as_bytes())?;
        value(e, member)?;
    }
    Ok(())
}

/// The shortest form that keeps the value.
fn float(e: &mut Out<'_>, f: f64) -> Result {
    let single = f as f32;
    if f64::from(single).to_bits() != f.to_bits() {
        return e.f64(f)?.ok();
    }
    if half::f16::from_f32(single).to_f32().to_bits() == single.to_bits() {
        return e.f16(single)?.ok();
    }
    e.f32(single)?.ok()
}
