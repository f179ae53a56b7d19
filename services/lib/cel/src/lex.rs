//! Tokens of CEL (the lexer rules of the language definition).

use crate::source::{Problems, Source};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Token {
    Eof,
    Equals,
    NotEquals,
    In,
    Less,
    LessEquals,
    GreaterEquals,
    Greater,
    And,
    Or,
    LBracket,
    RBracket,
    LBrace,
    RBrace,
    LParen,
    RParen,
    Dot,
    Comma,
    Minus,
    Exclam,
    Question,
    Colon,
    Plus,
    Star,
    Slash,
    Percent,
    True,
    False,
    Null,
    Float,
    Int,
    Uint,
    String,
    Bytes,
    Ident,
    EscapedIdent,
}

impl Token {
    /// As errors name it.
    pub(crate) fn display(self) -> &'static str {
        use Token::*;
        match self {
            Eof => "<EOF>",
            Equals => "'=='",
            NotEquals => "'!='",
            In => "'in'",
            Less => "'<'",
            LessEquals => "'<='",
            GreaterEquals => "'>='",
            Greater => "'>'",
            And => "'&&'",
            Or => "'||'",
            LBracket => "'['",
            RBracket => "']'",
            LBrace => "'{'",
            RBrace => "'}'",
            LParen => "'('",
            RParen => "')'",
            Dot => "'.'",
            Comma => "','",
            Minus => "'-'",
            Exclam => "'!'",
            Question => "'?'",
            Colon => "':'",
            Plus => "'+'",
            Star => "'*'",
            Slash => "'/'",
            Percent => "'%'",
            True => "'true'",
            False => "'false'",
            Null => "'null'",
            Float => "NUM_FLOAT",
            Int => "NUM_INT",
            Uint => "NUM_UINT",
            String => "STRING",
            Bytes => "BYTES",
            Ident => "IDENTIFIER",
            EscapedIdent => "ESC_IDENTIFIER",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Lexeme {
    pub(crate) token: Token,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// All tokens, the last of which is the end of the text.
pub(crate) fn tokens(source: &Source, problems: &mut Problems) -> Vec<Lexeme> {
    let mut lexer = Lexer {
        chars: &source.chars,
    };
    let mut out = Vec::new();
    let mut at = 0;
    while at < source.chars.len() {
        match lexer.next(at) {
            Next::Token(token, end) => {
                out.push(Lexeme {
                    token,
                    start: at,
                    end,
                });
                at = end;
            }
            Next::Blank(end) => at = end,
            Next::Nothing(end) => {
                let text = source.text(at, end);
                let why = format!("Syntax error: token recognition error at: '{text}'");
                problems.at(at, why);
                at = end;
            }
        }
    }
    let end = source.chars.len();
    out.push(Lexeme {
        token: Token::Eof,
        start: end,
        end,
    });
    out
}

enum Next {
    Token(Token, usize),
    Blank(usize),
    /// No token starts like this; reading goes on at the offset.
    Nothing(usize),
}

struct Lexer<'a> {
    chars: &'a [char],
}

impl Lexer<'_> {
    fn at(&self, i: usize) -> Option<char> {
        self.chars.get(i).copied()
    }

    fn run(&self, from: usize, accept: impl Fn(char) -> bool) -> usize {
        let rest = self.chars.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|c| accept(**c)).count()
    }

    fn next(&mut self, at: usize) -> Next {
        let c = self.chars[at];
        match c {
            '\t' | ' ' | '\r' | '\n' | '\u{c}' => {
                let blank = |c| matches!(c, '\t' | ' ' | '\r' | '\n' | '\u{c}');
                Next::Blank(self.run(at, blank))
            }
            '/' if self.at(at + 1) == Some('/') => Next::Blank(self.run(at, |c| c != '\n')),
            '\'' | '"' => self.string(at, at, false, Token::String),
            '`' => self.escaped_ident(at),
            '0'..='9' => self.number(at),
            '.' if self.at(at + 1).is_some_and(|c| c.is_ascii_digit()) => self.number(at),
            'a'..='z' | 'A'..='Z' | '_' => self.word(at),
            _ => self.operator(at),
        }
    }

    fn operator(&self, at: usize) -> Next {
        use Token::*;
        let second = self.at(at + 1);
        let two = |token| Next::Token(token, at + 2);
        let one = |token| Next::Token(token, at + 1);
        match (self.chars[at], second) {
            ('=', Some('=')) => two(Equals),
            ('!', Some('=')) => two(NotEquals),
            ('<', Some('=')) => two(LessEquals),
            ('>', Some('=')) => two(GreaterEquals),
            ('&', Some('&')) => two(And),
            ('|', Some('|')) => two(Or),
            ('=' | '&' | '|', Some(_)) => Next::Nothing(at + 2),
            ('<', _) => one(Less),
            ('>', _) => one(Greater),
            ('!', _) => one(Exclam),
            ('[', _) => one(LBracket),
            (']', _) => one(RBracket),
            ('{', _) => one(LBrace),
            ('}', _) => one(RBrace),
            ('(', _) => one(LParen),
            (')', _) => one(RParen),
            ('.', _) => one(Dot),
            (',', _) => one(Comma),
            ('-', _) => one(Minus),
            ('?', _) => one(Question),
            (':', _) => one(Colon),
            ('+', _) => one(Plus),
            ('*', _) => one(Star),
            ('/', _) => one(Slash),
            ('%', _) => one(Percent),
            _ => Next::Nothing(at + 1),
        }
    }

