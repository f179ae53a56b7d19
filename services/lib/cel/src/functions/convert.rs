//! Conversions between types, and the order of values.

use std::{cmp::Ordering, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use catena_objects::{duration as go_duration, json::go_quote};
use jiff::{Timestamp, civil::Date, fmt::temporal::DateTimeParser, tz::TimeZone};

use super::{Function, net};
use crate::{
    extra::Extra,
    types::Type,
    value::{Outcome, Val, fault, no_overload},
};

/// Seconds of the years 1 to 9999.
const TIMES: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

pub(super) fn lookup(name: &str) -> Option<Function> {
    Some(match name {
        "bool" => |args| to(&args[0], &Type::Bool),
        "bytes" => |args| to(&args[0], &Type::Bytes),
        "double" => |args| to(&args[0], &Type::Double),
        "duration" => |args| to(&args[0], &Type::Duration),
        "int" => |args| to(&args[0], &Type::Int),
        "string" => |args| to(&args[0], &Type::String),
        "timestamp" => |args| to(&args[0], &Type::Timestamp),
        "uint" => |args| to(&args[0], &Type::Uint),
        "type" => |args| Ok(Val::Type(args[0].ty())),
        "dyn" => |args| Ok(args[0].clone()),
        _ => return None,
    })
}

pub(crate) fn in_range(seconds: i64) -> bool {
    TIMES.contains(&seconds)
}

/// A time by its seconds.
pub(crate) fn unix(seconds: i64) -> Option<Timestamp> {
    in_range(seconds).then(|| Timestamp::from_second(seconds).ok())?
}

/// A duration as Go writes it, in nanoseconds.
pub(crate) fn duration(text: &str) -> Option<i64> {
    go_duration::parse(text).ok()
}

/// A time of RFC 3339 and its zone; `Ok(None)` for another text, an error
/// beyond the years 1 to 9999.
pub(crate) fn timestamp(text: &str) -> Result<Option<(Timestamp, i32)>, ()> {
    let Ok(time) = catena_objects::time::parse(text) else {
        return Ok(None);
    };
    if !in_range(time.as_second()) {
        return Err(());
    }
    Ok(Some((time, zone(text))))
}

/// Seconds east of UTC at the end of a time.
fn zone(text: &str) -> i32 {
    let Some(at) = text
        .len()
        .checked_sub(6)
        .filter(|at| text.is_char_boundary(*at))
    else {
        return 0;
    };
    let (sign, rest) = match text[at..].split_at(1) {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return 0,
    };
    let parts = rest.split_once(':');
    let number = |s: &str| s.parse::<i32>().unwrap_or_default();
    parts.map_or(0, |(h, m)| sign * (number(h) * 3600 + number(m) * 60))
}

fn conversion<'a>(value: &Val<'_>, ty: &Type) -> Outcome<Val<'a>> {
    let from = value.ty();
    fault(format!(
        "type conversion error from '{}' to '{}'",
        from.runtime_name(),
        ty.runtime_name()
    ))
}

fn to<'a>(value: &Val<'a>, ty: &Type) -> Outcome<Val<'a>> {
    const OVERFLOW: &str = "integer overflow";
    const UNSIGNED: &str = "unsigned integer overflow";
    const TIMESTAMP: &str = "timestamp overflow";
    if value.ty().runtime_name() == ty.runtime_name() {
        return Ok(value.clone());
    }
    Ok(match (value, ty) {
        (Val::Text(s), ty) => return parse(value, s, ty),
        (_, Type::String) => Val::text(string(value)?),
        (Val::Int(i), Type::Uint) => Val::Uint(u64::try_from(*i).or_else(|_| fault(UNSIGNED))?),
        (Val::Int(i), Type::Double) => Val::Double(*i as f64),
        (Val::Int(i), Type::Duration) => Val::Duration(*i),
        (Val::Int(i), Type::Timestamp) => match unix(*i) {
            Some(t) => Val::Time(t, 0),
            None => return fault(TIMESTAMP),
        },
        (Val::Uint(u), Type::Int) => Val::Int(i64::try_from(*u).or_else(|_| fault(OVERFLOW))?),
        (Val::Uint(u), Type::Double) => Val::Double(*u as f64),
        (Val::Double(d), Type::Int) => match d.is_finite() && d.abs() < 9_223_372_036_854_775_808.0
        {
            true => Val::Int(*d as i64),
            false => return fault(OVERFLOW),
        },
        (Val::Double(d), Type::Uint) => match *d >= 0.0 && *d < 18_446_744_073_709_551_616.0 {
            true => Val::Uint(*d as u64),
            false => return fault(UNSIGNED),
        },
        (Val::Duration(d), Type::Int) => Val::Int(*d),
        (Val::Time(t, _), Type::Int) => Val::Int(t.as_second()),
        (other, ty) => return conversion(other, ty),
    })
}

