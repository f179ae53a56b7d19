//! Strings (`cel-go`'s string library, version 2) and patterns.

use catena_objects::json::go_quote;

use super::Function;
use crate::{
    types::Type,
    value::{Fault, Outcome, Val, fault, no_overload},
};

mod template;

pub(crate) use template::check as check_template;

/// Bytes of a string that a function may make.
const MAX_RESULT: usize = 64 << 20;

pub(super) fn lookup(name: &str) -> Option<Function> {
    Some(match name {
        "contains" => |args| two(args, |a, b| a.contains(b)),
        "startsWith" => |args| two(args, |a, b| a.starts_with(b)),
        "endsWith" => |args| two(args, |a, b| a.ends_with(b)),
        "matches" => matches,
        "find" => find,
        "findAll" => find_all,
        "size" => |args| match args[0].size() {
            Some(n) if !matches!(args[0], Val::Extra(_)) => Ok(Val::Int(n as i64)),
            _ => no_overload(),
        },
        "charAt" => char_at,
        "lowerAscii" => |args| one(args, |s| s.to_ascii_lowercase()),
        "upperAscii" => |args| one(args, |s| s.to_ascii_uppercase()),
        "trim" => |args| one(args, |s| s.trim().to_owned()),
        "replace" => replace,
        "split" => split,
        "substring" => substring,
        "join" => join,
        "strings.quote" => |args| one(args, quote),
        "format" => template::format,
        _ => return None,
    })
}

fn text<'v>(value: &'v Val<'_>) -> Outcome<&'v str> {
    match value {
        Val::Text(s) => Ok(s),
        _ => no_overload(),
    }
}

fn int(value: &Val<'_>) -> Outcome<i64> {
    match value {
        Val::Int(i) => Ok(*i),
        _ => no_overload(),
    }
}

fn one<'a>(args: &[Val<'a>], f: fn(&str) -> String) -> Outcome<Val<'a>> {
    Ok(Val::text(f(text(&args[0])?)))
}

fn two<'a>(args: &[Val<'a>], f: fn(&str, &str) -> bool) -> Outcome<Val<'a>> {
    Ok(Val::Bool(f(text(&args[0])?, text(&args[1])?)))
}

fn matches<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    let pattern = catena_schema::regex::compile(text(&args[1])?).or_else(fault)?;
    Ok(Val::Bool(pattern.is_match(text(&args[0])?)))
}

fn illegal<T>(why: String) -> Outcome<T> {
    fault(format!("Illegal regex: {why}"))
}

fn find<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    let pattern = catena_schema::regex::compile(text(&args[1])?).or_else(illegal)?;
    let within = text(&args[0])?;
    let found = pattern.find(within).map_or("", |m| &within[m.range()]);
    Ok(Val::text(found))
}

fn find_all<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    let pattern = catena_schema::regex::compile(text(&args[1])?).or_else(illegal)?;
    let within = text(&args[0])?;
    let limit = args.get(2).map(int).transpose()?.unwrap_or(-1);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let found = pattern.find_iter(within).take(limit);
    Ok(Val::list(
        found.map(|m| Val::text(&within[m.range()])).collect(),
    ))
}

fn out_of_range<T>(i: i64) -> Outcome<T> {
    fault(format!("index out of range: {i}"))
}

fn char_at<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    let (s, i) = (text(&args[0])?, int(&args[1])?);
    let Ok(at) = usize::try_from(i) else {
        return out_of_range(i);
    };
    match s.chars().nth(at) {
        Some(c) => Ok(Val::text(c.to_string())),
        None if at == s.chars().count() => Ok(Val::text("")),
        None => out_of_range(i),
    }
}

