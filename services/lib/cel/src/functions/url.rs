//! URLs as Go's `net/url` reads them: with a path from the root, or absolute.

use std::{collections::BTreeMap, sync::Arc};

use catena_objects::json::go_quote;

use super::Function;
use crate::{
    extra::Extra,
    value::{Key, Outcome, Val, fault, no_overload},
};

/// Parts of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    scheme: String,
    host: String,
    path: String,
    query: String,
    rest: String,
}

pub(super) fn lookup(name: &str) -> Option<Function> {
    Some(match name {
        "url" => |args| match &args[0] {
            Val::Text(s) => match parse(s) {
                Ok(url) => Ok(Val::Extra(Arc::new(Extra::Url(url)))),
                Err(why) => fault(format!(
                    "URL parse error during conversion from string: {why}"
                )),
            },
            _ => no_overload(),
        },
        "isURL" => |args| match &args[0] {
            Val::Text(s) => Ok(Val::Bool(parse(s).is_ok())),
            _ => no_overload(),
        },
        "getScheme" => |args| part(args, |u| u.scheme.clone()),
        "getHost" => |args| part(args, |u| u.host.clone()),
        "getHostname" => |args| part(args, |u| split_port(&u.host).0.to_owned()),
        "getPort" => |args| part(args, |u| split_port(&u.host).1.to_owned()),
        "getEscapedPath" => |args| part(args, |u| escaped_path(&u.path)),
        "getQuery" => query,
        _ => return None,
    })
}

fn given<'v>(args: &'v [Val<'_>]) -> Outcome<&'v Url> {
    match &args[0] {
        Val::Extra(e) => match &**e {
            Extra::Url(url) => Ok(url),
            _ => no_overload(),
        },
        _ => no_overload(),
    }
}

fn part<'a>(args: &[Val<'a>], of: fn(&Url) -> String) -> Outcome<Val<'a>> {
    Ok(Val::text(of(given(args)?)))
}

/// What is wrong with a URL of a request.
pub(super) fn problem(text: &str) -> Option<String> {
    parse(text).err()
}

fn parse(text: &str) -> Result<Url, String> {
    let failed = |why: &str| Err(format!("parse {}: {why}", go_quote(text)));
    if text.bytes().any(|b| b < 0x20 || b == 0x7f) {
        return failed("net/url: invalid control character in URL");
    }
    if text.is_empty() {
        return failed("empty url");
    }
    let (scheme, rest) = match scheme(text) {
        Ok(parts) => parts,
        Err(why) => return failed(why),
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !rest.starts_with('/') && (scheme.is_empty() || text == "*") {
        return failed("invalid URI for request");
    }
    let (host, path) = match rest
        .strip_prefix("//")
        .filter(|_| !scheme.is_empty() || !rest.starts_with("///"))
    {
        Some(after) => {
            let end = after.find('/').unwrap_or(after.len());
            (&after[..end], &after[end..])
        }
        None => ("", rest),
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    if let Err(why) = check_host(host) {
        return failed(&why);
    }
    if let Some(bad) = bad_escape(path) {
        return failed(&format!("invalid URL escape {}", go_quote(bad)));
    }
    Ok(Url {
        scheme: scheme.to_ascii_lowercase(),
        host: host.to_owned(),
        path: if rest.starts_with('/') { path } else { "" }.to_owned(),
        query: query.to_owned(),
        rest: rest.to_owned(),
    })
}

fn scheme(text: &str) -> Result<(&str, &str), &'static str> {
    for (i, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if i > 0 => {}
            ':' if i == 0 => return Err("missing protocol scheme"),
            ':' => return Ok((&text[..i], &text[i + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

fn check_host(host: &str) -> Result<(), String> {
    if host.starts_with('[') && !host.contains(']') {
        return Err("missing ']' in host".to_owned());
    }
    let port = match host.rsplit_once(']') {
        Some((_, after)) => after,
        None => host.find(':').map_or("", |at| &host[at..]),
    };
    let digits = port.strip_prefix(':').unwrap_or("");
    if !port.is_empty() && (!port.starts_with(':') || digits.bytes().any(|b| !b.is_ascii_digit())) {
        return Err(format!("invalid port {} after host", go_quote(port)));
    }
    let odd = host.chars().find(|c| {
        matches!(
            c,
            ' ' | '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}'
        )
    });
    match odd {
        Some(c) => Err(format!(
            "invalid character {} in host name",
            go_quote(&c.to_string())
        )),
        None => Ok(()),
    }
}

fn bad_escape(path: &str) -> Option<&str> {
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        let escape = &rest.as_bytes()[at..];
        let fine = escape.len() >= 3 && escape[1..3].iter().all(u8::is_ascii_hexdigit);
        if !fine {
            let end = rest[at..]
                .char_indices()
                .nth(3)
                .map_or(rest.len(), |(i, _)| at + i);
            return Some(&rest[at..end]);
        }
        rest = &rest[at + 3..];
    }
    None
}

/// The path as it is, if it is escaped well, else escaped anew.
fn escaped_path(path: &str) -> String {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:@[]%/".contains(&b);
    if path.bytes().all(fine) {
        return path.to_owned();
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&b);
    let mut out = String::with_capacity(path.len());
    for b in decoded_bytes(path, false).unwrap_or_default() {
        match plain(b) {
            true => out.push(b as char),
            false => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

fn split_port(host: &str) -> (&str, &str) {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
            (name.trim_matches(['[', ']']), port)
        }
        _ => (host.trim_matches(['[', ']']), ""),
    }
}

fn query<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    let mut found: BTreeMap<String, Vec<Val<'a>>> = BTreeMap::new();
    for pair in given(args)?
        .query
        .split('&')
        .filter(|p| !p.is_empty() && !p.contains(';'))
    {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if let (Some(key), Some(value)) = (decoded(key), decoded(value)) {
            found.entry(key).or_default().push(Val::text(value));
        }
    }
    let entries = found
        .into_iter()
        .map(|(k, v)| (Key::Text(k.clone()), (Val::text(k), Val::list(v))));
    Ok(Val::Map(Arc::new(entries.collect())))
}

fn decoded(text: &str) -> Option<String> {
    String::from_utf8(decoded_bytes(text, true)?).ok()
}

fn decoded_bytes(text: &str, query: bool) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            b'+' if query => out.push(b' '),
            b'%' => {
                let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
                out.push(u8::from_str_radix(digits, 16).ok()?);
                rest = &rest[2..];
            }
            c => out.push(*c),
        }
    }
    Some(out)
}
