//! `"...".format([...])`.

use catena_objects::json::go_quote;

use crate::{
    functions::convert,
    value::{Fault, Outcome, Val, fault},
};

/// Digits after the point that a clause may ask for.
const MAX_PRECISION: usize = 1000;

pub(super) fn format<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    let template = super::text(&args[0])?;
    let given = args[1].items()?;
    let mut given = given.iter().enumerate();
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let Some((_, value)) = given.next() else {
            return fault(format!(
                "index {} out of range",
                args[1].size().unwrap_or_default()
            ));
        };
        rest = clause(rest, value, &mut out)?;
        if out.len() > super::MAX_RESULT {
            return Err(Fault::Limit);
        }
    }
    out.push_str(rest);
    Ok(Val::text(out))
}

/// Writes a value as the clause at the start of `rest` says; what is after it.
fn clause<'r>(rest: &'r str, value: &Val<'_>, out: &mut String) -> Outcome<&'r str> {
    let (precision, after) = precision(rest)?;
    let Some(verb) = after.chars().next() else {
        return fault("unexpected end of string");
    };
    let text = match verb {
        's' => string(value)?,
        'd' => decimal(value)?,
        'f' => fixed(value, precision.unwrap_or(6))?,
        'e' => scientific(value, precision.unwrap_or(6))?,
        'b' => binary(value)?,
        'x' => hex(value)?,
        'X' => hex(value)?.to_uppercase(),
        'o' => octal(value)?,
        other => {
            return fault(format!(
                "could not parse formatting clause: unrecognized formatting clause \"{other}\""
            ));
        }
    };
    out.push_str(&text);
    Ok(&after[verb.len_utf8()..])
}

fn precision(rest: &str) -> Outcome<(Option<usize>, &str)> {
    let Some(after) = rest.strip_prefix('.') else {
        return Ok((None, rest));
    };
    let end = after.bytes().take_while(u8::is_ascii_digit).count();
    if end == after.len() {
        return fault("could not find end of precision specifier");
    }
    match after[..end].parse::<usize>() {
        Ok(n) if n <= MAX_PRECISION => Ok((Some(n), &after[end..])),
        _ => fault("error while converting precision to integer"),
    }
}

fn wrong<T>(what: &str, value: &Val<'_>) -> Outcome<T> {
    let ty = value.ty();
    fault(format!(
        "error during formatting: {what}, was given {}",
        ty.runtime_name()
    ))
}

const STRINGS: &str = "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps";

fn string(value: &Val<'_>) -> Outcome<String> {
    Ok(match value {
        Val::Null => "null".to_owned(),
        Val::Type(ty) => ty.runtime_name().to_owned(),
        v if v.is_list() => {
            let items: Outcome<Vec<_>> = v.items()?.iter().map(member).collect();
            format!("[{}]", items?.join(", "))
        }
        v if v.is_map() => {
            let mut entries = Vec::new();
            for (key, value) in v.entries()? {
                entries.push(format!("{}:{}", member(&key)?, member(&value)?));
            }
            entries.sort();
            format!("{{{}}}", entries.join(", "))
        }
        Val::Extra(_) | Val::Optional(_) | Val::Data(..) => return wrong(STRINGS, value),
        other => convert::string(other)?,
    })
}

/// A value in a list or map.
fn member(value: &Val<'_>) -> Outcome<String> {
    Ok(match value {
        Val::Text(s) => go_quote(s),
        Val::Bytes(_) => format!("b{}", go_quote(&convert::string(value)?)),
        Val::Time(..) => format!("timestamp({})", go_quote(&convert::string(value)?)),
        Val::Duration(_) => format!("duration({})", go_quote(&convert::string(value)?)),
        Val::Double(d) => format!("{d:.6}"),
        other => string(other)?,
    })
}

fn decimal(value: &Val<'_>) -> Outcome<String> {
    match value {
        Val::Int(i) => Ok(i.to_string()),
        Val::Uint(u) => Ok(u.to_string()),
        other => wrong("decimal clause can only be used on integers", other),
    }
}

fn double(value: &Val<'_>, what: &str) -> Outcome<f64> {
    match value {
        Val::Double(d) => Ok(*d),
        Val::Text(s) => match &**s {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            _ => wrong(what, value),
        },
        _ => wrong(what, value),
    }
}

fn special(d: f64) -> Option<&'static str> {
    match d {
        d if d.is_nan() => Some("NaN"),
        d if d.is_infinite() => Some(if d > 0.0 { "∞" } else { "-∞" }),
        _ => None,
    }
}

/// With commas between thousands, as the locale `en_US` has it.
fn fixed(value: &Val<'_>, precision: usize) -> Outcome<String> {
    let d = double(value, "fixed-point clause can only be used on doubles")?;
    if let Some(special) = special(d) {
        return Ok(special.to_owned());
    }
    let text = format!("{d:.precision$}");
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let (sign, digits) = match whole.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", whole),
    };
    let mut out = sign.to_owned();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(c);
    }
    if !part.is_empty() {
        out.push('.');
        out.push_str(part);
    }
    Ok(out)
}

