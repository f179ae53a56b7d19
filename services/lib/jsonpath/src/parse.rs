//! Text to nodes.

use catena_objects::Value;

use crate::{Error, Node, Operator, Path, Slice};

/// Filters and unions may hold paths, which may hold filters.
const MAX_NESTING: usize = 16;

pub(crate) fn path(text: &str) -> Result<Path, Error> {
    nested(text, MAX_NESTING)
}

fn nested(text: &str, left: usize) -> Result<Path, Error> {
    if left == 0 {
        return Err(fail("path is nested too deeply"));
    }
    let mut p = Parser {
        rest: text,
        nodes: Vec::new(),
        left,
    };
    p.run()?;
    Ok(Path(p.nodes))
}

fn fail(why: impl Into<String>) -> Error {
    Error(why.into())
}

struct Parser<'a> {
    rest: &'a str,
    nodes: Vec<Node>,
    left: usize,
}

fn ends_name(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}'
    )
}

impl<'a> Parser<'a> {
    fn run(&mut self) -> Result<(), Error> {
        while let Some(c) = self.rest.chars().next() {
            if let Some(rest) = self.rest.strip_prefix("[?(") {
                self.rest = rest;
                self.filter()?;
            } else if let Some(rest) = self.rest.strip_prefix("..") {
                self.rest = rest;
                self.recursive()?;
            } else {
                self.plain(c)?;
            }
        }
        Ok(())
    }

    fn plain(&mut self, c: char) -> Result<(), Error> {
        match c {
            ' ' | '@' | '$' => self.rest = &self.rest[1..],
            '.' => {
                self.rest = &self.rest[1..];
                self.field();
            }
            '[' => self.bracket()?,
            '"' | '\'' => self.quoted(c)?,
            '+' | '-' | '0'..='9' => self.number()?,
            c if c == '_' || c.is_alphanumeric() => {
                let name = self.take(|c| !ends_name(c));
                match name {
                    "true" | "false" => self.nodes.push(Node::Literal((name == "true").into())),
                    _ => return Err(fail(format!("unrecognized identifier {name}"))),
                }
            }
            c => return Err(fail(format!("unrecognized character in action: {c:?}"))),
        }
        Ok(())
    }

