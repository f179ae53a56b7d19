//! What a scalar means: the rules of YAML 1.1 as Go's library applies them.

use super::Error;
use crate::{Value, json};

/// The value of a scalar; `tag` is the part after `!!` where one is given.
pub(super) fn scalar(text: &str, plain: bool, tag: Option<&str>) -> Result<Value, Error> {
    match tag {
        Some("str" | "binary" | "timestamp") => return Ok(text.into()),
        None if !plain => return Ok(text.into()),
        _ => {}
    }
    match resolve(text) {
        Value::Float(f) if !f.is_finite() => Err(Error {
            message: format!(
                "json: unsupported value: {}",
                if f.is_nan() {
                    "NaN"
                } else if f > 0.0 {
                    "+Inf"
                } else {
                    "-Inf"
                }
            ),
        }),
        v @ Value::Float(_) => Ok(json::parse(&json::to_vec(&v)).unwrap_or(v)),
        v => Ok(v),
    }
}

/// A plain scalar; what is nothing else is a string.
pub(super) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Value::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Value::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        _ => {}
    }
    let first = text.as_bytes()[0];
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return text.into();
    }
    let digits = text.replace('_', "");
    if first != b'.'
        && let Some(v) = integer(&digits)
    {
        return v;
    }
    match digits.parse::<f64>() {
        Ok(f) if is_float(&digits) => Value::Float(f),
        _ => text.into(),
    }
}

/// Go's `ParseInt` with base 0: `0x`, `0o`, `0b` and a leading zero choose the base.
fn integer(text: &str) -> Option<Value> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = rest.to_ascii_lowercase();
    let (base, digits) = if let Some(d) = lower.strip_prefix("0x") {
        (16, d)
    } else if let Some(d) = lower.strip_prefix("0o") {
        (8, d)
    } else if let Some(d) = lower.strip_prefix("0b") {
        (2, d)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let n = i128::from(u64::from_str_radix(digits, base).ok()?);
    let n = if negative { -n } else { n };
    match i64::try_from(n) {
        Ok(i) => Some(Value::Int(i)),
        Err(_) if negative => None,
        // Above int64, Go keeps a uint64; the JSON number is beyond our integers.
        Err(_) => Some(Value::Float(n as f64)),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(i) => (&rest[..i], Some(&rest[i + 1..])),
        None => (rest, None),
    };
    let all = |s: &str| s.bytes().all(|c| c.is_ascii_digit());
    let good = match mantissa.split_once('.') {
        Some(("", f)) => !f.is_empty() && all(f),
        Some((w, f)) => all(w) && all(f),
        None => !mantissa.is_empty() && all(mantissa),
    };
    good && exponent.is_none_or(|e| {
        let e = e.strip_prefix(['-', '+']).unwrap_or(e);
        !e.is_empty() && all(e)
    })
}
