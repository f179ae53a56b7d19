//! The text of a template as tokens, as Go's `text/template/parse/lex.go` cuts it.

use super::token::{Kind, Token};

const LEFT: &str = "{{";
const RIGHT: &str = "}}";
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];
/// A minus and the space beside it.
const TRIM: usize = 2;

pub(crate) struct Lexer<'a> {
    input: &'a str,
    pos: usize,
    start: usize,
    line: usize,
    start_line: usize,
    parens: usize,
    inside: bool,
    /// After an error there is nothing more.
    failed: bool,
}

fn is_space(c: char) -> bool {
    SPACES.contains(&c)
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphabetic() || crate::format::is_digit(c)
}

fn left_trim(text: &str) -> bool {
    text.starts_with('-') && text[1..].starts_with(SPACES)
}

fn right_trim(text: &str) -> bool {
    text.starts_with(SPACES) && text[1..].starts_with('-')
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(input: &'a str) -> Self {
        Self {
            input,
            pos: 0,
            start: 0,
            line: 1,
            start_line: 1,
            parens: 0,
            inside: false,
            failed: false,
        }
    }

    pub(crate) fn token(&mut self) -> Token {
        if self.failed {
            return Token {
                kind: Kind::Eof,
                pos: self.pos,
                line: self.start_line,
                text: "EOF".to_owned(),
            };
        }
        if self.inside {
            return self.action();
        }
        self.text()
    }

    fn rest(&self) -> &'a str {
        &self.input[self.pos..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.advance(c.len_utf8());
        Some(c)
    }

    fn advance(&mut self, bytes: usize) {
        let passed = &self.input[self.pos..self.pos + bytes];
        self.line += passed.bytes().filter(|b| *b == b'\n').count();
        self.pos += bytes;
    }

    fn emit(&mut self, kind: Kind) -> Token {
        let token = Token {
            kind,
            pos: self.start,
            line: self.start_line,
            text: self.input[self.start..self.pos].to_owned(),
        };
        self.ignore();
        token
    }

    fn ignore(&mut self) {
        self.start = self.pos;
        self.start_line = self.line;
    }

    fn error(&mut self, text: impl Into<String>) -> Token {
        self.failed = true;
        Token {
            kind: Kind::Error,
            pos: self.start,
            line: self.start_line,
            text: text.into(),
        }
    }

    fn text(&mut self) -> Token {
        loop {
            let Some(at) = self.rest().find(LEFT) else {
                self.advance(self.rest().len());
                let kind = if self.pos > self.start {
                    Kind::Text
                } else {
                    Kind::Eof
                };
                return self.emit(kind);
            };
            if at > 0 {
                let text = &self.rest()[..at];
                let trims = left_trim(&self.rest()[at + LEFT.len()..]);
                let kept = if trims {
                    text.trim_end_matches(SPACES).len()
                } else {
                    at
                };
                self.advance(kept);
                let token = self.emit(Kind::Text);
                self.advance(at - kept);
                self.ignore();
                if !token.text.is_empty() {
                    return token;
                }
            }
            match self.left_delim() {
                Some(token) => return token,
                // A comment: what follows it is text again.
                None => continue,
            }
        }
    }

    fn left_delim(&mut self) -> Option<Token> {
        self.advance(LEFT.len());
        let marker = if left_trim(self.rest()) { TRIM } else { 0 };
        if self.rest()[marker..].starts_with("/*") {
            self.advance(marker);
            self.ignore();
            return self.comment();
        }
        let token = self.emit(Kind::LeftDelim);
        self.inside = true;
        self.advance(marker);
        self.ignore();
        self.parens = 0;
        Some(token)
    }

    /// Passes a comment; a token only where it is not closed.
    fn comment(&mut self) -> Option<Token> {
        let Some(end) = self.rest()[2..].find("*/") else {
            return Some(self.error("unclosed comment"));
        };
        self.advance(2 + end + 2);
        let (delim, trims) = self.at_right_delim();
        if !delim {
            return Some(self.error("comment ends before closing delimiter"));
        }
        self.pass_right_delim(trims);
        self.ignore();
        None
    }

    fn at_right_delim(&self) -> (bool, bool) {
        let rest = self.rest();
        if right_trim(rest) && rest[TRIM..].starts_with(RIGHT) {
            return (true, true);
        }
        (rest.starts_with(RIGHT), false)
    }

    fn pass_right_delim(&mut self, trims: bool) {
        if trims {
            self.advance(TRIM);
        }
        self.advance(RIGHT.len());
        if trims {
            let spaces = self.rest().len() - self.rest().trim_start_matches(SPACES).len();
            self.advance(spaces);
        }
    }

    fn right_delim(&mut self) -> Token {
        let (_, trims) = self.at_right_delim();
        if trims {
            self.advance(TRIM);
            self.ignore();
        }
        self.advance(RIGHT.len());
        let token = self.emit(Kind::RightDelim);
        if trims {
            let spaces = self.rest().len() - self.rest().trim_start_matches(SPACES).len();
            self.advance(spaces);
            self.ignore();
        }
        self.inside = false;
        token
    }

    fn action(&mut self) -> Token {
        if self.at_right_delim().0 {
            return match self.parens {
                0 => self.right_delim(),
                _ => self.error("unclosed left paren"),
            };
        }
        let Some(c) = self.peek() else {
            return self.error("unclosed action");
        };
        if is_space(c) {
            return self.space();
        }
        self.next();
        match c {
            '=' => self.emit(Kind::Assign),
            ':' => match self.next() {
                Some('=') => self.emit(Kind::Declare),
                _ => self.error("expected :="),
            },
            '|' => self.emit(Kind::Pipe),
            '"' => self.quoted('"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant"),
            '`' => self.raw(),
            '$' => self.name(Kind::Variable),
            '.' if !self.peek().is_some_and(|c| c.is_ascii_digit()) => match self.peek() {
                // At the end of the text Go takes the dot for a number.
                None => self.number(c),
                Some(_) => self.name(Kind::Field),
            },
            '.' | '+' | '-' | '0'..='9' => self.number(c),
            c if is_word(c) => self.identifier(),
            '(' => {
                self.parens += 1;
                self.emit(Kind::LeftParen)
            }
            ')' if self.parens == 0 => self.error("unexpected right paren"),
            ')' => {
                self.parens -= 1;
                self.emit(Kind::RightParen)
            }
            c if c.is_ascii_graphic() => self.emit(Kind::Char),
            c => self.error(format!(
                "unrecognized character in action: {}",
                crate::format::unicode(c)
            )),
        }
    }

    /// A run of spaces; the last one may be that of a right trim marker.
    fn space(&mut self) -> Token {
        while self.peek().is_some_and(is_space) {
            let before = &self.input[self.pos..];
            if right_trim(before) && before[TRIM..].starts_with(RIGHT) {
                if self.pos == self.start {
                    return self.right_delim();
                }
                break;
            }
            self.next();
        }
        self.emit(Kind::Space)
    }

    fn quoted(&mut self, end: char, kind: Kind, unterminated: &str) -> Token {
        loop {
            match self.next() {
                Some('\\') => match self.next() {
                    None | Some('\n') => return self.error(unterminated),
                    Some(_) => {}
                },
                None | Some('\n') => return self.error(unterminated),
                Some(c) if c == end => return self.emit(kind),
                Some(_) => {}
            }
        }
    }

    fn raw(&mut self) -> Token {
        loop {
            match self.next() {
                None => return self.error("unterminated raw quoted string"),
                Some('`') => return self.emit(Kind::RawString),
                Some(_) => {}
            }
        }
    }

    fn pass_word(&mut self) {
        while self.peek().is_some_and(is_word) {
            self.next();
        }
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(c) => is_space(c) || self.rest().starts_with(RIGHT),
        }
    }

    fn bad_character(&mut self) -> Token {
        let shown = self.peek().map(crate::format::unicode).unwrap_or_default();
        self.error(format!("bad character {shown}"))
    }

    fn identifier(&mut self) -> Token {
        self.pass_word();
        if !self.at_terminator() {
            return self.bad_character();
        }
        let word = &self.input[self.start..self.pos];
        let kind = match word {
            "true" | "false" => Kind::Bool,
            word => Kind::keyword(word).unwrap_or(Kind::Identifier),
        };
        self.emit(kind)
    }

    /// `.name`, `$name`, or `.` and `$` alone.
    fn name(&mut self, kind: Kind) -> Token {
        if self.at_terminator() {
            return self.emit(match kind {
                Kind::Field => Kind::Dot,
                other => other,
            });
        }
        self.pass_word();
        if !self.at_terminator() {
            return self.bad_character();
        }
        self.emit(kind)
    }

    fn number(&mut self, first: char) -> Token {
        self.pos -= first.len_utf8();
        if !self.scan_number() {
            return self.bad_number();
        }
        if matches!(self.peek(), Some('+' | '-')) {
            if !self.scan_number() || !self.input[..self.pos].ends_with('i') {
                return self.bad_number();
            }
            return self.emit(Kind::Complex);
        }
        self.emit(Kind::Number)
    }

    fn bad_number(&mut self) -> Token {
        let shown = crate::format::quote(&self.input[self.start..self.pos]);
        self.error(format!("bad number syntax: {shown}"))
    }

    fn accept(&mut self, set: &str) -> bool {
        let found = self.peek().is_some_and(|c| set.contains(c));
        if found {
            self.next();
        }
        found
    }

    fn accept_run(&mut self, set: &str) {
        while self.accept(set) {}
    }

    fn scan_number(&mut self) -> bool {
        const DECIMAL: &str = "0123456789_";
        const HEX: &str = "0123456789abcdefABCDEF_";
        self.accept("+-");
        let mut digits = DECIMAL;
        if self.accept("0") {
            if self.accept("xX") {
                digits = HEX;
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        if digits == DECIMAL && self.accept("eE") || digits == HEX && self.accept("pP") {
            self.accept("+-");
            self.accept_run(DECIMAL);
        }
        self.accept("i");
        if self.peek().is_some_and(is_word) {
            self.next();
            return false;
        }
        true
    }
}
