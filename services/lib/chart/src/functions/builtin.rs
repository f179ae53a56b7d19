//! Functions of `text/template` itself, but for comparisons.

use super::{Answer, Entry, fixed, variadic};
use crate::{
    exec::{
        Args,
        Type::{Any, Raw, Text},
    },
    fault::Fault,
    format,
    session::Env,
    value::Value,
};

pub(super) const TABLE: &[Entry] = &[
    // Evaluated by the executor, which stops at the first argument that decides.
    ("and", variadic(&[Raw], Raw, last)),
    ("or", variadic(&[Raw], Raw, last)),
    (
        "not",
        fixed(&[Raw], |_, a| Ok(Value::Bool(!a.get(0).truth()))),
    ),
    ("call", variadic(&[Raw], Raw, call)),
    ("html", variadic(&[], Any, html)),
    ("index", variadic(&[Raw], Raw, index)),
    ("js", variadic(&[], Any, js)),
    ("len", fixed(&[Raw], len)),
    (
        "print",
        variadic(&[], Any, |e, a| text(format::sprint(a.rest(0), e.budget()))),
    ),
    (
        "printf",
        variadic(&[Text], Any, |e, a| {
            text(format::sprintf(a.text(0), a.rest(1), e.budget()))
        }),
    ),
    (
        "println",
        variadic(&[], Any, |e, a| {
            text(format::sprintln(a.rest(0), e.budget()))
        }),
    ),
    ("urlquery", variadic(&[], Any, urlquery)),
];

fn text(text: Result<String, Fault>) -> Answer {
    text.map(Value::text)
}

fn last(_: Env<'_>, args: &Args) -> Answer {
    Ok(args.0.last().cloned().unwrap_or(Value::Missing))
}

/// No value that charts see is a function.
fn call(_: Env<'_>, args: &Args) -> Answer {
    match args.get(0) {
        Value::Missing | Value::Nil => Err(Fault::new("call of nil")),
        other => {
            let name = other.type_name();
            Err(Fault::new(format!("non-function of type {name}")))
        }
    }
}

fn html(env: Env<'_>, args: &Args) -> Answer {
    let plain = format::sprint(args.rest(0), env.budget())?;
    env.budget().text(plain.len() * 5)?;
    let mut out = String::with_capacity(plain.len());
    for c in plain.chars() {
        match c {
            '\0' => out.push('\u{fffd}'),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    Ok(Value::text(out))
}

fn js(env: Env<'_>, args: &Args) -> Answer {
    let plain = format::sprint(args.rest(0), env.budget())?;
    env.budget().text(plain.len() * 6)?;
    let mut out = String::with_capacity(plain.len());
    for c in plain.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    Ok(Value::text(out))
}

fn urlquery(env: Env<'_>, args: &Args) -> Answer {
    let plain = format::sprint(args.rest(0), env.budget())?;
    env.budget().text(plain.len() * 3)?;
    let mut out = String::with_capacity(plain.len());
    for b in plain.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(b));
            }
            b' ' => out.push('+'),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    Ok(Value::text(out))
}

fn index(_: Env<'_>, args: &Args) -> Answer {
    let mut item = args.get(0).clone();
    if item.is_nil() {
        return Err(Fault::new("index of untyped nil"));
    }
    for key in args.rest(1) {
        item = match &item {
            Value::Nil | Value::Missing => return Err(Fault::new("index of nil pointer")),
            Value::List(list) => {
                let at = position(key, list.items.len())?;
                let item = list.items.get(at).cloned();
                item.ok_or("reflect: slice index out of range")?
            }
            Value::Text(text) => {
                let at = position(key, text.len())?;
                let byte = text.as_bytes().get(at).copied();
                Value::Byte(byte.ok_or("reflect: string index out of range")?)
            }
            Value::Map(map) => match key {
                Value::Text(key) => map.get(key).unwrap_or_else(|| map.zero()),
                Value::Missing | Value::Nil => {
                    return Err(Fault::new("value is nil; should be of type string"));
                }
                other => {
                    let name = other.type_name();
                    return Err(Fault::new(format!(
                        "value has type {name}; should be string"
                    )));
                }
            },
            Value::Native(native) => match (native.as_list(), key) {
                (Some(Value::List(list)), key) => {
                    let at = position(key, list.items.len())?;
                    let item = list.items.get(at).cloned();
                    item.ok_or("reflect: slice index out of range")?
                }
                (_, Value::Text(name)) if native.entries().is_some() => {
                    native.field(name).unwrap_or(Value::text(""))
                }
                _ => return Err(cannot_index(&item)),
            },
            other => return Err(cannot_index(other)),
        };
    }
    Ok(item)
}

fn cannot_index(item: &Value) -> Fault {
    Fault::new(format!("can't index item of type {}", item.type_name()))
}

/// An index as Go takes it: one beyond the end is found out later.
fn position(key: &Value, len: usize) -> Result<usize, Fault> {
    let n = match key {
        Value::Int(n) | Value::Int64(n) => *n,
        Value::Byte(b) => i64::from(*b),
        Value::Missing | Value::Nil => return Err(Fault::new("cannot index slice/array with nil")),
        other => {
            let name = other.type_name();
            return Err(Fault::new(format!(
                "cannot index slice/array with type {name}"
            )));
        }
    };
    match usize::try_from(n) {
        Ok(at) if at <= len => Ok(at),
        _ => Err(Fault::new(format!("index out of range: {n}"))),
    }
}

fn len(_: Env<'_>, args: &Args) -> Answer {
    let n = match args.get(0) {
        Value::Missing => {
            return Err(Fault::new(
                "reflect: call of reflect.Value.Type on zero Value",
            ));
        }
        Value::Nil => return Err(Fault::new("len of nil pointer")),
        Value::Text(text) => text.len(),
        Value::List(list) => list.items.len(),
        Value::Map(map) => map.len(),
        Value::Native(native) => match native.entries() {
            Some(entries) => entries.len(),
            None => return Err(no_length(args.get(0))),
        },
        other => return Err(no_length(other)),
    };
    Ok(Value::Int(i64::try_from(n).unwrap_or(i64::MAX)))
}

fn no_length(value: &Value) -> Fault {
    Fault::new(format!("len of type {}", value.type_name()))
}
