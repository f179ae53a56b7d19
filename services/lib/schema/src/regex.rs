//! Go's regular expressions (RE2 syntax) on a linear-time engine.
//!
//! The engine reads Rust's dialect; what differs is rewritten: Perl classes and
//! `\b` are ASCII, `[`, `&&`, `--`, `~~` inside brackets and stray braces are
//! literals, `\Q…\E`, octal escapes.

use regex_automata::{meta::Regex, util::syntax};

/// Bound on a compiled pattern.
const SIZE_LIMIT: usize = 1 << 20;

const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// Compiles a pattern of Go.
///
/// # Errors
/// A message as Go's `regexp.Compile` words it, `error parsing regexp: …`.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    let rust = translate(pattern).map_err(|why| format!("error parsing regexp: {why}"))?;
    Regex::builder()
        .configure(Regex::config().nfa_size_limit(Some(SIZE_LIMIT)))
        .syntax(syntax::Config::new().nest_limit(200))
        .build(&rust)
        .map_err(|_| format!("error parsing regexp: invalid syntax: `{pattern}`"))
}

fn translate(pattern: &str) -> Result<String, String> {
    let mut t = Translator {
        rest: pattern,
        out: String::with_capacity(pattern.len() + 8),
        depth: 0,
        atom: false,
    };
    while let Some(c) = t.next() {
        t.step(c, pattern)?;
    }
    if t.depth > 0 {
        return Err(format!("missing closing ): `{pattern}`"));
    }
    Ok(t.out)
}

struct Translator<'a> {
    rest: &'a str,
    out: String,
    depth: usize,
    /// Something stands before that can be repeated.
    atom: bool,
}

