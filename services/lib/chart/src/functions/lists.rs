//! Lists. They never change: what Sprig calls `append` makes another one.

use std::rc::Rc;

use super::{Answer, Entry, fixed, numbers::whole, shown, variadic};
use crate::{
    exec::{
        Args,
        Type::{Any, Int, Text},
    },
    fault::Fault,
    session::Env,
    value::{List, Of, Value},
};

pub(super) const TABLE: &[Entry] = &[
    (
        "list",
        variadic(&[], Any, |_, a| Ok(Value::list(a.rest(0).to_vec()))),
    ),
    (
        "tuple",
        variadic(&[], Any, |_, a| Ok(Value::list(a.rest(0).to_vec()))),
    ),
    ("append", fixed(&[Any, Any], push)),
    ("push", fixed(&[Any, Any], push)),
    ("mustAppend", fixed(&[Any, Any], push)),
    ("mustPush", fixed(&[Any, Any], push)),
    ("prepend", fixed(&[Any, Any], prepend)),
    ("mustPrepend", fixed(&[Any, Any], prepend)),
    ("first", fixed(&[Any], first)),
    ("mustFirst", fixed(&[Any], first)),
    ("last", fixed(&[Any], last)),
    ("mustLast", fixed(&[Any], last)),
    ("rest", fixed(&[Any], rest)),
    ("mustRest", fixed(&[Any], rest)),
    ("initial", fixed(&[Any], initial)),
    ("mustInitial", fixed(&[Any], initial)),
    ("reverse", fixed(&[Any], reverse)),
    ("mustReverse", fixed(&[Any], reverse)),
    ("compact", fixed(&[Any], compact)),
    ("mustCompact", fixed(&[Any], compact)),
    ("uniq", fixed(&[Any], uniq)),
    ("mustUniq", fixed(&[Any], uniq)),
    ("without", variadic(&[Any], Any, without)),
    ("mustWithout", variadic(&[Any], Any, without)),
    ("has", fixed(&[Any, Any], has)),
    ("mustHas", fixed(&[Any, Any], has)),
    ("slice", variadic(&[Any], Any, slice)),
    ("mustSlice", variadic(&[Any], Any, slice)),
    ("concat", variadic(&[], Any, concat)),
    ("chunk", fixed(&[Int, Any], chunk)),
    ("mustChunk", fixed(&[Int, Any], chunk)),
    ("sortAlpha", fixed(&[Any], sort_alpha)),
    ("join", fixed(&[Text, Any], join)),
    (
        "toStrings",
        fixed(&[Any], |e, a| Ok(Value::texts(texts(e, a.get(0))?))),
    ),
];

/// The list that an argument is, copied at its price.
fn items(env: Env<'_>, value: &Value, what: &str) -> Result<Rc<List>, Fault> {
    let list = match value {
        Value::List(list) => list.clone(),
        Value::Native(native) => match native.as_list() {
            Some(Value::List(list)) => list,
            _ => return Err(wrong(value, what)),
        },
        _ => return Err(wrong(value, what)),
    };
    env.budget().spend(list.items.len())?;
    Ok(list)
}

fn wrong(value: &Value, what: &str) -> Fault {
    if value.is_nil() {
        return Fault::new("runtime error: invalid memory address or nil pointer dereference");
    }
    Fault::new(format!("Cannot {what} type {}", value.kind()))
}

fn push(env: Env<'_>, args: &Args) -> Answer {
    let mut items = items(env, args.get(0), "push on")?.items.clone();
    items.push(args.get(1).clone());
    Ok(Value::list(items))
}

fn prepend(env: Env<'_>, args: &Args) -> Answer {
    let mut items = items(env, args.get(0), "prepend on")?.items.clone();
    items.insert(0, args.get(1).clone());
    Ok(Value::list(items))
}

fn first(env: Env<'_>, args: &Args) -> Answer {
    let list = items(env, args.get(0), "find first on")?;
    Ok(list.items.first().cloned().unwrap_or(Value::Nil))
}

fn last(env: Env<'_>, args: &Args) -> Answer {
    let list = items(env, args.get(0), "find last on")?;
    Ok(list.items.last().cloned().unwrap_or(Value::Nil))
}

fn rest(env: Env<'_>, args: &Args) -> Answer {
    let list = items(env, args.get(0), "find rest on")?;
    match list.items.split_first() {
        Some((_, rest)) => Ok(Value::list(rest.to_vec())),
        None => Ok(Value::list_or_nil(Vec::new())),
    }
}

fn initial(env: Env<'_>, args: &Args) -> Answer {
    let list = items(env, args.get(0), "find initial on")?;
    match list.items.split_last() {
        Some((_, initial)) => Ok(Value::list(initial.to_vec())),
        None => Ok(Value::list_or_nil(Vec::new())),
    }
}

fn reverse(env: Env<'_>, args: &Args) -> Answer {
    let list = items(env, args.get(0), "find reverse on")?;
    Ok(Value::list(list.items.iter().rev().cloned().collect()))
}

fn compact(env: Env<'_>, args: &Args) -> Answer {
    let list = items(env, args.get(0), "compact on")?;
    let kept = list.items.iter().filter(|v| v.truth());
    Ok(Value::list(kept.cloned().collect()))
}

