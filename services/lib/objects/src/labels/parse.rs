//! The text form of a label selector. Errors are worded as Go's parser does.

use std::collections::BTreeSet;

use super::{Operator, Requirement};
use crate::field::{Error, Path};
use crate::names;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Bad,
    End,
    Close,
    Comma,
    Not,
    DoubleEquals,
    Equals,
    Greater,
    Identifier,
    In,
    Less,
    NotEquals,
    NotIn,
    Open,
}

struct Item {
    token: Token,
    literal: String,
}

fn special(c: u8) -> bool {
    matches!(c, b'=' | b'!' | b'(' | b')' | b',' | b'>' | b'<')
}

fn symbol(s: &[u8]) -> Option<Token> {
    Some(match s {
        b")" => Token::Close,
        b"," => Token::Comma,
        b"!" => Token::Not,
        b"==" => Token::DoubleEquals,
        b"=" => Token::Equals,
        b">" => Token::Greater,
        b"<" => Token::Less,
        b"!=" => Token::NotEquals,
        b"(" => Token::Open,
        _ => return None,
    })
}

fn lossy(s: &[u8]) -> String {
    String::from_utf8_lossy(s).into_owned()
}

/// Splits the text; a NUL ends it, as in Go.
fn scan(text: &str) -> Vec<Item> {
    let bytes = text.split('\0').next().unwrap_or_default().as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    loop {
        while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            at += 1;
        }
        let Some(&c) = bytes.get(at) else {
            out.push(Item {
                token: Token::End,
                literal: String::new(),
            });
            return out;
        };
        let start = at;
        if !special(c) {
            while bytes
                .get(at)
                .is_some_and(|c| !special(*c) && !c.is_ascii_whitespace())
            {
                at += 1;
            }
            let literal = lossy(&bytes[start..at]);
            let token = match literal.as_str() {
                "in" => Token::In,
                "notin" => Token::NotIn,
                _ => Token::Identifier,
            };
            out.push(Item { token, literal });
            if at == start {
                // A form feed is white space to Rust alone.
                at += 1;
            }
            continue;
        }
        let mut best = None;
        while bytes.get(at).is_some_and(|c| special(*c)) {
            match symbol(&bytes[start..=at]) {
                Some(token) => best = Some(token),
                None if best.is_some() => break,
                None => {}
            }
            at += 1;
        }
        out.push(match best {
            Some(token) => Item {
                token,
                literal: lossy(&bytes[start..at]),
            },
            None => Item {
                token: Token::Bad,
                literal: format!(
                    "error expected: keyword found '{}'",
                    lossy(&bytes[start..at])
                ),
            },
        });
    }
}

struct Parser {
    items: Vec<Item>,
    at: usize,
}

pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, String> {
    let mut p = Parser {
        items: scan(text),
        at: 0,
    };
    let mut out = Vec::new();
    loop {
        match p.peek() {
            (Token::Identifier | Token::Not, _) => {
                let r = p
                    .requirement()
                    .map_err(|e| format!("unable to parse requirement: {e}"))?;
                out.push(r);
                match p.next() {
                    (Token::End, _) => return Ok(out),
                    (Token::Comma, _) => match p.peek() {
                        (Token::Identifier | Token::Not, _) => {}
                        (_, l) => {
                            return Err(format!("found '{l}', expected: identifier after ','"));
                        }
                    },
                    (_, l) => return Err(format!("found '{l}', expected: ',' or 'end of string'")),
                }
            }
            (Token::End, _) => return Ok(out),
            (_, l) => {
                return Err(format!(
                    "found '{l}', expected: !, identifier, or 'end of string'"
                ));
            }
        }
    }
}

impl Parser {
    /// `in` and `notin` are words where a value or key may stand.
    fn word(item: &Item) -> (Token, String) {
        let token = match item.token {
            Token::In | Token::NotIn => Token::Identifier,
            t => t,
        };
        (token, item.literal.clone())
    }

