//! Numbers. Sprig's functions take anything and make of it what `spf13/cast` does.

mod decimal;

use super::{Answer, Entry, fixed, shown, variadic};
use crate::{
    exec::{
        Args,
        Type::{Any, Float, Int, Text},
    },
    fault::Fault,
    session::Env,
    template::literal,
    value::{Of, Value},
};
use decimal::Decimal;

pub(super) const TABLE: &[Entry] = &[
    (
        "atoi",
        fixed(&[Text], |_, a| {
            Ok(Value::Int(a.text(0).parse().unwrap_or_default()))
        }),
    ),
    ("int", fixed(&[Any], |_, a| Ok(Value::Int(whole(a.get(0)))))),
    (
        "int64",
        fixed(&[Any], |_, a| Ok(Value::Int64(whole(a.get(0))))),
    ),
    (
        "float64",
        fixed(&[Any], |_, a| Ok(Value::Float(float(a.get(0))))),
    ),
    (
        "toDecimal",
        fixed(&[Any], |e, a| {
            let octal = i64::from_str_radix(&shown(e, a.get(0))?, 8);
            Ok(Value::Int64(octal.unwrap_or_default()))
        }),
    ),
    (
        "add1",
        fixed(&[Any], |_, a| {
            Ok(Value::Int64(whole(a.get(0)).wrapping_add(1)))
        }),
    ),
    (
        "add",
        variadic(&[], Any, |_, a| {
            Ok(Value::Int64(
                a.rest(0)
                    .iter()
                    .fold(0, |sum, v| sum.wrapping_add(whole(v))),
            ))
        }),
    ),
    (
        "sub",
        fixed(&[Any, Any], |_, a| {
            Ok(Value::Int64(whole(a.get(0)).wrapping_sub(whole(a.get(1)))))
        }),
    ),
    (
        "mul",
        variadic(&[Any], Any, |_, a| {
            Ok(Value::Int64(
                a.rest(0).iter().fold(1, |n, v| n.wrapping_mul(whole(v))),
            ))
        }),
    ),
    (
        "div",
        fixed(&[Any, Any], |_, a| divided(a, i64::wrapping_div)),
    ),
    (
        "mod",
        fixed(&[Any, Any], |_, a| divided(a, i64::wrapping_rem)),
    ),
    (
        "max",
        variadic(&[Any], Any, |_, a| Ok(Value::Int64(folded(a, i64::max)))),
    ),
    (
        "biggest",
        variadic(&[Any], Any, |_, a| Ok(Value::Int64(folded(a, i64::max)))),
    ),
    (
        "min",
        variadic(&[Any], Any, |_, a| Ok(Value::Int64(folded(a, i64::min)))),
    ),
    (
        "maxf",
        variadic(&[Any], Any, |_, a| {
            Ok(Value::Float(folded_float(a, f64::max)))
        }),
    ),
    (
        "minf",
        variadic(&[Any], Any, |_, a| {
            Ok(Value::Float(folded_float(a, f64::min)))
        }),
    ),
    (
        "floor",
        fixed(&[Any], |_, a| Ok(Value::Float(float(a.get(0)).floor()))),
    ),
    (
        "ceil",
        fixed(&[Any], |_, a| Ok(Value::Float(float(a.get(0)).ceil()))),
    ),
    ("round", variadic(&[Any, Int], Float, round)),
    (
        "add1f",
        fixed(&[Any], |_, a| {
            Ok(Value::Float(
                Decimal::of(float(a.get(0))).add(Decimal::of(1.0)).float(),
            ))
        }),
    ),
    (
        "addf",
        variadic(&[], Any, |_, a| {
            let sum = a
                .rest(0)
                .iter()
                .fold(Decimal::of(0.0), |sum, v| sum.add(Decimal::of(float(v))));
            Ok(Value::Float(sum.float()))
        }),
    ),
    ("subf", variadic(&[Any], Any, |_, a| exact(a, Decimal::sub))),
    ("mulf", variadic(&[Any], Any, |_, a| exact(a, Decimal::mul))),
    ("divf", variadic(&[Any], Any, divf)),
    (
        "until",
        fixed(&[Int], |e, a| {
            let step = if a.int(0) < 0 { -1 } else { 1 };
            Ok(integers(steps(e, 0, a.int(0), step)?))
        }),
    ),
    (
        "untilStep",
        fixed(&[Int, Int, Int], |e, a| {
            Ok(integers(steps(e, a.int(0), a.int(1), a.int(2))?))
        }),
    ),
    ("seq", variadic(&[], Int, seq)),
];

