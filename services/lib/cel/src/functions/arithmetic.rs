//! Operators.

use std::{cmp::Ordering, sync::Arc};

use jiff::Timestamp;

use super::{Function, convert};
use crate::value::{Outcome, Val, concatenate, fault, no_overload};

const OVERFLOW: &str = "integer overflow";
const UNSIGNED: &str = "unsigned integer overflow";
const DURATION: &str = "duration overflow";
const TIMESTAMP: &str = "timestamp overflow";

pub(super) fn lookup(name: &str) -> Option<Function> {
    Some(match name {
        "!_" => |args| match &args[0] {
            Val::Bool(b) => Ok(Val::Bool(!b)),
            _ => no_overload(),
        },
        "-_" => negate,
        "_+_" => add,
        "_-_" => subtract,
        "_*_" => multiply,
        "_/_" => divide,
        "_%_" => modulo,
        "_<_" => |args| compare(args).map(|o| Val::Bool(o.is_lt())),
        "_<=_" => |args| compare(args).map(|o| Val::Bool(o.is_le())),
        "_>_" => |args| compare(args).map(|o| Val::Bool(o.is_gt())),
        "_>=_" => |args| compare(args).map(|o| Val::Bool(o.is_ge())),
        "@in" => contains,
        _ => return None,
    })
}

fn checked<'a, T>(value: Option<T>, make: fn(T) -> Val<'a>, why: &str) -> Outcome<Val<'a>> {
    value.map(make).map_or_else(|| fault(why), Ok)
}

fn negate<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    match &args[0] {
        Val::Int(i) => checked(i.checked_neg(), Val::Int, OVERFLOW),
        Val::Double(d) => Ok(Val::Double(-d)),
        Val::Duration(d) => checked(d.checked_neg(), Val::Duration, DURATION),
        _ => no_overload(),
    }
}

fn add<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    use Val::*;
    match (&args[0], &args[1]) {
        (Int(a), Int(b)) => checked(a.checked_add(*b), Int, OVERFLOW),
        (Uint(a), Uint(b)) => checked(a.checked_add(*b), Uint, UNSIGNED),
        (Double(a), Double(b)) => Ok(Double(a + b)),
        (Text(a), Text(b)) => Ok(Val::text([&**a, &**b].concat())),
        (Bytes(a), Bytes(b)) => Ok(Bytes(Arc::from([&**a, &**b].concat()))),
        (Duration(a), Duration(b)) => checked(a.checked_add(*b), Duration, DURATION),
        (Time(t, zone), Duration(d)) | (Duration(d), Time(t, zone)) => shift(*t, *zone, *d),
        (a, b) if a.is_list() && b.is_list() => concatenate(a, b),
        _ => no_overload(),
    }
}

fn shift<'a>(time: Timestamp, zone: i32, nanos: i64) -> Outcome<Val<'a>> {
    let moved = time
        .checked_add(jiff::SignedDuration::from_nanos(nanos))
        .ok();
    match moved.filter(|t| convert::in_range(t.as_second())) {
        Some(t) => Ok(Val::Time(t, zone)),
        None => fault(TIMESTAMP),
    }
}

fn subtract<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    use Val::*;
    match (&args[0], &args[1]) {
        (Int(a), Int(b)) => checked(a.checked_sub(*b), Int, OVERFLOW),
        (Uint(a), Uint(b)) => checked(a.checked_sub(*b), Uint, UNSIGNED),
        (Double(a), Double(b)) => Ok(Double(a - b)),
        (Duration(a), Duration(b)) => checked(a.checked_sub(*b), Duration, DURATION),
        (Time(t, zone), Duration(d)) => match d.checked_neg() {
            Some(d) => shift(*t, *zone, d),
            None => fault(TIMESTAMP),
        },
        (Time(a, _), Time(b, _)) => {
            let nanos = a.as_nanosecond() - b.as_nanosecond();
            checked(i64::try_from(nanos).ok(), Duration, DURATION)
        }
        _ => no_overload(),
    }
}

fn multiply<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    use Val::*;
    match (&args[0], &args[1]) {
        (Int(a), Int(b)) => checked(a.checked_mul(*b), Int, OVERFLOW),
        (Uint(a), Uint(b)) => checked(a.checked_mul(*b), Uint, UNSIGNED),
        (Double(a), Double(b)) => Ok(Double(a * b)),
        _ => no_overload(),
    }
}

fn divide<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    use Val::*;
    match (&args[0], &args[1]) {
        (Int(_), Int(0)) | (Uint(_), Uint(0)) => fault("division by zero"),
        (Int(a), Int(b)) => checked(a.checked_div(*b), Int, OVERFLOW),
        (Uint(a), Uint(b)) => Ok(Uint(a / b)),
        (Double(a), Double(b)) => Ok(Double(a / b)),
        _ => no_overload(),
    }
}

fn modulo<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    use Val::*;
    match (&args[0], &args[1]) {
        (Int(_), Int(0)) | (Uint(_), Uint(0)) => fault("modulus by zero"),
        (Int(a), Int(b)) => checked(a.checked_rem(*b), Int, OVERFLOW),
        (Uint(a), Uint(b)) => Ok(Uint(a % b)),
        _ => no_overload(),
    }
}

fn compare(args: &[Val<'_>]) -> Outcome<Ordering> {
    let nan = |v: &Val<'_>| matches!(v, Val::Double(d) if d.is_nan());
    if nan(&args[0]) || nan(&args[1]) {
        return fault("NaN values cannot be ordered");
    }
    convert::order(&args[0], &args[1]).map_or_else(no_overload, Ok)
}

/// `x in list` and `x in map`.
fn contains<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    let (wanted, within) = (&args[0], &args[1]);
    if within.is_map() {
        return match wanted.key() {
            Ok(_) => Ok(Val::Bool(within.find(wanted)?.is_some())),
            Err(_) => Ok(Val::Bool(false)),
        };
    }
    for item in within.items()?.iter() {
        if wanted.equal(item)? {
            return Ok(Val::Bool(true));
        }
    }
    Ok(Val::Bool(false))
}