impl Translator<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn step(&mut self, c: char, pattern: &str) -> Result<(), String> {
        match c {
            '\\' => {
                let item = self.escape(false)?;
                self.out.push_str(&item);
                self.atom = true;
            }
            '[' => {
                self.class()?;
                self.atom = true;
            }
            '(' => {
                self.depth += 1;
                if self.rest.starts_with('?') {
                    self.group()?;
                } else {
                    self.out.push('(');
                }
                self.atom = false;
            }
            ')' => {
                self.depth = self
                    .depth
                    .checked_sub(1)
                    .ok_or_else(|| format!("unexpected ): `{pattern}`"))?;
                self.out.push(')');
                self.atom = true;
            }
            '*' | '+' | '?' => {
                if !self.atom {
                    return Err(format!("missing argument to repetition operator: `{c}`"));
                }
                self.repeat(c)?;
            }
            '{' => self.braces()?,
            '}' | ']' => {
                self.out.push('\\');
                self.out.push(c);
                self.atom = true;
            }
            '|' | '^' => {
                self.out.push(c);
                self.atom = c == '^';
            }
            '#' | '&' | '~' | '-' | ' ' | '<' | '>' => {
                self.out.push(c);
                self.atom = true;
            }
            _ => {
                self.out.push(c);
                self.atom = true;
            }
        }
        Ok(())
    }

    /// `*`, `+`, `?`, with an optional lazy mark; a second operator is an error in Go.
    fn repeat(&mut self, c: char) -> Result<(), String> {
        self.out.push(c);
        if self.rest.starts_with('?') {
            self.next();
            self.out.push('?');
        }
        match self.rest.chars().next() {
            Some(next @ ('*' | '+' | '?')) => {
                Err(format!("invalid nested repetition operator: `{c}{next}`"))
            }
            _ => Ok(()),
        }
    }

    /// A repetition `{n}`, `{n,}`, `{n,m}`; any other brace is a literal.
    fn braces(&mut self) -> Result<(), String> {
        let count = self
            .rest
            .split_once('}')
            .map(|(inner, _)| inner)
            .filter(|inner| {
                let (min, max) = inner.split_once(',').unwrap_or((inner, "0"));
                !min.is_empty()
                    && min.bytes().all(|b| b.is_ascii_digit())
                    && max.bytes().all(|b| b.is_ascii_digit())
            });
        let Some(count) = count else {
            self.out.push_str("\\{");
            self.atom = true;
            return Ok(());
        };
        let text = format!("{{{count}}}");
        if !self.atom {
            return Err(format!("missing argument to repetition operator: `{text}`"));
        }
        let bounds: Vec<u32> = count
            .split(',')
            .filter(|n| !n.is_empty())
            .map(|n| n.parse().unwrap_or(u32::MAX))
            .collect();
        if bounds.iter().any(|n| *n > 1000) || bounds.get(1).is_some_and(|max| *max < bounds[0]) {
            return Err(format!("invalid repeat count: `{text}`"));
        }
        self.rest = &self.rest[count.len() + 1..];
        self.out.push_str(&text);
        if self.rest.starts_with('?') {
            self.next();
            self.out.push('?');
        }
        match self.rest.chars().next() {
            Some(next @ ('*' | '+' | '?')) => Err(format!(
                "invalid nested repetition operator: `{text}{next}`"
            )),
            Some('{') if self.rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                let next: String = self.rest.chars().take_while(|c| *c != '}').collect();
                Err(format!(
                    "invalid nested repetition operator: `{text}{next}}}`"
                ))
            }
            _ => Ok(()),
        }
    }

    /// After `(`: flags, names. Look-around and other flags are errors in Go.
    fn group(&mut self) -> Result<(), String> {
        let head: String = self
            .rest
            .chars()
            .take_while(|c| !matches!(c, ':' | ')' | '>'))
            .collect();
        let named = head.starts_with("?P<")
            || (head.starts_with("?<") && !head.starts_with("?<=") && !head.starts_with("?<!"));
        if named {
            // Nothing asks for names, and Rust has other rules for them.
            let name = head.rsplit('<').next().unwrap_or_default();
            let rest = &self.rest[head.len()..];
            let plain = !name.is_empty() && name.chars().all(|c| c == '_' || c.is_alphanumeric());
            if !plain || !rest.starts_with('>') {
                return Err(format!(
                    "invalid named capture: `({head}{}`",
                    rest.get(..1).unwrap_or_default()
                ));
            }
            self.out.push('(');
            self.rest = &rest[1..];
            return Ok(());
        }
        if !head[1..]
            .chars()
            .all(|c| matches!(c, 'i' | 'm' | 's' | 'U' | '-'))
        {
            let shown: String = self.rest.chars().take(2).collect();
            return Err(format!("invalid or unsupported Perl syntax: `({shown}`"));
        }
        self.out.push('(');
        self.out.push_str(&head);
        self.rest = &self.rest[head.len()..];
        if let Some(c) = self.next() {
            self.out.push(c);
            if c == ')' {
                self.depth -= 1;
            }
        }
        Ok(())
    }

    /// After a backslash. In Go Perl classes and word boundaries are ASCII.
    fn escape(&mut self, in_class: bool) -> Result<String, String> {
        let Some(c) = self.next() else {
            return Err("trailing backslash at end of expression: ``".to_owned());
        };
        Ok(match c {
            'd' if in_class => "0-9".to_owned(),
            'w' if in_class => "0-9A-Za-z_".to_owned(),
            's' if in_class => "\\t\\n\\x0C\\r\\x20".to_owned(),
            'd' => "[0-9]".to_owned(),
            'w' => "[0-9A-Za-z_]".to_owned(),
            's' => "[\\t\\n\\x0C\\r\\x20]".to_owned(),
            'D' => "[^0-9]".to_owned(),
            'W' => "[^0-9A-Za-z_]".to_owned(),
            'S' => "[^\\t\\n\\x0C\\r\\x20]".to_owned(),
            'b' | 'B' if !in_class => format!("(?-u:\\{c})"),
            'A' | 'z' if !in_class => format!("\\{c}"),
            'a' => "\\x07".to_owned(),
            'f' | 'n' | 'r' | 't' | 'v' => format!("\\{c}"),
            'Q' if !in_class => self.quoted(),
            'x' => self.hex()?,
            'p' | 'P' => {
                let name: String = if self.rest.starts_with('{') {
                    self.rest
                        .chars()
                        .take_while(|c| *c != '}')
                        .chain(['}'])
                        .collect()
                } else {
                    self.rest.chars().take(1).collect()
                };
                self.rest = self.rest.get(name.len()..).unwrap_or_default();
                match name.strip_prefix("{^") {
                    Some(rest) if c == 'p' => format!("\\P{{{rest}"),
                    Some(rest) => format!("\\p{{{rest}"),
                    None => format!("\\{c}{name}"),
                }
            }
            '0'..='7' if c == '0' || self.rest.starts_with(|d| matches!(d, '0'..='7')) => {
                let mut code = c as u32 - '0' as u32;
                for _ in 0..2 {
                    match self.rest.chars().next() {
                        Some(d @ '0'..='7') => {
                            code = code * 8 + (d as u32 - '0' as u32);
                            self.next();
                        }
                        _ => break,
                    }
                }
                format!("\\x{{{code:x}}}")
            }
            c if c.is_ascii_alphanumeric() => {
                return Err(format!("invalid escape sequence: `\\{c}`"));
            }
            // Rust gives `\<` and `\>` a meaning; in Go they are the character.
            '<' | '>' | '_' | ' ' | '"' | '\'' | '!' | '%' | ',' | '/' | ':' | ';' | '=' | '@'
            | '`' => c.to_string(),
            c if c.is_ascii() => format!("\\{c}"),
            c => return Err(format!("invalid escape sequence: `\\{c}`")),
        })
    }

    fn hex(&mut self) -> Result<String, String> {
        let digits: String = if let Some(rest) = self.rest.strip_prefix('{') {
            let d: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
            self.rest = rest.get(d.len() + 1..).unwrap_or_default();
            d
        } else {
            let d: String = self
                .rest
                .chars()
                .take(2)
                .filter(char::is_ascii_hexdigit)
                .collect();
            self.rest = self.rest.get(d.len()..).unwrap_or_default();
            d
        };
        match u32::from_str_radix(&digits, 16)
            .ok()
            .and_then(char::from_u32)
        {
            Some(_) => Ok(format!("\\x{{{digits}}}")),
            None => Err(format!("invalid escape sequence: `\\x{digits}`")),
        }
    }

    /// `\Q…\E`, or to the end.
    fn quoted(&mut self) -> String {
        let (text, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
        self.rest = rest;
        regex_syntax::escape(text)
    }

    /// A bracket expression; what Rust adds to them is escaped.
    fn class(&mut self) -> Result<(), String> {
        let whole = self.rest;
        self.out.push('[');
        if self.rest.starts_with('^') {
            self.next();
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let Some(c) = self.next() else {
                return Err(format!("missing closing ]: `[{whole}`"));
            };
            match c {
                ']' if !first => break,
                ']' => self.out.push_str("\\]"),
                '[' if self.rest.starts_with(':') => self.posix()?,
                '[' | '&' | '~' | '^' => {
                    self.out.push('\\');
                    self.out.push(c);
                }
                '-' if first || self.rest.starts_with(']') => self.out.push_str("\\-"),
                '-' if self.rest.starts_with('-') => {
                    self.next();
                    self.out.push_str("-\\-");
                }
                '\\' => {
                    let item = self.escape(true)?;
                    self.out.push_str(&item);
                    // After a Perl class a hyphen is itself.
                    if item.len() > 3 && !item.starts_with("\\x") && self.rest.starts_with('-') {
                        self.next();
                        self.out.push_str("\\-");
                    }
                }
                c => self.out.push(c),
            }
            first = false;
        }
        self.out.push(']');
        Ok(())
    }

    fn posix(&mut self) -> Result<(), String> {
        match self.rest.split_once(":]") {
            Some(("", _)) | None => {
                self.out.push_str("\\[");
                Ok(())
            }
            Some((name, _)) if !POSIX.contains(&name[1..].trim_start_matches('^')) => {
                Err(format!("invalid character class range: `[{name}:]`"))
            }
            Some((name, rest)) => {
                self.out.push('[');
                self.out.push_str(name);
                self.out.push_str(":]");
                self.rest = rest;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
