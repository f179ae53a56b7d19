//! Patterns of file names.

use regex::Regex;

/// Whether a path fits a pattern of `.Files.Glob`: `*` stays within a folder, `**`
/// goes through them, `{a,b}` is one of several. As with Helm, a pattern that is none
/// fits everything.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    compiled(pattern, true).is_none_or(|regex| regex.is_match(path))
}

/// A pattern as a regular expression; `None` where it is no pattern. Alternatives and
/// `**` are there only where asked for.
pub(crate) fn compiled(pattern: &str, extended: bool) -> Option<Regex> {
    let mut out = String::from("^(?s:");
    let mut chars = pattern.chars().peekable();
    let mut braces = 0usize;
    while let Some(c) = chars.next() {
        match c {
            '*' if extended && chars.peek() == Some(&'*') => {
                chars.next();
                out.push_str(".*");
            }
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' => out.push_str(&class(&mut chars)?),
            '{' if extended => {
                braces += 1;
                out.push_str("(?:");
            }
            '}' if braces > 0 => {
                braces -= 1;
                out.push(')');
            }
            ',' if braces > 0 => out.push('|'),
            '\\' => out.push_str(&regex::escape(&chars.next()?.to_string())),
            c => out.push_str(&regex::escape(&c.to_string())),
        }
    }
    if braces > 0 {
        return None;
    }
    out.push_str(")$");
    Regex::new(&out).ok()
}

/// `[a-z]`, `[!a]`, `[^a]`; the bracket is past.
fn class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut out = String::from("[");
    if matches!(chars.peek(), Some('!' | '^')) {
        chars.next();
        out.push('^');
    }
    let mut empty = true;
    loop {
        match chars.next()? {
            ']' if !empty => break,
            '-' => out.push('-'),
            '\\' => out.push_str(&regex::escape(&chars.next()?.to_string())),
            c => out.push_str(&regex::escape(&c.to_string())),
        }
        empty = false;
    }
    out.push(']');
    Some(out)
}
