//! `eq` and its like, which compare only what has the same basic kind.

use super::{Answer, Entry, fixed, variadic};
use crate::{
    exec::{Args, Type::Raw},
    fault::Fault,
    format,
    session::Env,
    value::{Native, Value},
};

pub(super) const TABLE: &[Entry] = &[
    ("eq", variadic(&[Raw], Raw, eq)),
    (
        "ne",
        fixed(&[Raw, Raw], |e, a| {
            Ok(Value::Bool(!equal(e, a.get(0), a.get(1))?))
        }),
    ),
    (
        "lt",
        fixed(&[Raw, Raw], |_, a| {
            Ok(Value::Bool(less(a.get(0), a.get(1))?))
        }),
    ),
    (
        "le",
        fixed(&[Raw, Raw], |e, a| Ok(Value::Bool(less_or_equal(e, a)?))),
    ),
    (
        "gt",
        fixed(&[Raw, Raw], |e, a| Ok(Value::Bool(!less_or_equal(e, a)?))),
    ),
    (
        "ge",
        fixed(&[Raw, Raw], |_, a| {
            Ok(Value::Bool(!less(a.get(0), a.get(1))?))
        }),
    ),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    None,
    Bool,
    Int,
    Uint,
    Float,
    Text,
}

fn kind(value: &Value) -> Kind {
    match value {
        Value::Bool(_) => Kind::Bool,
        Value::Int(_) | Value::Int64(_) => Kind::Int,
        Value::Byte(_) => Kind::Uint,
        Value::Float(_) => Kind::Float,
        Value::Text(_) => Kind::Text,
        _ => Kind::None,
    }
}

fn whole(value: &Value) -> i64 {
    match value {
        Value::Int(n) | Value::Int64(n) => *n,
        Value::Byte(b) => i64::from(*b),
        _ => 0,
    }
}

fn incompatible(a: &Value, b: &Value) -> Fault {
    let (a, b) = (a.type_name(), b.type_name());
    Fault::new(format!("incompatible types for comparison: {a} and {b}"))
}

fn integers(a: Kind, b: Kind) -> bool {
    let integer = |k| matches!(k, Kind::Int | Kind::Uint);
    integer(a) && integer(b)
}

fn eq(env: Env<'_>, args: &Args) -> Answer {
    if args.len() < 2 {
        return Err(Fault::new("missing argument for comparison"));
    }
    for other in args.rest(1) {
        if equal(env, args.get(0), other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn equal(env: Env<'_>, a: &Value, b: &Value) -> Result<bool, Fault> {
    let (ka, kb) = (kind(a), kind(b));
    if integers(ka, kb) {
        return Ok(whole(a) == whole(b));
    }
    if ka != kb {
        if a.is_nil() || b.is_nil() {
            return Ok(false);
        }
        return Err(incompatible(a, b));
    }
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Float(a), Value::Float(b)) => Ok(a == b),
        (Value::Text(a), Value::Text(b)) => Ok(a == b),
        (Value::Native(Native::Time(a)), Value::Native(Native::Time(b))) => Ok(a == b),
        _ if a.is_nil() || b.is_nil() => Ok(a.is_nil() == b.is_nil()),
        _ if a.kind() != b.kind() => {
            let (sa, sb) = (
                format::print(a, env.budget())?,
                format::print(b, env.budget())?,
            );
            let (ta, tb) = (a.type_name(), b.type_name());
            let why = format!("non-comparable types {sa}: {ta}, {tb}: {sb}");
            Err(Fault::new(why))
        }
        _ => {
            let (b, name) = (shown(env, b)?, b.type_name());
            Err(Fault::new(format!("non-comparable type {b}: {name}")))
        }
    }
}

/// `%s`, as Go shows what it does not compare.
fn shown(env: Env<'_>, value: &Value) -> Result<String, Fault> {
    format::sprintf("%s", std::slice::from_ref(value), env.budget())
}

fn less(a: &Value, b: &Value) -> Result<bool, Fault> {
    let (ka, kb) = (kind(a), kind(b));
    if ka == Kind::None || kb == Kind::None {
        return Err(Fault::new("invalid type for comparison"));
    }
    if integers(ka, kb) {
        return Ok(whole(a) < whole(b));
    }
    match (a, b) {
        _ if ka != kb => Err(incompatible(a, b)),
        (Value::Float(a), Value::Float(b)) => Ok(a < b),
        (Value::Text(a), Value::Text(b)) => Ok(a < b),
        _ => Err(Fault::new("invalid type for comparison")),
    }
}

fn less_or_equal(env: Env<'_>, args: &Args) -> Result<bool, Fault> {
    let (a, b) = (args.get(0), args.get(1));
    Ok(less(a, b)? || equal(env, a, b)?)
}
