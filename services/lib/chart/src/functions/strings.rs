//! Texts.

use super::{Answer, Entry, fixed, shown, variadic};
use crate::{
    exec::{
        Args,
        Type::{Any, Int, Text},
    },
    fault::Fault,
    format,
    session::Env,
    value::{MapOf, Members, Value},
};

pub(super) const TABLE: &[Entry] = &[
    (
        "toString",
        fixed(&[Any], |e, a| Ok(Value::text(shown(e, a.get(0))?))),
    ),
    ("trim", fixed(&[Text], |e, a| text(e, a.text(0).trim()))),
    (
        "trimAll",
        fixed(&[Text, Text], |e, a| text(e, trimmed(a.text(1), a.text(0)))),
    ),
    (
        "trimall",
        fixed(&[Text, Text], |e, a| text(e, trimmed(a.text(1), a.text(0)))),
    ),
    (
        "trimSuffix",
        fixed(&[Text, Text], |e, a| {
            text(e, a.text(1).strip_suffix(a.text(0)).unwrap_or(a.text(1)))
        }),
    ),
    (
        "trimPrefix",
        fixed(&[Text, Text], |e, a| {
            text(e, a.text(1).strip_prefix(a.text(0)).unwrap_or(a.text(1)))
        }),
    ),
    (
        "upper",
        fixed(&[Text], |e, a| text(e, a.text(0).to_uppercase())),
    ),
    (
        "lower",
        fixed(&[Text], |e, a| text(e, a.text(0).to_lowercase())),
    ),
    ("title", fixed(&[Text], |e, a| text(e, title(a.text(0))))),
    (
        "untitle",
        fixed(&[Text], |e, a| text(e, untitle(a.text(0)))),
    ),
    (
        "swapcase",
        fixed(&[Text], |e, a| text(e, swap_case(a.text(0)))),
    ),
    ("repeat", fixed(&[Int, Text], repeat)),
    ("substr", fixed(&[Int, Int, Text], substr)),
    ("trunc", fixed(&[Int, Text], trunc)),
    (
        "nospace",
        fixed(&[Text], |e, a| {
            text(e, a.text(0).split_whitespace().collect::<String>())
        }),
    ),
    (
        "initials",
        fixed(&[Text], |e, a| {
            let words = a.text(0).split_whitespace();
            text(
                e,
                words.filter_map(|w| w.chars().next()).collect::<String>(),
            )
        }),
    ),
    (
        "contains",
        fixed(&[Text, Text], |_, a| {
            Ok(Value::Bool(a.text(1).contains(a.text(0))))
        }),
    ),
    (
        "hasPrefix",
        fixed(&[Text, Text], |_, a| {
            Ok(Value::Bool(a.text(1).starts_with(a.text(0))))
        }),
    ),
    (
        "hasSuffix",
        fixed(&[Text, Text], |_, a| {
            Ok(Value::Bool(a.text(1).ends_with(a.text(0))))
        }),
    ),
    (
        "quote",
        variadic(&[], Any, |e, a| quoted(e, a, |s| format::quote(&s))),
    ),
    (
        "squote",
        variadic(&[], Any, |e, a| quoted(e, a, |s| format!("'{s}'"))),
    ),
    ("cat", variadic(&[], Any, |e, a| quoted(e, a, |s| s))),
    (
        "indent",
        fixed(&[Int, Text], |e, a| text(e, indented(e, a)?)),
    ),
    (
        "nindent",
        fixed(&[Int, Text], |e, a| {
            text(e, format!("\n{}", indented(e, a)?))
        }),
    ),
    ("replace", fixed(&[Text, Text, Text], replace)),
    (
        "plural",
        fixed(&[Text, Text, Int], |_, a| {
            Ok(a.get(usize::from(a.int(2) != 1)).clone())
        }),
    ),
    (
        "split",
        fixed(&[Text, Text], |e, a| {
            numbered(e, parts(a.text(0), a.text(1), -1))
        }),
    ),
    (
        "splitn",
        fixed(&[Text, Int, Text], |e, a| {
            numbered(e, parts(a.text(0), a.text(2), a.int(1)))
        }),
    ),
    (
        "splitList",
        fixed(&[Text, Text], |e, a| {
            let parts = parts(a.text(0), a.text(1), -1);
            e.budget().spend(parts.len())?;
            Ok(Value::texts(parts))
        }),
    ),
    ("abbrev", fixed(&[Int, Text], abbrev)),
];

fn text(env: Env<'_>, text: impl Into<String>) -> Answer {
    let text = text.into();
    env.budget().text(text.len())?;
    Ok(Value::text(text))
}

fn trimmed<'t>(text: &'t str, set: &str) -> &'t str {
    text.trim_matches(|c| set.contains(c))
}

/// `strings.Title`: what follows something that is no letter, digit or underscore.
fn title(text: &str) -> String {
    let mut before = ' ';
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let separates = match before {
            c if c.is_ascii() => !(c.is_ascii_alphanumeric() || c == '_'),
            c => !c.is_alphanumeric() && c.is_whitespace(),
        };
        if separates {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        before = c;
    }
    out
}