/// The first or last place of a string in another, in characters.
pub(super) fn index_of<'a>(args: &[Val<'a>], last: bool) -> Outcome<Val<'a>> {
    let (s, wanted) = (text(&args[0])?, text(&args[1])?);
    let chars: Vec<char> = s.chars().collect();
    let wanted: Vec<char> = wanted.chars().collect();
    let given = args.get(2).map(int).transpose()?;
    let offset = given.unwrap_or(if last { chars.len() as i64 - 1 } else { 0 });
    if wanted.is_empty() {
        let end = if last { chars.len() as i64 } else { 0 };
        return Ok(Val::Int(given.unwrap_or(end)));
    }
    if given.is_none() && chars.len() < wanted.len() {
        return Ok(Val::Int(-1));
    }
    let Ok(from) = usize::try_from(offset) else {
        return out_of_range(offset);
    };
    if from >= chars.len() || wanted.len() > chars.len() {
        return Ok(Val::Int(-1));
    }
    let end = chars.len() - wanted.len();
    let here = |i: &usize| chars[*i..].starts_with(&wanted);
    let found = match last {
        true => (0..=from.min(end)).rev().find(here),
        false => (from..=end).find(here),
    };
    Ok(Val::Int(found.map_or(-1, |i| i as i64)))
}

fn replace<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    let (s, old, new) = (text(&args[0])?, text(&args[1])?, text(&args[2])?);
    let limit = args.get(3).map(int).transpose()?.unwrap_or(-1);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let count = s.matches(old).take(limit).count();
    if count.saturating_mul(new.len()) > MAX_RESULT {
        return Err(Fault::Limit);
    }
    Ok(Val::text(s.replacen(old, new, limit)))
}

fn split<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    let (s, by) = (text(&args[0])?, text(&args[1])?);
    let limit = args.get(2).map(int).transpose()?.unwrap_or(-1);
    if limit == 0 {
        return Ok(Val::list(Vec::new()));
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let make = |part: &str| Val::text(part);
    if !by.is_empty() {
        return Ok(Val::list(s.splitn(limit, by).map(make).collect()));
    }
    // Without a separator every character is a part; the last takes the rest.
    let mut parts = Vec::new();
    let mut rest = s;
    while let Some(c) = rest.chars().next() {
        if parts.len() + 1 == limit {
            parts.push(make(rest));
            break;
        }
        parts.push(make(&rest[..c.len_utf8()]));
        rest = &rest[c.len_utf8()..];
    }
    Ok(Val::list(parts))
}

fn substring<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    let (s, start) = (text(&args[0])?, int(&args[1])?);
    let length = s.chars().count() as i64;
    let end = args.get(2).map(int).transpose()?;
    if let Some(end) = end.filter(|end| start > *end) {
        return fault(format!(
            "invalid substring range. start: {start}, end: {end}"
        ));
    }
    let end = end.unwrap_or(length);
    for i in [start, end] {
        if !(0..=length).contains(&i) {
            return out_of_range(i);
        }
    }
    let part = s.chars().skip(start as usize).take((end - start) as usize);
    Ok(Val::text(part.collect::<String>()))
}

fn join<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    let by = args.get(1).map(text).transpose()?.unwrap_or_default();
    let mut out = String::new();
    for (i, item) in args[0].items()?.iter().enumerate() {
        if i > 0 {
            out.push_str(by);
        }
        match item {
            Val::Text(s) => out.push_str(s),
            other => return fault(format!("join: invalid input: {}", shown(other))),
        }
        if out.len() > MAX_RESULT {
            return Err(Fault::Limit);
        }
    }
    Ok(Val::text(out))
}

fn quote(s: &str) -> String {
    let mut out = String::with_capacity(s.len() + 2);
    out.push('"');
    for c in s.chars() {
        match c {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A value in messages.
pub(crate) fn shown(value: &Val<'_>) -> String {
    match value {
        Val::Null => "null".to_owned(),
        Val::Bytes(b) => format!("b{}", go_quote(&String::from_utf8_lossy(b))),
        Val::Type(ty) => Type::runtime_name(ty).to_owned(),
        other => super::convert::string(other).unwrap_or_else(|_| other.ty().to_string()),
    }
}