fn scientific(value: &Val<'_>, precision: usize) -> Outcome<String> {
    let d = double(value, "scientific clause can only be used on doubles")?;
    if let Some(special) = special(d) {
        return Ok(special.to_owned());
    }
    let text = format!("{d:.precision$e}");
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    let power: i32 = power.parse().unwrap_or_default();
    let sign = if power < 0 { '-' } else { '+' };
    Ok(format!(
        "{digits}\u{202f}×\u{202f}10⁠{sign}{:02}",
        power.abs()
    ))
}

fn binary(value: &Val<'_>) -> Outcome<String> {
    match value {
        Val::Int(i) => Ok(signed(*i, |n| format!("{n:b}"))),
        Val::Uint(u) => Ok(format!("{u:b}")),
        Val::Bool(b) => Ok(u8::from(*b).to_string()),
        other => wrong("only integers and bools can be formatted as binary", other),
    }
}

fn octal(value: &Val<'_>) -> Outcome<String> {
    match value {
        Val::Int(i) => Ok(signed(*i, |n| format!("{n:o}"))),
        Val::Uint(u) => Ok(format!("{u:o}")),
        other => wrong("octal clause can only be used on integers", other),
    }
}

fn hex(value: &Val<'_>) -> Outcome<String> {
    let bytes = |b: &[u8]| b.iter().map(|c| format!("{c:02x}")).collect();
    match value {
        Val::Int(i) => Ok(signed(*i, |n| format!("{n:x}"))),
        Val::Uint(u) => Ok(format!("{u:x}")),
        Val::Text(s) => Ok(bytes(s.as_bytes())),
        Val::Bytes(b) => Ok(bytes(b)),
        other => wrong(
            "only integers, byte buffers, and strings can be formatted as hex",
            other,
        ),
    }
}

fn signed(i: i64, show: fn(u64) -> String) -> String {
    let sign = if i < 0 { "-" } else { "" };
    format!("{sign}{}", show(i.unsigned_abs()))
}

/// Types that a clause takes, and what is said of others.
fn accepted(verb: char) -> Option<(&'static [&'static str], &'static str)> {
    Some(match verb {
        's' => (
            &[
                "list",
                "map",
                "int",
                "uint",
                "double",
                "bool",
                "string",
                "google.protobuf.Timestamp",
                "bytes",
                "google.protobuf.Duration",
                "type",
                "null_type",
            ],
            STRINGS,
        ),
        'd' => (
            &["int", "uint"],
            "decimal clause can only be used on integers",
        ),
        'f' => (
            &["double", "string"],
            "fixed-point clause can only be used on doubles",
        ),
        'e' => (
            &["double", "string"],
            "scientific clause can only be used on doubles",
        ),
        'b' => (
            &["int", "uint", "bool"],
            "only integers and bools can be formatted as binary",
        ),
        'x' | 'X' => (
            &["int", "uint", "string", "bytes"],
            "only integers, byte buffers, and strings can be formatted as hex",
        ),
        'o' => (
            &["int", "uint"],
            "octal clause can only be used on integers",
        ),
        _ => return None,
    })
}

/// What is wrong with a template for arguments of these types: the argument, or
/// `None` for the whole, and why.
pub(crate) fn check(template: &str, args: &[&str]) -> Option<(Option<usize>, String)> {
    let mut used = 0;
    let mut rest = template;
    while let Some(at) = rest.find('%') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            rest = after;
            continue;
        }
        let Some(ty) = args.get(used) else {
            return Some((None, format!("index {used} out of range")));
        };
        let (_, after) = match precision(rest) {
            Ok(parts) => parts,
            Err(Fault::Error(why)) => {
                let why = format!(
                    "could not parse formatting clause: error while parsing precision: {why}"
                );
                return Some((None, why));
            }
            Err(Fault::Limit) => return None,
        };
        let Some(verb) = after.chars().next() else {
            return Some((None, "unexpected end of string".to_owned()));
        };
        match accepted(verb) {
            None => {
                let why = format!(
                    "could not parse formatting clause: unrecognized formatting clause \"{verb}\""
                );
                return Some((None, why));
            }
            Some((types, what)) if *ty != "dyn" && !types.contains(ty) => {
                let why = format!("error during formatting: {what}, was given {ty}");
                return Some((Some(used), why));
            }
            Some(_) => {}
        }
        used += 1;
        rest = &after[verb.len_utf8()..];
    }
    let given = args.len();
    (given > used).then(|| {
        let why =
            format!("too many arguments supplied to string.format (expected {used}, got {given})");
        (None, why)
    })
}