    fn take(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !keep(c)).unwrap_or(self.rest.len());
        let (head, tail) = self.rest.split_at(end);
        self.rest = tail;
        head
    }

    /// A member name; a backslash takes the next character as it is.
    fn field(&mut self) {
        let mut name = String::new();
        let mut chars = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((i, c)) = chars.next() {
            if c == '\\' {
                if let Some((_, c)) = chars.next() {
                    name.push(c);
                }
            } else if ends_name(c) {
                end = i;
                break;
            } else {
                name.push(c);
            }
        }
        self.rest = &self.rest[end..];
        self.nodes.push(if name == "*" {
            Node::Wildcard
        } else {
            Node::Field(name)
        });
    }

    fn recursive(&mut self) -> Result<(), Error> {
        if self.nodes.last() == Some(&Node::Recursive) {
            return Err(fail("invalid multiple recursive descent"));
        }
        self.nodes.push(Node::Recursive);
        if self
            .rest
            .starts_with(|c: char| c == '_' || c.is_alphanumeric())
        {
            self.field();
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Error> {
        let sign = usize::from(self.rest.starts_with(['+', '-']));
        let digits = self.rest[sign..].find(|c: char| c != '.' && !c.is_ascii_digit());
        let end = digits.map_or(self.rest.len(), |d| d + sign);
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        let value = match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(i), _) => Value::Int(i),
            (_, Ok(f)) => Value::Float(f),
            _ => return Err(fail(format!("cannot parse number {text}"))),
        };
        self.nodes.push(Node::Literal(value));
        Ok(())
    }

    fn quoted(&mut self, quote: char) -> Result<(), Error> {
        let mut out = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((i, c)) = chars.next() {
            if c == quote {
                self.rest = &self.rest[i + 1..];
                self.nodes.push(Node::Literal(out.into()));
                return Ok(());
            }
            match c {
                '\n' => break,
                '\\' => out.push(match chars.next().map(|(_, c)| c) {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some('r') => '\r',
                    Some(c) => c,
                    None => break,
                }),
                c => out.push(c),
            }
        }
        Err(fail("unterminated quoted string"))
    }

    fn bracket(&mut self) -> Result<(), Error> {
        let end = self
            .rest
            .find([']', '\n'])
            .filter(|i| self.rest[*i..].starts_with(']'));
        let Some(end) = end else {
            return Err(fail("unterminated array"));
        };
        let text = &self.rest[1..end];
        self.rest = &self.rest[end + 1..];
        if text.contains(',') {
            let parts: Result<Vec<Path>, Error> = text
                .split(',')
                .map(|part| nested(&format!("[{}]", part.trim_matches(' ')), self.left - 1))
                .collect();
            self.nodes.push(Node::Union(parts?));
            return Ok(());
        }
        let key = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\''));
        if let Some(key) = key.filter(|k| !k.contains('\'')) {
            self.nodes
                .extend(nested(&format!(".{key}"), self.left - 1)?.0);
            return Ok(());
        }
        self.nodes
            .push(Node::Slice(slice(if text == "*" { ":" } else { text })?));
        Ok(())
    }

    fn filter(&mut self) -> Result<(), Error> {
        let text = self.filter_text()?;
        let operator_at = text.find(['!', '<', '>', '=']).filter(|i| *i > 0);
        let Some(at) = operator_at else {
            let left = nested(text, self.left - 1)?;
            let right = Path(Vec::new());
            self.nodes.push(Node::Filter {
                left,
                operator: Operator::Exists,
                right,
            });
            return Ok(());
        };
        let (left, rest) = text.split_at(at);
        let length = rest
            .find(|c| !matches!(c, '!' | '<' | '>' | '='))
            .unwrap_or(rest.len());
        let (sign, right) = rest.split_at(length);
        let operator = match sign {
            "==" => Operator::Equal,
            "!=" => Operator::NotEqual,
            "<" => Operator::Less,
            "<=" => Operator::LessEqual,
            ">" => Operator::Greater,
            ">=" => Operator::GreaterEqual,
            other => return Err(fail(format!("unrecognized filter operator {other}"))),
        };
        let (left, right) = (nested(left, self.left - 1)?, nested(right, self.left - 1)?);
        self.nodes.push(Node::Filter {
            left,
            operator,
            right,
        });
        Ok(())
    }

    /// What stands between `[?(` and `)]`; quoted text may hold parentheses.
    fn filter_text(&mut self) -> Result<&'a str, Error> {
        let mut quote = None;
        let mut before = ' ';
        for (i, c) in self.rest.char_indices() {
            match (quote, c) {
                (_, '\n') => break,
                (None, '"' | '\'') => quote = Some(c),
                (Some(q), c) if c == q && before != '\\' => quote = None,
                (None, ')') => {
                    let (text, rest) = self.rest.split_at(i);
                    self.rest = rest
                        .strip_prefix(")]")
                        .ok_or_else(|| fail("unclosed array expect ]"))?;
                    return Ok(text);
                }
                _ => {}
            }
            before = c;
        }
        Err(fail("unterminated filter"))
    }
}

fn slice(text: &str) -> Result<Slice, Error> {
    let wrong = || fail(format!("invalid array index {text}"));
    let parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 3 || text.is_empty() {
        return Err(wrong());
    }
    let part = |i: usize| match parts.get(i) {
        None | Some(&"") => Ok(None),
        Some(p) => p.parse::<i64>().map(Some).map_err(|_| wrong()),
    };
    let (start, end, step) = (part(0)?, part(1)?, part(2)?);
    Ok(Slice {
        start,
        end,
        step,
        is_index: parts.len() == 1,
    })
}
