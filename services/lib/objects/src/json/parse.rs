//! Parsing: one pass, depth-limited, duplicate members reported.

use compact_str::CompactString;

use crate::{Map, Value};

/// Nesting limit. kube-apiserver allows 10,000; nothing real comes near 1,000,
/// and this keeps every recursive walk of a tree within a thread's stack.
pub const MAX_DEPTH: usize = 1_000;

/// Why a text is not JSON, worded as Go's decoder does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub message: String,
    /// Byte offset of the offending character.
    pub offset: usize,
}

/// A tree and the members that stood twice in it.
#[derive(Clone, Debug)]
pub struct Parsed {
    pub value: Value,
    /// Paths (`spec.containers[0].name`) of repeated members, in order of
    /// appearance. The last value wins, as in Go.
    pub duplicates: Vec<String>,
}

/// Parses one JSON text. The last of repeated members wins.
pub fn parse(text: &[u8]) -> Result<Value, Error> {
    run(text, false).map(|p| p.value)
}

/// As [`parse`], and reports repeated members.
pub fn parse_strict(text: &[u8]) -> Result<Parsed, Error> {
    run(text, true)
}

fn run(text: &[u8], report: bool) -> Result<Parsed, Error> {
    let mut p = Parser {
        text,
        at: 0,
        depth: 0,
        report,
        path: Vec::new(),
        duplicates: Vec::new(),
    };
    p.space();
    let value = p.value()?;
    p.space();
    if let Some(&c) = p.text.get(p.at) {
        return Err(p.unexpected(c, "after top-level value"));
    }
    Ok(Parsed {
        value,
        duplicates: p.duplicates,
    })
}

enum Step {
    Member(CompactString),
    Index(usize),
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
    report: bool,
    path: Vec<Step>,
    duplicates: Vec<String>,
}