    fn word(&self, at: usize) -> Next {
        let quote = |i: usize| matches!(self.at(i), Some('\'' | '"'));
        let (first, second) = (self.chars[at], self.at(at + 1));
        let (raw, bytes) = (matches!(first, 'r' | 'R'), matches!(first, 'b' | 'B'));
        let prefixed = if raw && quote(at + 1) {
            Some(self.string(at, at + 1, true, Token::String))
        } else if bytes && quote(at + 1) {
            Some(self.string(at, at + 1, false, Token::Bytes))
        } else if bytes && matches!(second, Some('r' | 'R')) && quote(at + 2) {
            Some(self.string(at, at + 2, true, Token::Bytes))
        } else {
            None
        };
        if let Some(token @ Next::Token(..)) = prefixed {
            return token;
        }
        let end = self.run(at, |c| c.is_ascii_alphanumeric() || c == '_');
        let text: String = self.chars[at..end].iter().collect();
        let token = match text.as_str() {
            "in" => Token::In,
            "true" => Token::True,
            "false" => Token::False,
            "null" => Token::Null,
            _ => Token::Ident,
        };
        Next::Token(token, end)
    }

    fn number(&self, at: usize) -> Next {
        let digit = |c: char| c.is_ascii_digit();
        if self.chars[at] == '0' && self.at(at + 1) == Some('x') {
            let end = self.run(at + 2, |c| c.is_ascii_hexdigit());
            if end > at + 2 {
                return self.integer(end);
            }
        }
        let whole = self.run(at, digit);
        let mut end = whole;
        if self.at(end) == Some('.') && self.at(end + 1).is_some_and(digit) {
            end = self.run(end + 1, digit);
        }
        if matches!(self.at(end), Some('e' | 'E')) {
            let sign = usize::from(matches!(self.at(end + 1), Some('+' | '-')));
            let power = self.run(end + 1 + sign, digit);
            if power > end + 1 + sign {
                end = power;
            }
        }
        if end > whole {
            return Next::Token(Token::Float, end);
        }
        self.integer(end)
    }

    fn integer(&self, end: usize) -> Next {
        match self.at(end) {
            Some('u' | 'U') => Next::Token(Token::Uint, end + 1),
            _ => Next::Token(Token::Int, end),
        }
    }

    fn escaped_ident(&self, at: usize) -> Next {
        let end = self.run(at + 1, |c| {
            c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | ' ')
        });
        if end > at + 1 && self.at(end) == Some('`') {
            return Next::Token(Token::EscapedIdent, end + 1);
        }
        Next::Nothing((end + 1).min(self.chars.len()))
    }

    /// A string whose quotes start at `quotes`; the longest reading wins.
    fn string(&self, at: usize, quotes: usize, raw: bool, token: Token) -> Next {
        let quote = self.chars[quotes];
        let triple = self.at(quotes + 1) == Some(quote) && self.at(quotes + 2) == Some(quote);
        let long = triple.then(|| self.long(quotes + 3, quote, raw));
        if let Some(Ok(end)) = long {
            return Next::Token(token, end);
        }
        match self.short(quotes + 1, quote, raw) {
            Ok(end) => Next::Token(token, end),
            Err(at) => Next::Nothing(long.and_then(Result::err).unwrap_or(at).max(at)),
        }
        .clamp(self.chars.len(), at)
    }

    fn short(&self, mut i: usize, quote: char, raw: bool) -> Result<usize, usize> {
        loop {
            match self.at(i) {
                None => return Err(i),
                Some('\n' | '\r') => return Err(i + 1),
                Some(c) if c == quote => return Ok(i + 1),
                Some('\\') if !raw => i = self.escape(i)?,
                Some(_) => i += 1,
            }
        }
    }

    fn long(&self, mut i: usize, quote: char, raw: bool) -> Result<usize, usize> {
        loop {
            let closed = (0..3).all(|k| self.at(i + k) == Some(quote));
            match self.at(i) {
                None => return Err(i),
                Some(_) if closed => return Ok(i + 3),
                Some('\\') if !raw => i = self.escape(i)?,
                Some(_) => i += 1,
            }
        }
    }

    /// The end of the escape sequence at `i`.
    fn escape(&self, i: usize) -> Result<usize, usize> {
        let digits = |n: usize, ok: fn(char) -> bool| {
            (0..n)
                .find(|k| !self.at(i + 2 + k).is_some_and(ok))
                .map_or(Ok(i + 2 + n), |k| Err(i + 3 + k))
        };
        match self.at(i + 1) {
            Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '"' | '\'' | '\\' | '?' | '`') => {
                Ok(i + 2)
            }
            Some('x' | 'X') => digits(2, |c| c.is_ascii_hexdigit()),
            Some('u') => digits(4, |c| c.is_ascii_hexdigit()),
            Some('U') => digits(8, |c| c.is_ascii_hexdigit()),
            Some('0'..='3') => digits(2, |c| matches!(c, '0'..='7')),
            Some(_) => Err(i + 2),
            None => Err(i + 1),
        }
    }
}

impl Next {
    fn clamp(self, len: usize, at: usize) -> Self {
        match self {
            Self::Nothing(end) => Self::Nothing(end.min(len).max(at + 1)),
            other => other,
        }
    }
}