fn uniq(env: Env<'_>, args: &Args) -> Answer {
    let list = items(env, args.get(0), "find uniq on")?;
    let mut kept: Vec<Value> = Vec::new();
    for item in &list.items {
        if !holds(env, &kept, item)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn without(env: Env<'_>, args: &Args) -> Answer {
    let list = items(env, args.get(0), "find without on")?;
    let mut kept = Vec::new();
    for item in &list.items {
        if !holds(env, args.rest(1), item)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn has(env: Env<'_>, args: &Args) -> Answer {
    if args.get(1).is_nil() {
        return Ok(Value::Bool(false));
    }
    let list = items(env, args.get(1), "find has on")?;
    Ok(Value::Bool(holds(env, &list.items, args.get(0))?))
}

fn holds(env: Env<'_>, items: &[Value], wanted: &Value) -> Result<bool, Fault> {
    for item in items {
        if same(env, item, wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `reflect.DeepEqual`: of the same type, and equal down to the leaves.
///
/// # Errors
/// Too large or too deep to compare.
pub(super) fn same(env: Env<'_>, a: &Value, b: &Value) -> Result<bool, Fault> {
    let budget = env.budget();
    budget.spend(1)?;
    if a.is_nil() || b.is_nil() {
        return Ok(a.is_nil() == b.is_nil());
    }
    if a.type_name() != b.type_name() {
        return Ok(false);
    }
    Ok(match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) | (Value::Int64(a), Value::Int64(b)) => a == b,
        (Value::Byte(a), Value::Byte(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Text(a), Value::Text(b)) => {
            budget.text(a.len())?;
            a == b
        }
        (Value::List(a), Value::List(b)) => {
            let _level = budget.deeper()?;
            if a.items.len() != b.items.len() || a.nil != b.nil {
                return Ok(false);
            }
            for (a, b) in a.items.iter().zip(&b.items) {
                if !same(env, a, b)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(a), Value::Map(b)) => {
            let _level = budget.deeper()?;
            if a.len() != b.len() {
                return Ok(false);
            }
            for (key, a) in a.members().iter() {
                let Some(b) = b.get(key) else {
                    return Ok(false);
                };
                if !same(env, a, &b)? {
                    return Ok(false);
                }
            }
            true
        }
        _ => shown(env, a)? == shown(env, b)?,
    })
}

/// A part of a list: nil of an empty one.
fn slice(env: Env<'_>, args: &Args) -> Answer {
    let list = match args.get(0) {
        Value::List(_) | Value::Native(_) => items(env, args.get(0), "slice")?,
        other => {
            let kind = other.kind();
            let why = format!("list should be type of slice or array but {kind}");
            return Err(Fault::new(why));
        }
    };
    let len = list.items.len();
    if len == 0 {
        return Ok(Value::Nil);
    }
    let bound = |i: usize, default: usize| match args.rest(1).get(i) {
        Some(value) => usize::try_from(whole(value)).unwrap_or(usize::MAX),
        None => default,
    };
    let (start, end) = (bound(0, 0), bound(1, len));
    match list.items.get(start..end) {
        Some(part) => Ok(Value::list_of(list.of, part.to_vec())),
        None => Err(Fault::new("reflect.Value.Slice: slice index out of bounds")),
    }
}

fn concat(env: Env<'_>, args: &Args) -> Answer {
    let mut all = Vec::new();
    for value in args.rest(0) {
        match value {
            Value::List(_) | Value::Native(_) => {
                all.extend(items(env, value, "concat")?.items.iter().cloned());
            }
            Value::Nil | Value::Missing => return Err(wrong(value, "concat")),
            other => {
                let kind = other.kind();
                return Err(Fault::new(format!("Cannot concat type {kind} as list")));
            }
        }
    }
    Ok(Value::list_or_nil(all))
}

fn chunk(env: Env<'_>, args: &Args) -> Answer {
    let list = items(env, args.get(1), "chunk")?;
    let size = match usize::try_from(args.int(0)) {
        Ok(size) if size > 0 => size,
        _ => return Err(Fault::new("the size of chunks must be above 0")),
    };
    let chunks = list.items.chunks(size).map(|c| Value::list(c.to_vec()));
    Ok(Value::list_of(Of::Lists, chunks.collect()))
}

/// Elements as texts, without nil. What is no list is one element.
pub(super) fn texts(env: Env<'_>, value: &Value) -> Result<Vec<String>, Fault> {
    match value {
        Value::Missing | Value::Nil => Ok(Vec::new()),
        Value::List(_) => {
            let list = items(env, value, "read")?;
            let some = list.items.iter().filter(|v| !v.is_nil());
            some.map(|v| shown(env, v)).collect()
        }
        Value::Native(native) => match native.as_list() {
            Some(list) => texts(env, &list),
            None => Ok(vec![shown(env, value)?]),
        },
        other => Ok(vec![shown(env, other)?]),
    }
}

fn sort_alpha(env: Env<'_>, args: &Args) -> Answer {
    let mut texts = texts(env, args.get(0))?;
    if args.get(0).is_nil() {
        texts.push("<nil>".to_owned());
    }
    texts.sort();
    Ok(Value::texts(texts))
}

fn join(env: Env<'_>, args: &Args) -> Answer {
    let texts = texts(env, args.get(1))?;
    let length: usize = texts.iter().map(|t| t.len() + args.text(0).len()).sum();
    env.budget().text(length)?;
    Ok(Value::text(texts.join(args.text(0))))
}