impl Parser<'_> {
    fn space(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn fail<T>(&self, message: impl Into<String>) -> Result<T, Error> {
        Err(Error {
            message: message.into(),
            offset: self.at,
        })
    }

    fn unexpected(&self, c: u8, place: &str) -> Error {
        let shown = match c {
            b'\'' => r"'\''".to_owned(),
            b'"' => "'\"'".to_owned(),
            0x20..=0x7e => format!("'{}'", c as char),
            b'\n' => r"'\n'".to_owned(),
            b'\t' => r"'\t'".to_owned(),
            b'\r' => r"'\r'".to_owned(),
            0x80.. => format!("'{}'", char::from(c)),
            _ => format!("'\\x{c:02x}'"),
        };
        Error {
            message: format!("invalid character {shown} {place}"),
            offset: self.at,
        }
    }

    fn need(&self) -> Result<u8, Error> {
        match self.text.get(self.at) {
            Some(&c) => Ok(c),
            None => self.fail("unexpected end of JSON input"),
        }
    }

    fn value(&mut self) -> Result<Value, Error> {
        match self.need()? {
            b'{' => self.nested(Self::object),
            b'[' => self.nested(Self::array),
            b'"' => Ok(Value::String(self.string()?)),
            b't' => self.literal("true", Value::Bool(true)),
            b'f' => self.literal("false", Value::Bool(false)),
            b'n' => self.literal("null", Value::Null),
            b'-' | b'0'..=b'9' => self.number(),
            c => Err(self.unexpected(c, "looking for beginning of value")),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Error>) -> Result<Value, Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.fail("exceeded max depth");
        }
        self.at += 1;
        let v = read(self)?;
        self.depth -= 1;
        Ok(v)
    }

    fn object(&mut self) -> Result<Value, Error> {
        let mut map = Map::new();
        self.space();
        if self.need()? == b'}' {
            self.at += 1;
            return Ok(map.into());
        }
        loop {
            self.space();
            match self.need()? {
                b'"' => {}
                c => return Err(self.unexpected(c, "looking for beginning of object key string")),
            }
            let key = self.string()?;
            self.space();
            match self.need()? {
                b':' => self.at += 1,
                c => return Err(self.unexpected(c, "after object key")),
            }
            self.space();
            if self.report {
                self.path.push(Step::Member(key.clone()));
                if map.contains_key(&key) {
                    let path = self.path_text();
                    self.duplicates.push(path);
                }
            }
            let value = self.value()?;
            if self.report {
                self.path.pop();
            }
            map.insert(key, value);
            self.space();
            match self.need()? {
                b',' => self.at += 1,
                b'}' => break,
                c => return Err(self.unexpected(c, "after object key:value pair")),
            }
        }
        self.at += 1;
        Ok(map.into())
    }

    fn array(&mut self) -> Result<Value, Error> {
        let mut items = Vec::new();
        self.space();
        if self.need()? == b']' {
            self.at += 1;
            return Ok(items.into());
        }
        loop {
            self.space();
            if self.report {
                self.path.push(Step::Index(items.len()));
            }
            items.push(self.value()?);
            if self.report {
                self.path.pop();
            }
            self.space();
            match self.need()? {
                b',' => self.at += 1,
                b']' => break,
                c => return Err(self.unexpected(c, "after array element")),
            }
        }
        self.at += 1;
        Ok(items.into())
    }

    fn path_text(&self) -> String {
        let mut out = String::new();
        for step in &self.path {
            match step {
                Step::Member(name) => {
                    if !out.is_empty() {
                        out.push('.');
                    }
                    out.push_str(name);
                }
                Step::Index(i) => out.push_str(&format!("[{i}]")),
            }
        }
        out
    }

    fn literal(&mut self, word: &str, value: Value) -> Result<Value, Error> {
        for (i, want) in word.bytes().enumerate() {
            let c = self.need()?;
            if c != want {
                let place = format!("in literal {word} (expecting '{}')", want as char);
                debug_assert!(i > 0);
                return Err(self.unexpected(c, &place));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn digits(&mut self, place: &str) -> Result<(), Error> {
        match self.need()? {
            b'0'..=b'9' => {}
            c => return Err(self.unexpected(c, place)),
        }
        while matches!(self.text.get(self.at), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, Error> {
        let start = self.at;
        let mut float = false;
        if self.text[self.at] == b'-' {
            self.at += 1;
        }
        if self.text.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.text.get(self.at) == Some(&b'.') {
            float = true;
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            float = true;
            self.at += 1;
            if matches!(self.text.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        let digits = std::str::from_utf8(&self.text[start..self.at]).unwrap_or_default();
        if !float && let Ok(i) = digits.parse::<i64>() {
            return Ok(Value::Int(i));
        }
        match digits.parse::<f64>() {
            Ok(f) if f.is_finite() => Ok(Value::Float(f)),
            _ => self.fail(format!(
                "json: cannot unmarshal number {digits} into Go value of type float64"
            )),
        }
    }

    /// At an opening quote. Invalid UTF-8 becomes U+FFFD, as in Go.
    fn string(&mut self) -> Result<CompactString, Error> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.need()? {
                b'"' => {
                    let raw = &self.text[start..self.at];
                    self.at += 1;
                    return Ok(CompactString::from_utf8_lossy(raw));
                }
                b'\\' => break,
                c if c < 0x20 => return Err(self.unexpected(c, "in string literal")),
                _ => self.at += 1,
            }
        }
        let mut buf = self.text[start..self.at].to_vec();
        loop {
            let c = self.need()?;
            self.at += 1;
            match c {
                b'"' => return Ok(CompactString::from_utf8_lossy(&buf)),
                b'\\' => self.escape(&mut buf)?,
                c if c < 0x20 => {
                    self.at -= 1;
                    return Err(self.unexpected(c, "in string literal"));
                }
                c => buf.push(c),
            }
        }
    }

    /// After a backslash.
    fn escape(&mut self, buf: &mut Vec<u8>) -> Result<(), Error> {
        let c = self.need()?;
        let plain = match c {
            b'"' | b'\\' | b'/' => c,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                self.at += 1;
                let ch = self.unicode()?;
                buf.extend_from_slice(ch.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            c => return Err(self.unexpected(c, "in string escape code")),
        };
        self.at += 1;
        buf.push(plain);
        Ok(())
    }

    fn hex4(&mut self) -> Result<u32, Error> {
        let mut code = 0;
        for _ in 0..4 {
            let c = self.need()?;
            let Some(digit) = (c as char).to_digit(16) else {
                return Err(self.unexpected(c, "in \\u hexadecimal character escape"));
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    /// After `\u`. A lone surrogate becomes U+FFFD, as in Go.
    fn unicode(&mut self) -> Result<char, Error> {
        let first = self.hex4()?;
        if (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with(b"\\u") {
            let back = self.at;
            self.at += 2;
            let second = self.hex4()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = back;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}