fn untitle(text: &str) -> String {
    let mut start = true;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if start && !c.is_whitespace() {
            out.extend(c.to_lowercase());
        } else {
            out.push(c);
        }
        start = c.is_whitespace();
    }
    out
}

/// Capitals become small letters, and the other way round.
fn swap_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_uppercase() {
            out.extend(c.to_lowercase());
        } else if c.is_lowercase() {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
    }
    out
}

fn repeat(env: Env<'_>, args: &Args) -> Answer {
    let Ok(count) = usize::try_from(args.int(0)) else {
        return Err(Fault::new("strings: negative Repeat count"));
    };
    env.budget()
        .text(args.text(1).len().saturating_mul(count))?;
    Ok(Value::text(args.text(1).repeat(count)))
}

/// Part of a text by bytes. Go would cut a character in two.
fn part(env: Env<'_>, whole: &str, from: usize, to: usize) -> Answer {
    if from > to || to > whole.len() {
        let why = format!("runtime error: slice bounds out of range [{from}:{to}]");
        return Err(Fault::new(why));
    }
    match whole.get(from..to) {
        Some(part) => text(env, part),
        None => Err(Fault::new("a character is cut in two")),
    }
}

fn substr(env: Env<'_>, args: &Args) -> Answer {
    let (start, end, whole) = (args.int(0), args.int(1), args.text(2));
    let len = whole.len();
    let bound = |n: i64| usize::try_from(n).unwrap_or(usize::MAX);
    if start < 0 {
        return part(env, whole, 0, bound(end));
    }
    let end = usize::try_from(end).ok().filter(|end| *end <= len);
    part(env, whole, bound(start), end.unwrap_or(len))
}

fn trunc(env: Env<'_>, args: &Args) -> Answer {
    let (count, whole) = (args.int(0), args.text(1));
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if wanted >= whole.len() {
        return text(env, whole);
    }
    if count < 0 {
        return part(env, whole, whole.len() - wanted, whole.len());
    }
    part(env, whole, 0, wanted)
}

/// What is not nil, with spaces between.
fn quoted(env: Env<'_>, args: &Args, quote: fn(String) -> String) -> Answer {
    let mut out = Vec::with_capacity(args.len());
    let mut length = 0;
    for value in args.rest(0).iter().filter(|v| !v.is_nil()) {
        let shown = shown(env, value)?;
        // A character takes four at most, but for control characters.
        let most = shown.len() * 4;
        env.budget().grow(length, most)?;
        length += most;
        out.push(quote(shown));
    }
    text(env, out.join(" "))
}

fn indented(env: Env<'_>, args: &Args) -> Result<String, Fault> {
    let Ok(spaces) = usize::try_from(args.int(0)) else {
        return Err(Fault::new("strings: negative Repeat count"));
    };
    let lines = 1 + args.text(1).matches('\n').count();
    env.budget().text(
        args.text(1)
            .len()
            .saturating_add(lines.saturating_mul(spaces)),
    )?;
    let pad = " ".repeat(spaces);
    Ok(format!(
        "{pad}{}",
        args.text(1).replace('\n', &format!("\n{pad}"))
    ))
}

fn replace(env: Env<'_>, args: &Args) -> Answer {
    let (old, new, whole) = (args.text(0), args.text(1), args.text(2));
    // An empty text is found before each character and at the end.
    let found = if old.is_empty() {
        whole.chars().count() + 1
    } else {
        whole.matches(old).count()
    };
    env.budget()
        .text(whole.len().saturating_add(found.saturating_mul(new.len())))?;
    Ok(Value::text(whole.replace(old, new)))
}

/// `strings.SplitN`: all parts where `n` is below zero.
pub(super) fn parts<'t>(separator: &str, text: &'t str, n: i64) -> Vec<&'t str> {
    let most = match usize::try_from(n) {
        Ok(0) => return Vec::new(),
        Ok(most) => most,
        Err(_) => usize::MAX,
    };
    if !separator.is_empty() {
        return text.splitn(most, separator).collect();
    }
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if out.len() + 1 == most {
            break;
        }
        let (head, tail) = rest.split_at(c.len_utf8());
        out.push(head);
        rest = tail;
    }
    if !rest.is_empty() {
        out.push(rest);
    }
    out
}

/// `_0`, `_1` and so on.
fn numbered(env: Env<'_>, parts: Vec<&str>) -> Answer {
    env.budget().spend(parts.len())?;
    let members = parts.into_iter().enumerate();
    let members: Members = members
        .map(|(i, part)| (format!("_{i}").into(), Value::text(part)))
        .collect();
    Ok(Value::map_of(MapOf::Text, members))
}

fn abbrev(env: Env<'_>, args: &Args) -> Answer {
    let whole = args.text(1);
    let width = match usize::try_from(args.int(0)) {
        Ok(width) if width >= 4 && whole.len() > width => width,
        _ => return text(env, whole),
    };
    match whole.get(..width - 3) {
        Some(head) => text(env, format!("{head}...")),
        None => Err(Fault::new("a character is cut in two")),
    }
}