/// `cast.ToInt64`: 0 of what is no number.
pub(super) fn whole(value: &Value) -> i64 {
    match value {
        Value::Int(n) | Value::Int64(n) => *n,
        Value::Byte(b) => i64::from(*b),
        Value::Bool(b) => i64::from(*b),
        // Towards zero; Go leaves what does not fit to the machine.
        Value::Float(f) => *f as i64,
        Value::Text(text) => {
            let text = without_zeros(text);
            literal::integer(text)
                .and_then(|n| i64::try_from(n).ok())
                .unwrap_or_default()
        }
        _ => 0,
    }
}

/// `3.00` is `3`.
fn without_zeros(text: &str) -> &str {
    match text.rsplit_once('.') {
        Some((head, zeros)) if zeros.bytes().all(|b| b == b'0') => head,
        _ => text,
    }
}

/// `cast.ToFloat64`.
pub(super) fn float(value: &Value) -> f64 {
    match value {
        Value::Float(f) => *f,
        Value::Text(text) => literal::float(text).unwrap_or_default(),
        other => whole(other) as f64,
    }
}

fn divided(args: &Args, divide: fn(i64, i64) -> i64) -> Answer {
    match whole(args.get(1)) {
        0 => Err(Fault::new("runtime error: integer divide by zero")),
        n => Ok(Value::Int64(divide(whole(args.get(0)), n))),
    }
}

fn folded(args: &Args, choose: fn(i64, i64) -> i64) -> i64 {
    let first = whole(args.get(0));
    args.rest(1).iter().fold(first, |n, v| choose(n, whole(v)))
}

fn folded_float(args: &Args, choose: fn(f64, f64) -> f64) -> f64 {
    let first = float(args.get(0));
    args.rest(1).iter().fold(first, |n, v| choose(n, float(v)))
}

/// Half goes up from the fraction that may be given, for numbers above zero.
fn round(_: Env<'_>, args: &Args) -> Answer {
    let from = match args.rest(2).first() {
        Some(Value::Float(f)) => *f,
        _ => 0.5,
    };
    let places = i32::try_from(args.int(1)).unwrap_or(i32::MAX);
    let power = 10f64.powi(places);
    let digit = power * float(args.get(0));
    let rounded = if digit.fract() >= from {
        digit.ceil()
    } else {
        digit.floor()
    };
    Ok(Value::Float(rounded / power))
}

fn exact(args: &Args, operation: fn(Decimal, Decimal) -> Decimal) -> Answer {
    let first = Decimal::of(float(args.get(0)));
    let rest = args.rest(1).iter().map(|v| Decimal::of(float(v)));
    Ok(Value::Float(rest.fold(first, operation).float()))
}

fn divf(_: Env<'_>, args: &Args) -> Answer {
    if args.rest(1).iter().any(|v| float(v) == 0.0) {
        return Err(Fault::new("decimal division by 0"));
    }
    exact(args, Decimal::div)
}

fn integers(numbers: Vec<i64>) -> Value {
    Value::list_of(Of::Int, numbers.into_iter().map(Value::Int).collect())
}

/// Numbers from one up or down to another one, which is left out.
fn steps(env: Env<'_>, start: i64, stop: i64, step: i64) -> Result<Vec<i64>, Fault> {
    if step == 0 || (stop < start) != (step < 0) {
        return Ok(Vec::new());
    }
    let count = stop.abs_diff(start).div_ceil(step.unsigned_abs());
    env.budget()
        .spend(usize::try_from(count).unwrap_or(usize::MAX))?;
    let mut out = Vec::new();
    let mut at = start;
    for _ in 0..count {
        out.push(at);
        at = at.wrapping_add(step);
    }
    Ok(out)
}

/// Numbers with both ends, as a text.
fn seq(env: Env<'_>, args: &Args) -> Answer {
    let toward = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, end, step) = match args.len() {
        1 => (1, args.int(0), toward(1, args.int(0))),
        2 => (args.int(0), args.int(1), toward(args.int(0), args.int(1))),
        3 => (args.int(0), args.int(2), args.int(1)),
        _ => return Ok(Value::text("")),
    };
    if args.len() == 3 && end < start && step > 0 {
        return Ok(Value::text(""));
    }
    let stop = end.saturating_add(toward(start, end));
    let numbers = steps(env, start, stop, step)?;
    let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    Ok(Value::text(texts.join(" ")))
}
