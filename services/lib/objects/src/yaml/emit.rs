//! Printing: block style, keys sorted, sequences at the level of their key.

use super::resolve::resolve;
use crate::{Map, Value, json};

/// Columns after which a scalar goes on in a line of its own (`best_width`).
const WIDTH: usize = 80;

/// The YAML of a value, ending in a line feed.
pub fn to_vec(v: &Value) -> Vec<u8> {
    to_string(v).into_bytes()
}

/// As [`to_vec`].
pub fn to_string(v: &Value) -> String {
    let mut out = String::with_capacity(1_024);
    match v {
        Value::Object(m) if !m.is_empty() => mapping(&mut out, m, 0, false),
        Value::Array(a) if !a.is_empty() => sequence(&mut out, a, 0, false),
        other => {
            scalar(&mut out, other, 2);
            out.push('\n');
        }
    }
    out
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// `inline`: the first line continues a `- `.
fn mapping(out: &mut String, map: &Map, indent: usize, inline: bool) {
    let mut keys: Vec<_> = map.iter().collect();
    keys.sort_by(|a, b| natural(a.0, b.0));
    for (i, (key, value)) in keys.into_iter().enumerate() {
        if i > 0 || !inline {
            pad(out, indent);
        }
        if is_simple(key) {
            string(out, key, indent, true);
            out.push(':');
            member(out, value, indent);
            continue;
        }
        out.push_str("? ");
        string(out, key, indent + 2, false);
        out.push('\n');
        pad(out, indent);
        out.push_str(": ");
        item(out, value, indent);
    }
}

/// Whether a key stands in the line of its value.
fn is_simple(key: &str) -> bool {
    key.len() <= 128 && !key.contains('\n')
}

fn member(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(m) if !m.is_empty() => {
            out.push('\n');
            mapping(out, m, indent + 2, false);
        }
        Value::Array(a) if !a.is_empty() => {
            out.push('\n');
            sequence(out, a, indent, false);
        }
        other => {
            out.push(' ');
            scalar(out, other, indent + 2);
            out.push('\n');
        }
    }
}

fn sequence(out: &mut String, items: &[Value], indent: usize, inline: bool) {
    for (i, item) in items.iter().enumerate() {
        if i > 0 || !inline {
            pad(out, indent);
        }
        out.push_str("- ");
        self::item(out, item, indent);
    }
}

/// What stands behind `- ` and `: `.
fn item(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(m) if !m.is_empty() => mapping(out, m, indent + 2, true),
        Value::Array(a) if !a.is_empty() => sequence(out, a, indent + 2, true),
        other => {
            scalar(out, other, indent + 2);
            out.push('\n');
        }
    }
}

fn scalar(out: &mut String, v: &Value, indent: usize) {
    match v {
        Value::String(s) => string(out, s, indent, false),
        Value::Object(_) => out.push_str("{}"),
        Value::Array(_) => out.push_str("[]"),
        Value::Float(f) => out.push_str(&float(*f)),
        other => out.push_str(&json::to_string(other)),
    }
}

/// As `strconv` prints what is no integer: an exponent below 1e-4 and from 1e6 on.
fn float(f: f64) -> String {
    if f.fract() == 0.0 && (-9_223_372_036_854_775_808.0..18_446_744_073_709_551_616.0).contains(&f)
    {
        return f.to_string();
    }
    let text = format!("{f:e}");
    let exponent = text
        .split_once('e')
        .and_then(|(m, e)| Some((m, e.parse::<i32>().ok()?)));
    match exponent {
        Some((mantissa, e)) if !(-4..6).contains(&e) => {
            let sign = if e < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", e.abs())
        }
        _ => f.to_string(),
    }
}

/// What stands only in double quotes; libyaml knows no characters beyond 16 bits.
fn is_special(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(c, '\u{feff}' | '\u{fffe}'..)
}

fn string(out: &mut String, s: &str, indent: usize, key: bool) {
    let special = s.chars().any(is_special);
    let edge = s.ends_with(' ') || s.contains(" \n");
    if s.contains('\n') && !special && !edge && !key {
        return literal(out, s, indent);
    }
    if special || s.contains('\n') || !matches!(resolve(s), Value::String(_)) || is_base60(s) {
        return folded(out, &double_quoted(s), indent, key);
    }
    if plain_allowed(s) {
        folded(out, s, indent, key);
    } else {
        folded(out, &format!("'{}'", s.replace('\'', "''")), indent, key);
    }
}

