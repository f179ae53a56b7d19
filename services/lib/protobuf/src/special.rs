//! Messages whose JSON is not an object of their fields.

use catena_facts::{Message, Scalar, Shape, types};
use catena_objects::{Value, duration, json, time};
use jiff::Timestamp;

use crate::{
    Error, decode,
    encode::{self, wrong},
    wire::{self, Payload},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    Quantity,
    IntOrString,
    Time,
    MicroTime,
    Duration,
    /// JSON text in one field of bytes: `RawExtension`, `FieldsV1`, `JSON`.
    Json,
    StringList,
    SchemaOrArray,
    SchemaOrBool,
    SchemaOrStrings,
}

impl Special {
    pub(crate) fn of(m: &Message) -> Option<Self> {
        if m.shape == Shape::StringList {
            return Some(Self::StringList);
        }
        if m.fields.len() > 3 {
            return None;
        }
        Some(match m.short_name() {
            "Quantity" => Self::Quantity,
            "IntOrString" => Self::IntOrString,
            "Time" => Self::Time,
            "MicroTime" => Self::MicroTime,
            "Duration" => Self::Duration,
            "RawExtension" | "FieldsV1" | "JSON" => Self::Json,
            "JSONSchemaPropsOrArray" => Self::SchemaOrArray,
            "JSONSchemaPropsOrBool" => Self::SchemaOrBool,
            "JSONSchemaPropsOrStringArray" => Self::SchemaOrStrings,
            _ => return None,
        })
    }

    pub(crate) fn encode(
        self,
        out: &mut Vec<u8>,
        m: &'static Message,
        value: &Value,
        depth: usize,
    ) -> Result<(), Error> {
        match (self, value) {
            (Self::Quantity, Value::Null) => wire::bytes(out, 1, b"0"),
            (Self::Quantity, Value::String(s)) => wire::bytes(out, 1, s.as_bytes()),
            (Self::Quantity, Value::Int(i)) => wire::bytes(out, 1, i.to_string().as_bytes()),
            (Self::IntOrString, Value::String(s)) => int_or_string(out, 1, 0, s),
            (Self::IntOrString, Value::Int(i)) => int_or_string(out, 0, *i, ""),
            (Self::IntOrString, Value::Null) => int_or_string(out, 0, 0, ""),
            (Self::Time | Self::MicroTime, Value::String(s)) => {
                let t: Timestamp = s.parse().map_err(|_| Error::Value {
                    field: m.name,
                    why: format!("{s:?} is no time"),
                })?;
                let nanos = t.as_nanosecond().rem_euclid(1_000_000_000) as i64;
                let seconds = t.as_nanosecond().div_euclid(1_000_000_000) as i64;
                let micros = nanos - nanos % 1_000;
                wire::int(out, 1, seconds);
                wire::int(out, 2, if self == Self::Time { 0 } else { micros });
            }
            (Self::Duration, Value::String(s)) => {
                let n = duration::parse(s).map_err(|why| Error::Value { field: m.name, why })?;
                wire::int(out, 1, n);
            }
            (Self::Duration, Value::Null) => wire::int(out, 1, 0),
            (Self::Json, Value::Null)
            | (Self::Time | Self::MicroTime | Self::StringList, Value::Null) => {}
            (Self::Json, v) => wire::bytes(out, 1, &json::to_vec(v)),
            (Self::StringList, Value::Array(items)) => {
                for item in items.iter() {
                    encode::scalar(out, m.name, 1, Scalar::String, item)?;
                }
            }
            (Self::SchemaOrArray | Self::SchemaOrBool | Self::SchemaOrStrings, v) => {
                return self.schema_or(out, m, v, depth);
            }
            (_, other) => return Err(wrong(m.name, "another type", other)),
        }
        Ok(())
    }