fn parse<'a>(value: &Val<'a>, text: &str, ty: &Type) -> Outcome<Val<'a>> {
    let parsed = match ty {
        Type::Int => text.parse().ok().map(Val::Int),
        Type::Uint => match text.starts_with('+') {
            true => None,
            false => text.parse().ok().map(Val::Uint),
        },
        Type::Double => float(text).map(Val::Double),
        Type::Bool => match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(Val::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(Val::Bool(false)),
            _ => None,
        },
        Type::Bytes => Some(Val::Bytes(Arc::from(text.as_bytes()))),
        Type::Duration => duration(text).map(Val::Duration),
        Type::Timestamp => match timestamp(text) {
            Ok(time) => time.map(|(t, zone)| Val::Time(t, zone)),
            Err(()) => return fault("timestamp overflow"),
        },
        _ => None,
    };
    parsed.map_or_else(|| conversion(value, ty), Ok)
}

/// A number as Go's `strconv.ParseFloat` reads it.
fn float(text: &str) -> Option<f64> {
    let unsigned = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    match unsigned.as_str() {
        "inf" | "infinity" | "nan" => text.parse().ok(),
        _ => text.parse().ok().filter(|f: &f64| f.is_finite()),
    }
}

/// `string(x)`.
pub(crate) fn string(value: &Val<'_>) -> Outcome<String> {
    Ok(match value {
        Val::Text(s) => s.to_string(),
        Val::Bool(b) => b.to_string(),
        Val::Int(i) => i.to_string(),
        Val::Uint(u) => u.to_string(),
        Val::Double(d) => float_text(*d),
        Val::Bytes(b) => match std::str::from_utf8(b) {
            Ok(s) => s.to_owned(),
            Err(_) => return fault("invalid UTF-8 in bytes, cannot convert to string"),
        },
        Val::Duration(d) => format!("{}s", seconds(*d)),
        Val::Time(t, zone) => rfc3339(*t, *zone),
        Val::Extra(extra) => match &**extra {
            Extra::Ip(ip) => ip.to_string(),
            Extra::Cidr(ip, bits) => format!("{ip}/{bits}"),
            _ => return conversion(value, &Type::String).map(|_: Val<'_>| String::new()),
        },
        other => return conversion(other, &Type::String).map(|_: Val<'_>| String::new()),
    })
}

/// A number as Go's `%g` prints it.
fn float_text(d: f64) -> String {
    if !d.is_finite() {
        return match d {
            d if d.is_nan() => "NaN",
            d if d > 0.0 => "+Inf",
            _ => "-Inf",
        }
        .to_owned();
    }
    let shortest = format!("{d:e}");
    let (digits, power) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let power: i32 = power.parse().unwrap_or_default();
    if !(-4..6).contains(&power) {
        let sign = if power < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", power.abs());
    }
    format!("{d}")
}

/// Seconds with as many digits as there are.
pub(crate) fn seconds(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let (whole, part) = (
        nanos.unsigned_abs() / 1_000_000_000,
        nanos.unsigned_abs() % 1_000_000_000,
    );
    match part {
        0 => format!("{sign}{whole}"),
        part => {
            let digits = format!("{part:09}");
            format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
        }
    }
}

pub(crate) fn rfc3339(time: Timestamp, zone: i32) -> String {
    let offset = jiff::tz::Offset::from_seconds(zone).unwrap_or(jiff::tz::Offset::UTC);
    let local = offset.to_datetime(time);
    let mut out = local.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let nanos = local.subsec_nanosecond();
    if nanos != 0 {
        let digits = format!("{nanos:09}");
        out.push('.');
        out.push_str(digits.trim_end_matches('0'));
    }
    match zone {
        0 => out.push('Z'),
        _ => {
            let sign = if zone < 0 { '-' } else { '+' };
            let minutes = zone.abs() / 60;
            out.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
        }
    }
    out
}

/// The order of two values that have one.
pub(crate) fn order(a: &Val<'_>, b: &Val<'_>) -> Option<Ordering> {
    use Val::*;
    let float = |i: i64, d: f64| match d {
        d if d.is_nan() => None,
        d if d < i64::MIN as f64 => Some(Ordering::Greater),
        d if d > i64::MAX as f64 => Some(Ordering::Less),
        d => (i as f64).partial_cmp(&d),
    };
    let unsigned = |u: u64, d: f64| match d {
        d if d.is_nan() => None,
        d if d < 0.0 => Some(Ordering::Greater),
        d if d > u64::MAX as f64 => Some(Ordering::Less),
        d => (u as f64).partial_cmp(&d),
    };
    match (a, b) {
        (Bool(a), Bool(b)) => Some(a.cmp(b)),
        (Int(a), Int(b)) => Some(a.cmp(b)),
        (Uint(a), Uint(b)) => Some(a.cmp(b)),
        (Double(a), Double(b)) => a.partial_cmp(b),
        (Int(a), Uint(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Uint(a), Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Int(a), Double(b)) => float(*a, *b),
        (Double(a), Int(b)) => float(*b, *a).map(Ordering::reverse),
        (Uint(a), Double(b)) => unsigned(*a, *b),
        (Double(a), Uint(b)) => unsigned(*b, *a).map(Ordering::reverse),
        (Text(a), Text(b)) => Some((**a).cmp(&**b)),
        (Bytes(a), Bytes(b)) => Some(a.cmp(b)),
        (Duration(a), Duration(b)) => Some(a.cmp(b)),
        (Time(a, _), Time(b, _)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// `format: byte`.
pub(crate) fn base64<'a>(text: &str) -> Outcome<Val<'a>> {
    match STANDARD.decode(text) {
        Ok(bytes) => Ok(Val::Bytes(Arc::from(bytes))),
        Err(why) => fault(format!("Invalid byte formatted string {text}: {why}")),
    }
}

/// `format: duration`.
pub(crate) fn format_duration<'a>(text: &str) -> Outcome<Val<'a>> {
    match catena_schema::structural::format_duration(text) {
        Some(nanos) => Ok(Val::Duration(nanos)),
        None => fault(format!(
            "Invalid duration {text}: unable to parse {} as duration",
            go_quote(text)
        )),
    }
}

/// `format: date`.
pub(crate) fn date<'a>(text: &str) -> Outcome<Val<'a>> {
    let day = (text.len() == 10)
        .then(|| Date::strptime("%Y-%m-%d", text).ok())
        .flatten();
    let time = day.and_then(|d| d.to_zoned(TimeZone::UTC).ok());
    match time {
        Some(t) => Ok(Val::Time(t.timestamp(), 0)),
        None => fault(format!("Invalid date formatted string {text}")),
    }
}

/// `format: date-time`.
pub(crate) fn date_time<'a>(text: &str) -> Outcome<Val<'a>> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    match PARSER.parse_timestamp(text) {
        Ok(time) => Ok(Val::Time(time, zone(text))),
        Err(_) => fault(format!("Invalid date-time formatted string {text}")),
    }
}

/// An address for `net`, which is used where a string may stand for one.
pub(super) fn ip<'a>(value: &Val<'a>) -> Outcome<Val<'a>> {
    match value {
        Val::Text(s) => net::ip(s),
        Val::Extra(_) => Ok(value.clone()),
        _ => no_overload(),
    }
}