/// A scalar as it stands in the text; where it is wider than libyaml's lines it goes
/// on below, in place of a space between words. Keys do not.
fn folded(out: &mut String, text: &str, indent: usize, key: bool) {
    let mut column = out.chars().rev().take_while(|c| *c != '\n').count();
    if key || !text.contains(' ') || column + text.len() <= WIDTH {
        return out.push_str(text);
    }
    let double = text.starts_with('"');
    let quotes = usize::from(double || text.starts_with('\''));
    let last = text.len() - 1 - quotes;
    let mut after_space = false;
    for (i, c) in text.char_indices() {
        let next_is_space = text[i + c.len_utf8()..].starts_with(' ');
        let inside = i > quotes && i < last;
        if c == ' ' && !after_space && column > WIDTH && inside && (double || !next_is_space) {
            out.push('\n');
            pad(out, indent);
            column = indent;
            if next_is_space {
                out.push('\\');
                column += 1;
            }
        } else {
            out.push(c);
            column += 1;
        }
        after_space = c == ' ';
    }
}

fn literal(out: &mut String, s: &str, indent: usize) {
    let body = s.trim_end_matches('\n');
    // The indent cannot be seen from a first line that begins with a blank.
    out.push_str(if s.starts_with([' ', '\n']) {
        "|2"
    } else {
        "|"
    });
    out.push_str(match s.len() - body.len() {
        0 => "-",
        1 if !body.is_empty() => "",
        _ => "+",
    });
    let text = s.strip_suffix('\n').unwrap_or(s);
    for line in text.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            pad(out, indent);
            out.push_str(line);
        }
    }
}

fn double_quoted(s: &str) -> String {
    let mut out = String::from("\"");
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0b' => out.push_str("\\v"),
            '\x0c' => out.push_str("\\f"),
            '\x1b' => out.push_str("\\e"),
            '\u{85}' => out.push_str("\\N"),
            c @ ('\u{feff}' | '\u{fffe}' | '\u{ffff}') => {
                out.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c @ '\u{10000}'.. => out.push_str(&format!("\\U{:08X}", u32::from(c))),
            c if c.is_control() => out.push_str(&format!("\\x{:02X}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Whether a string can stand without quotes.
fn plain_allowed(s: &str) -> bool {
    const FIRST: &[char] = &[
        '#', ',', '[', ']', '{', '}', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`',
    ];
    if s.is_empty() || s.starts_with(FIRST) || s.starts_with("---") || s.starts_with("...") {
        return false;
    }
    if s.starts_with(' ') || s.ends_with(' ') {
        return false;
    }
    let b = s.as_bytes();
    if matches!(b[0], b'-' | b'?' | b':') && b.get(1).is_none_or(|c| *c == b' ') {
        return false;
    }
    !(s.contains(": ") || s.ends_with(':') || s.contains(" #"))
}

/// `12:30:45`: a number in base 60 to old readers.
fn is_base60(s: &str) -> bool {
    let rest = s.strip_prefix(['-', '+']).unwrap_or(s);
    let timestamp = crate::time::parse(s).is_ok()
        || (s.len() == 10 && crate::time::parse(&format!("{s}T00:00:00Z")).is_ok());
    if timestamp {
        return true;
    }
    let mut parts = rest.split(':');
    let head = parts.next().unwrap_or_default();
    let digits = |p: &str| !p.is_empty() && p.bytes().all(|c| c.is_ascii_digit() || c == b'_');
    let mut more = 0;
    let tail = parts.all(|p| {
        more += 1;
        let p = p.split('.').next().unwrap_or_default();
        digits(p) && p.len() <= 2 && p < "60"
    });
    more > 0 && tail && digits(head)
}

/// Go's order of keys: runs of digits compare as numbers, letters come after the rest.
fn natural(a: &str, b: &str) -> std::cmp::Ordering {
    use std::cmp::Ordering::{Greater, Less};
    let (ar, br): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    for i in 0..ar.len().min(br.len()) {
        if ar[i] == br[i] {
            continue;
        }
        let (al, bl) = (ar[i].is_alphabetic(), br[i].is_alphabetic());
        if al && bl {
            return ar[i].cmp(&br[i]);
        }
        if al || bl {
            return if bl { Less } else { Greater };
        }
        // Zeros within a number count as digits of it, not as its start.
        let zero = ar[i] == '0' || br[i] == '0';
        let within = zero
            && ar[..i]
                .iter()
                .rev()
                .take_while(|c| c.is_ascii_digit())
                .any(|c| *c != '0');
        let number = |r: &[char]| {
            let digits = r[i..].iter().take_while(|c| c.is_ascii_digit());
            let digits = digits.filter_map(|c| c.to_digit(10)).map(u64::from);
            let start = u64::from(within);
            let value = digits
                .clone()
                .fold(start, |n, d| n.saturating_mul(10).saturating_add(d));
            (value, digits.count())
        };
        let ((an, ai), (bn, bi)) = (number(&ar), number(&br));
        return an.cmp(&bn).then(ai.cmp(&bi)).then(ar[i].cmp(&br[i]));
    }
    ar.len().cmp(&br.len())
}
