//! Leaves: numbers, texts and the types with an own JSON form.

use catena_objects::{Value, duration, json, quantity::Quantity, time};

use super::{Fatal, Walk, go_name, zero};
use crate::{Node, Type};

impl Walk {
    pub(super) fn scalar(&mut self, node: &Node, value: Value) -> Result<Value, Fatal> {
        Ok(match (node.ty, value) {
            (Type::String, v @ Value::String(_)) => v,
            (Type::Boolean, v @ Value::Bool(_)) => v,
            (Type::Int32 | Type::Int64 | Type::Integer, v @ (Value::Int(_) | Value::Float(_))) => {
                self.integer(node, v)
            }
            (Type::Number, v @ (Value::Int(_) | Value::Float(_))) => v,
            (Type::Quantity, v) => quantity(&v)?,
            (Type::IntOrString, v) => self.int_or_string(v)?,
            (Type::Time, v) => self.text(v, time::normalize)?,
            (Type::MicroTime, v) => self.text(v, |s| {
                time::normalize_micro(s).map_err(|e| {
                    e.replace(
                        "\"2006-01-02T15:04:05Z07:00\"",
                        "\"2006-01-02T15:04:05.000000Z07:00\"",
                    )
                })
            })?,
            (Type::Duration, v) => self.text(v, |s| duration::parse(s).map(duration::print))?,
            (Type::Bytes, Value::String(s)) => match base64(&s) {
                Ok(canonical) => canonical,
                Err(at) => {
                    if self.saved.is_none() {
                        self.saved = Some(format!("illegal base64 data at input byte {at}"));
                    }
                    Value::Null
                }
            },
            (_, v) => {
                self.mismatch(go_name(&v), &node.go_type);
                zero(node)
            }
        })
    }

    fn integer(&mut self, node: &Node, value: Value) -> Value {
        let fits = match value {
            Value::Int(i) => node.ty != Type::Int32 || i32::try_from(i).is_ok(),
            _ => false,
        };
        if fits {
            return value;
        }
        self.mismatch(
            &format!("number {}", json::to_string(&value)),
            &node.go_type,
        );
        zero(node)
    }

    fn int_or_string(&mut self, value: Value) -> Result<Value, Fatal> {
        match value {
            Value::String(_) => Ok(value),
            Value::Int(i) if i32::try_from(i).is_ok() => Ok(value),
            Value::Int(_) | Value::Float(_) => {
                let what = format!("number {}", json::to_string(&value));
                Err(Fatal(self.type_error(&what, "int32")))
            }
            other => Err(Fatal(self.type_error(go_name(&other), "int32"))),
        }
    }

    fn text(
        &mut self,
        value: Value,
        read: impl Fn(&str) -> Result<String, String>,
    ) -> Result<Value, Fatal> {
        match &value {
            Value::String(s) => read(s).map(Value::from).map_err(Fatal),
            other => Err(Fatal(self.type_error(go_name(other), "string"))),
        }
    }
}

/// Go reads the raw JSON, whatever its type.
fn quantity(value: &Value) -> Result<Value, Fatal> {
    let text = match value {
        Value::String(s) => s.to_string(),
        other => json::to_string(other),
    };
    Quantity::parse(text.trim())
        .map(|q| Value::from(q.to_string()))
        .map_err(|e| Fatal(e.to_string()))
}

/// Standard base64 as Go reads it (line ends are skipped), in canonical form;
/// on failure the offset that Go names.
pub(crate) fn base64(text: &str) -> Result<Value, usize> {
    let src = text.as_bytes();
    let mut quantum = 0;
    let mut clean = true;
    let mut at = 0;
    while at < src.len() {
        let c = src[at];
        at += 1;
        match c {
            b'\r' | b'\n' => clean = false,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => quantum = (quantum + 1) % 4,
            b'=' if quantum >= 2 => {
                at = padding(src, at, quantum)?;
                quantum = 0;
                if at < src.len() {
                    return Err(at);
                }
            }
            _ => return Err(at - 1),
        }
    }
    if quantum != 0 {
        let newlines = src
            .iter()
            .rev()
            .take_while(|c| matches!(c, b'\r' | b'\n'))
            .count();
        return Err(src.len() - newlines - quantum);
    }
    if clean {
        return Ok(Value::from(text));
    }
    Ok(Value::from(text.replace(['\r', '\n'], "")))
}

/// After the first `=`: the second where one is due, then nothing but line ends.
fn padding(src: &[u8], mut at: usize, quantum: usize) -> Result<usize, usize> {
    let skip = |mut at: usize| {
        while matches!(src.get(at), Some(b'\r' | b'\n')) {
            at += 1;
        }
        at
    };
    if quantum == 2 {
        at = skip(at);
        match src.get(at) {
            Some(b'=') => at += 1,
            Some(_) => return Err(at - 1),
            None => return Err(src.len()),
        }
    }
    Ok(skip(at))
}
