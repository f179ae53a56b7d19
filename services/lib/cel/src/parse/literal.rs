//! Constants.

use super::{Parser, Result, Token};
use crate::ast::{Expr, Literal};

impl Parser<'_> {
    pub(super) fn constant(&mut self) -> Result<Expr> {
        let from = self.here();
        let sign = self.peek() == Token::Minus;
        if sign {
            self.take();
        }
        if sign && !matches!(self.peek(), Token::Int | Token::Float) {
            return self.no_alternative(from);
        }
        let lexeme = self.take();
        let text = self.text(lexeme);
        let sign = if sign { "-" } else { "" };
        let value = match lexeme.token {
            Token::True => Ok(Literal::Bool(true)),
            Token::False => Ok(Literal::Bool(false)),
            Token::Null => Ok(Literal::Null),
            Token::Int => int(sign, &text).ok_or("invalid int literal"),
            Token::Uint => uint(&text[..text.len() - 1]).ok_or("invalid uint literal"),
            Token::Float => double(sign, &text).ok_or("invalid double literal"),
            Token::String => unescape(&text, false).and_then(|bytes| {
                let text = String::from_utf8(bytes).map_err(|_| "invalid unicode code point")?;
                Ok(Literal::String(text))
            }),
            _ => unescape(&text[1..], true).map(Literal::Bytes),
        };
        Ok(match value {
            Ok(value) => {
                let id = self.id(from);
                super::literal(id, value)
            }
            Err(why) => self.refuse(from, why),
        })
    }
}

fn int(sign: &str, text: &str) -> Option<Literal> {
    let value = match text.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(&format!("{sign}{hex}"), 16),
        None => format!("{sign}{text}").parse(),
    };
    value.ok().map(Literal::Int)
}

fn uint(text: &str) -> Option<Literal> {
    let value = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    value.ok().map(Literal::Uint)
}

fn double(sign: &str, text: &str) -> Option<Literal> {
    let value: f64 = format!("{sign}{text}").parse().ok()?;
    value.is_finite().then_some(Literal::Double(value))
}

const BAD: &str = "unable to unescape string";

/// The value of a quoted string.
fn unescape(text: &str, bytes: bool) -> std::result::Result<Vec<u8>, &'static str> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let raw = text.starts_with(['r', 'R']);
    let quoted = if raw { &text[1..] } else { &text };
    let triple = quoted.len() >= 6
        && (quoted.starts_with("'''") && quoted.ends_with("'''")
            || quoted.starts_with("\"\"\"") && quoted.ends_with("\"\"\""));
    let edge = if triple { 3 } else { 1 };
    let inner = quoted.get(edge..quoted.len() - edge).ok_or(BAD)?;
    if raw {
        return Ok(inner.as_bytes().to_vec());
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            push(&mut out, c);
            continue;
        }
        let escape = rest.next().ok_or(BAD)?;
        let plain = match escape {
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 11,
            '\\' | '\'' | '"' | '`' | '?' => escape as u8,
            _ => {
                let code = code(escape, &mut rest, bytes)?;
                match bytes {
                    true => out.push(u8::try_from(code).map_err(|_| BAD)?),
                    false => push(
                        &mut out,
                        char::from_u32(code).ok_or("invalid unicode code point")?,
                    ),
                }
                continue;
            }
        };
        out.push(plain);
    }
    Ok(out)
}

fn push(out: &mut Vec<u8>, c: char) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// The number of an escape sequence.
fn code(
    escape: char,
    rest: &mut std::str::Chars<'_>,
    bytes: bool,
) -> std::result::Result<u32, &'static str> {
    let (digits, radix, mut code) = match escape {
        'x' | 'X' => (2, 16, 0),
        'u' if !bytes => (4, 16, 0),
        'U' if !bytes => (8, 16, 0),
        '0'..='3' => (2, 8, escape as u32 - '0' as u32),
        _ => return Err(BAD),
    };
    for _ in 0..digits {
        let digit = rest.next().and_then(|c| c.to_digit(radix)).ok_or(BAD)?;
        code = code.checked_mul(radix).ok_or(BAD)? + digit;
    }
    Ok(code)
}