    /// The list ends in `End`, which is never passed.
    fn item(&self, at: usize) -> &Item {
        &self.items[at.min(self.items.len() - 1)]
    }

    fn peek(&self) -> (Token, String) {
        Self::word(self.item(self.at))
    }

    fn next(&mut self) -> (Token, String) {
        self.at += 1;
        Self::word(self.item(self.at - 1))
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let (mut token, mut key) = self.next();
        let negated = token == Token::Not;
        if negated {
            (token, key) = self.next();
        }
        if token != Token::Identifier {
            return Err(format!("found '{key}', expected: identifier"));
        }
        let bad = names::label_key(&key);
        if !bad.is_empty() {
            // Go prints the path it was not given.
            let path = Path::new("<nil>");
            return Err(Error::invalid(&path, key.as_str(), bad.join("; ")).to_string());
        }
        if negated {
            return Requirement::new(&key, Operator::DoesNotExist, Vec::new());
        }
        if matches!(self.peek().0, Token::End | Token::Comma) {
            return Requirement::new(&key, Operator::Exists, Vec::new());
        }
        let operator = self.operator()?;
        let values = match operator {
            Operator::In | Operator::NotIn => self.values()?,
            _ => self.exact_value()?,
        };
        Requirement::new(&key, operator, values.into_iter().collect())
    }

    fn operator(&mut self) -> Result<Operator, String> {
        let item = self.item(self.at);
        let operator = match item.token {
            Token::In => Operator::In,
            Token::Equals => Operator::Equals,
            Token::DoubleEquals => Operator::DoubleEquals,
            Token::Greater => Operator::GreaterThan,
            Token::Less => Operator::LessThan,
            Token::NotIn => Operator::NotIn,
            Token::NotEquals => Operator::NotEquals,
            _ => {
                let l = &item.literal;
                return Err(format!(
                    "found '{l}', expected: in, notin, =, ==, !=, gt, lt"
                ));
            }
        };
        self.at += 1;
        Ok(operator)
    }

    fn values(&mut self) -> Result<BTreeSet<String>, String> {
        let (token, l) = self.next();
        if token != Token::Open {
            return Err(format!("found '{l}' expected: '('"));
        }
        let (token, l) = self.peek();
        match token {
            Token::Identifier | Token::Comma => {
                let set = self.list()?;
                if self.next().0 != Token::Close {
                    return Err(format!("found '{l}', expected: ')'"));
                }
                Ok(set)
            }
            Token::Close => {
                self.next();
                Ok(BTreeSet::from([String::new()]))
            }
            _ => Err(format!("found '{l}', expected: ',', ')' or identifier")),
        }
    }

    fn list(&mut self) -> Result<BTreeSet<String>, String> {
        let mut set = BTreeSet::new();
        loop {
            match self.next() {
                (Token::Identifier, l) => {
                    set.insert(l);
                    match self.peek() {
                        (Token::Comma, _) => {}
                        (Token::Close, _) => return Ok(set),
                        (_, l) => return Err(format!("found '{l}', expected: ',' or ')'")),
                    }
                }
                (Token::Comma, _) => {
                    if set.is_empty() {
                        set.insert(String::new());
                    }
                    match self.peek().0 {
                        Token::Close => {
                            set.insert(String::new());
                            return Ok(set);
                        }
                        Token::Comma => {
                            set.insert(String::new());
                        }
                        _ => {}
                    }
                }
                (_, l) => return Err(format!("found '{l}', expected: ',', or identifier")),
            }
        }
    }

    fn exact_value(&mut self) -> Result<BTreeSet<String>, String> {
        if matches!(self.peek().0, Token::End | Token::Comma) {
            return Ok(BTreeSet::from([String::new()]));
        }
        match self.next() {
            (Token::Identifier, l) => Ok(BTreeSet::from([l])),
            (_, l) => Err(format!("found '{l}', expected: identifier")),
        }
    }
}
