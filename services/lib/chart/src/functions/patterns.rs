//! Regular expressions: those of Go are nearly those of the crate `regex`.

use regex::{NoExpand, Regex};

use super::{Answer, Entry, fixed};
use crate::{
    exec::{
        Args,
        Type::{Int, Text},
    },
    fault::Fault,
    session::Env,
    value::Value,
};

pub(super) const TABLE: &[Entry] = &[
    (
        "regexMatch",
        fixed(&[Text, Text], |e, a| {
            // Without `must`, an expression that is none matches nothing.
            let found = compiled(e, a).map(|r| r.is_match(a.text(1)));
            match found {
                Err(fault) if fault.limit.is_some() => Err(fault),
                found => Ok(Value::Bool(found.unwrap_or_default())),
            }
        }),
    ),
    (
        "mustRegexMatch",
        fixed(&[Text, Text], |e, a| {
            Ok(Value::Bool(compiled(e, a)?.is_match(a.text(1))))
        }),
    ),
    ("regexFind", fixed(&[Text, Text], find)),
    ("mustRegexFind", fixed(&[Text, Text], find)),
    ("regexFindAll", fixed(&[Text, Text, Int], find_all)),
    ("mustRegexFindAll", fixed(&[Text, Text, Int], find_all)),
    ("regexReplaceAll", fixed(&[Text, Text, Text], replace)),
    ("mustRegexReplaceAll", fixed(&[Text, Text, Text], replace)),
    (
        "regexReplaceAllLiteral",
        fixed(&[Text, Text, Text], replace_literal),
    ),
    (
        "mustRegexReplaceAllLiteral",
        fixed(&[Text, Text, Text], replace_literal),
    ),
    ("regexSplit", fixed(&[Text, Text, Int], split)),
    ("mustRegexSplit", fixed(&[Text, Text, Int], split)),
    (
        "regexQuoteMeta",
        fixed(&[Text], |_, a| Ok(Value::text(quoted(a.text(0))))),
    ),
];

/// An expression and the text it is for, at their price.
fn compiled(env: Env<'_>, args: &Args) -> Result<Regex, Fault> {
    env.budget().spend(500)?;
    env.budget().text(args.text(0).len() * 64)?;
    env.budget().text(args.text(1).len())?;
    Regex::new(args.text(0)).map_err(|_| {
        let shown = args.text(0);
        Fault::new(format!("error parsing regexp: `{shown}`"))
    })
}

fn most(n: i64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn find(env: Env<'_>, args: &Args) -> Answer {
    let found = compiled(env, args)?.find(args.text(1)).map(|m| m.as_str());
    Ok(Value::text(found.unwrap_or_default()))
}

fn find_all(env: Env<'_>, args: &Args) -> Answer {
    let regex = compiled(env, args)?;
    let found = regex.find_iter(args.text(1)).take(most(args.int(2)));
    let found: Vec<&str> = found.map(|m| m.as_str()).collect();
    env.budget().spend(found.len())?;
    if found.is_empty() {
        return Ok(Value::list_or_nil(Vec::new()));
    }
    Ok(Value::texts(found))
}

/// An upper bound of what replacing makes.
fn price(env: Env<'_>, regex: &Regex, args: &Args) -> Result<(), Fault> {
    let (text, with) = (args.text(1), args.text(2));
    let found = regex.find_iter(text).count();
    let groups = with.matches('$').count();
    let each = with.len().saturating_add(groups.saturating_mul(text.len()));
    env.budget().text(
        text.len().saturating_add(match groups {
            0 => found.saturating_mul(with.len()),
            // A group is part of what is found, which is part of the text.
            groups => found
                .saturating_mul(with.len())
                .saturating_add(groups.saturating_mul(text.len()))
                .min(found.saturating_mul(each)),
        }),
    )
}

fn replace(env: Env<'_>, args: &Args) -> Answer {
    let regex = compiled(env, args)?;
    price(env, &regex, args)?;
    Ok(Value::text(regex.replace_all(args.text(1), args.text(2))))
}

fn replace_literal(env: Env<'_>, args: &Args) -> Answer {
    let regex = compiled(env, args)?;
    price(env, &regex, args)?;
    Ok(Value::text(
        regex.replace_all(args.text(1), NoExpand(args.text(2))),
    ))
}

fn split(env: Env<'_>, args: &Args) -> Answer {
    let regex = compiled(env, args)?;
    let (text, n) = (args.text(1), args.int(2));
    if n == 0 {
        return Ok(Value::list_or_nil(Vec::new()));
    }
    if !args.text(0).is_empty() && text.is_empty() {
        return Ok(Value::texts([""]));
    }
    let mut out = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for found in regex.find_iter(text) {
        if n > 0 && out.len() + 1 == most(n) {
            break;
        }
        end = found.start();
        if found.end() != 0 {
            out.push(&text[begin..end]);
        }
        begin = found.end();
    }
    if end != text.len() {
        out.push(&text[begin..]);
    }
    env.budget().spend(out.len())?;
    Ok(Value::texts(out))
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