    /// A schema, or a list, or a boolean.
    fn schema_or(
        self,
        out: &mut Vec<u8>,
        m: &'static Message,
        value: &Value,
        depth: usize,
    ) -> Result<(), Error> {
        let props = props(m)?;
        let schema = |out: &mut Vec<u8>, tag, v: &Value| {
            wire::nested(out, tag, |out| encode::message(out, props, v, depth + 1))
        };
        match (self, value) {
            (Self::SchemaOrBool, Value::Bool(b)) => wire::int(out, 1, i64::from(*b)),
            (Self::SchemaOrBool, v @ Value::Object(_)) => {
                wire::int(out, 1, 1);
                schema(out, 2, v)?;
            }
            (Self::SchemaOrArray | Self::SchemaOrStrings, v @ Value::Object(_)) => {
                schema(out, 1, v)?;
            }
            (Self::SchemaOrArray, Value::Array(items)) => {
                items.iter().try_for_each(|v| schema(out, 2, v))?;
            }
            (Self::SchemaOrStrings, Value::Array(items)) => {
                for item in items.iter() {
                    encode::scalar(out, m.name, 2, Scalar::String, item)?;
                }
            }
            (Self::SchemaOrBool, Value::Null) => wire::int(out, 1, 0),
            (_, Value::Null) => {}
            (_, other) => return Err(wrong(m.name, "schema", other)),
        }
        Ok(())
    }

    pub(crate) fn decode(
        self,
        m: &'static Message,
        data: &[u8],
        depth: usize,
    ) -> Result<Value, Error> {
        if data.is_empty() && matches!(self, Self::Time | Self::MicroTime | Self::Json) {
            return Ok(Value::Null);
        }
        let mut numbers = [0i64; 3];
        let mut texts: [&[u8]; 2] = [b"", b""];
        let mut list = Vec::new();
        for field in wire::fields(data) {
            match field? {
                (tag @ 1..=2, Payload::Varint(v)) => numbers[tag as usize] = v as i64,
                (1, Payload::Bytes(b)) if self == Self::StringList => {
                    list.push(Value::from(wire::utf8(b)?));
                }
                (2, Payload::Bytes(b)) if self == Self::SchemaOrStrings => {
                    list.push(Value::from(wire::utf8(b)?));
                }
                (2, Payload::Bytes(b)) if self == Self::SchemaOrArray => {
                    list.push(decode::message(props(m)?, b, depth + 1)?);
                }
                (1 | 2, Payload::Bytes(b)) => texts[0] = b,
                (3, Payload::Bytes(b)) => texts[1] = b,
                _ => {}
            }
        }
        let [_, first, second] = numbers;
        Ok(match self {
            Self::Quantity => Value::from(wire::utf8(texts[0])?),
            Self::IntOrString if first == 0 => Value::Int(second),
            Self::IntOrString => Value::from(wire::utf8(texts[1])?),
            Self::Time => Value::from(time::format_seconds(timestamp(first, 0)?)),
            Self::MicroTime => Value::from(time::format_micros(timestamp(first, second)?)),
            Self::Duration => Value::from(duration::print(first)),
            Self::Json => raw(texts[0])?,
            Self::StringList => Value::from(list),
            Self::SchemaOrBool if texts[0].is_empty() => Value::Bool(first != 0),
            Self::SchemaOrArray | Self::SchemaOrStrings if !list.is_empty() => Value::from(list),
            _ => decode::message(props(m)?, texts[0], depth + 1)?,
        })
    }
}

fn int_or_string(out: &mut Vec<u8>, kind: i64, int: i64, text: &str) {
    wire::int(out, 1, kind);
    wire::int(out, 2, int);
    wire::bytes(out, 3, text.as_bytes());
}

fn timestamp(seconds: i64, nanos: i64) -> Result<Timestamp, Error> {
    let nanos = i32::try_from(nanos).map_err(|_| Error::Malformed("time out of range"))?;
    Timestamp::new(seconds, nanos).map_err(|_| Error::Malformed("time out of range"))
}

/// JSON text, or an object in an envelope of its own.
fn raw(data: &[u8]) -> Result<Value, Error> {
    if data.is_empty() {
        return Ok(Value::Null);
    }
    if data.starts_with(crate::MAGIC) {
        return crate::decode_envelope(data);
    }
    json::parse(data).map_err(|e| Error::Value {
        field: "raw",
        why: e.message,
    })
}

/// `JSONSchemaProps` beside a `JSONSchemaPropsOr…`.
fn props(m: &Message) -> Result<&'static Message, Error> {
    let package = m.name.rsplit_once('.').map_or("", |(p, _)| p);
    types()
        .get(&format!("{package}.JSONSchemaProps"))
        .ok_or(Error::Malformed("message without a type"))
}
