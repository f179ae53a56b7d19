//! Text to expressions, with the errors of the reference parser (an ANTLR grammar):
//! one unexpected token is skipped, one missing token is assumed, after anything
//! else reading goes on where the surrounding rule can.

use crate::{
    ast::{Expr, Id, Kind, Literal},
    lex::{self, Lexeme, Token},
    source::{Problems, Source},
};

mod literal;
pub(crate) mod macros;
mod primary;

pub(crate) use macros::ACCU;

/// Characters of an expression.
const MAX_SIZE: usize = 100_000;
/// Levels of any one rule of the grammar.
const MAX_DEPTH: usize = 250;
/// Errors after which reading ends.
const MAX_RECOVERIES: usize = 30;

/// What an operand can start with; the parts of it need no `!`.
const FIRST: [Token; 15] = [
    Token::LBracket,
    Token::LBrace,
    Token::LParen,
    Token::Dot,
    Token::Minus,
    Token::Exclam,
    Token::True,
    Token::False,
    Token::Null,
    Token::Float,
    Token::Int,
    Token::Uint,
    Token::String,
    Token::Bytes,
    Token::Ident,
];

/// What may follow an operand.
const OPERATORS: [Token; 16] = [
    Token::Equals,
    Token::NotEquals,
    Token::In,
    Token::Less,
    Token::LessEquals,
    Token::GreaterEquals,
    Token::Greater,
    Token::And,
    Token::Or,
    Token::Minus,
    Token::Question,
    Token::Plus,
    Token::Star,
    Token::Slash,
    Token::Percent,
    Token::Eof,
];

/// An expression, and where each of its nodes stands.
pub(crate) struct Parsed {
    pub(crate) expr: Expr,
    /// By the id of the node; `None` for what has no place.
    pub(crate) places: Vec<Option<usize>>,
}

/// Reads an expression, with `cel.bind` if there are `bindings`; `problems` says
/// whether it can be used.
pub(crate) fn parse(source: &Source, bindings: bool, problems: &mut Problems) -> Parsed {
    let size = source.chars.len();
    let mut parser = Parser {
        source,
        bindings,
        tokens: Vec::new(),
        at: 0,
        problems,
        places: Vec::new(),
        closers: Vec::new(),
        recovering: false,
        recoveries: 0,
        depth: [0; 4],
    };
    if size > MAX_SIZE {
        let why =
            format!("expression code point size exceeds limit: size: {size}, limit {MAX_SIZE}");
        parser.problems.at(None, why);
        return parser.finish(None);
    }
    parser.tokens = lex::tokens(source, parser.problems);
    let expr = parser.start().ok();
    parser.finish(expr)
}

/// Reading was given up; the problem is noted.
struct GiveUp;

type Result<T> = std::result::Result<T, GiveUp>;

/// Rules of the grammar that can nest.
#[derive(Clone, Copy)]
enum Rule {
    Expr,
    Relation,
    Calc,
    Member,
}

struct Parser<'a> {
    source: &'a Source,
    bindings: bool,
    tokens: Vec<Lexeme>,
    at: usize,
    problems: &'a mut Problems,
    places: Vec<Option<usize>>,
    /// What ends the constructs around.
    closers: Vec<&'static [Token]>,
    /// No further errors are told until a token fits.
    recovering: bool,
    recoveries: usize,
    depth: [usize; 4],
}

impl Parser<'_> {
    fn finish(mut self, expr: Option<Expr>) -> Parsed {
        let expr = expr.unwrap_or_else(|| self.node(0, Kind::Broken));
        Parsed {
            expr,
            places: self.places,
        }
    }

    fn id(&mut self, offset: impl Into<Option<usize>>) -> Id {
        self.places.push(offset.into());
        self.places.len() - 1
    }

    fn node(&mut self, offset: impl Into<Option<usize>>, kind: Kind) -> Expr {
        Expr {
            id: self.id(offset),
            kind,
        }
    }

    fn peek(&self) -> Token {
        self.tokens[self.at].token
    }

    fn ahead(&self, n: usize) -> Token {
        let last = self.tokens.len() - 1;
        self.tokens[(self.at + n).min(last)].token
    }

    fn here(&self) -> usize {
        self.tokens[self.at].start
    }

    /// Takes the token, which fits.
    fn take(&mut self) -> Lexeme {
        let lexeme = self.tokens[self.at];
        if lexeme.token != Token::Eof {
            self.at += 1;
        }
        self.recovering = false;
        lexeme
    }

    fn text(&self, lexeme: Lexeme) -> String {
        self.source.text(lexeme.start, lexeme.end)
    }

    fn enter(&mut self, rule: Rule) -> Result<()> {
        self.depth[rule as usize] += 1;
        if self.depth[rule as usize] > MAX_DEPTH {
            let why = format!("expression recursion limit exceeded: {MAX_DEPTH}");
            self.problems.at(None, why);
            return Err(GiveUp);
        }
        Ok(())
    }

    fn leave(&mut self, rule: Rule, levels: usize) {
        self.depth[rule as usize] -= levels;
    }

    fn shown(&self) -> String {
        let lexeme = self.tokens[self.at];
        match lexeme.token {
            Token::Eof => "'<EOF>'".to_owned(),
            _ => format!("'{}'", self.text(lexeme)),
        }
    }

    fn syntax(&mut self, message: &str) {
        if !self.recovering {
            self.recovering = true;
            let at = self.here();
            self.problems.at(at, format!("Syntax error: {message}"));
        }
    }

    fn count_recovery(&mut self) -> Result<()> {
        self.recoveries += 1;
        if self.recoveries > MAX_RECOVERIES {
            let why =
                format!("Syntax error: error recovery attempt limit exceeded: {MAX_RECOVERIES}");
            let at = self.here();
            self.problems.at(at, why);
            return Err(GiveUp);
        }
        Ok(())
    }

    /// Before a choice: skips one token that is too much. False when none of
    /// `expected` can come, which was told.
    fn sync(&mut self, expected: &[Token]) -> Result<bool> {
        if expected.contains(&self.peek()) {
            return Ok(true);
        }
        if self.recovering {
            return Ok(false);
        }
        let (shown, set) = (self.shown(), set(expected));
        if expected.contains(&self.ahead(1)) && self.peek() != Token::Eof {
            self.syntax(&format!("extraneous input {shown} expecting {set}"));
            self.take();
            return Ok(true);
        }
        self.syntax(&format!("mismatched input {shown} expecting {set}"));
        self.recover()?;
        Ok(false)
    }

    /// A token that must come now. False when it does not, which was told.
    fn expect(&mut self, token: Token) -> Result<bool> {
        if self.peek() == token {
            self.take();
            return Ok(true);
        }
        self.count_recovery()?;
        let (shown, name) = (self.shown(), token.display());
        if self.ahead(1) == token && self.peek() != Token::Eof {
            self.syntax(&format!("extraneous input {shown} expecting {name}"));
            self.take();
            self.take();
            return Ok(true);
        }
        if self.may_follow(token) {
            self.syntax(&format!("missing {name} at {shown}"));
            return Ok(true);
        }
        self.syntax(&format!("mismatched input {shown} expecting {name}"));
        self.recover()?;
        Ok(false)
    }

    /// Whether the next token could come after `token`.
    fn may_follow(&self, token: Token) -> bool {
        let next = self.peek();
        match token {
            Token::Colon => FIRST.contains(&next),
            Token::Eof => false,
            _ => {
                let outer = &self.closers[..self.closers.len().saturating_sub(1)];
                let closes = outer.last().is_some_and(|c| c.contains(&next));
                closes
                    || (next == Token::Eof && outer.is_empty())
                    || (next != Token::Eof && OPERATORS.contains(&next))
                    || matches!(next, Token::Dot | Token::LBracket)
            }
        }
    }

    /// Skips to where a rule around can go on.
    fn recover(&mut self) -> Result<()> {
        self.count_recovery()?;
        let before = self.at;
        loop {
            let token = self.peek();
            let closes = self.closers.iter().any(|c| c.contains(&token));
            if token == Token::Eof || closes || OPERATORS.contains(&token) {
                break;
            }
            self.at += 1;
        }
        // The same token must not be met for ever.
        if self.at == before && self.recoveries > MAX_RECOVERIES / 2 && self.peek() != Token::Eof {
            self.at += 1;
        }
        Ok(())
    }

    fn no_alternative(&mut self, from: usize) -> Result<Expr> {
        let end = match self.peek() {
            Token::Eof => self.here(),
            _ => self.tokens[self.at].end,
        };
        let text = self.source.text(from, end);
        let reserved = text
            .strip_prefix('.')
            .filter(|t| matches!(*t, "true" | "false" | "null"));
        let message = match reserved {
            Some(word) => format!("mismatched input '{word}' expecting IDENTIFIER"),
            None => {
                let text = text
                    .replace('\n', "\\n")
                    .replace('\r', "\\r")
                    .replace('\t', "\\t");
                format!("no viable alternative at input '{text}'")
            }
        };
        self.syntax(&message);
        self.broken()
    }

    fn broken(&mut self) -> Result<Expr> {
        self.recover()?;
        let at = self.here();
        Ok(self.node(at, Kind::Broken))
    }

    /// Something that is well-formed and still not allowed.
    fn refuse(&mut self, offset: usize, why: impl Into<String>) -> Expr {
        let expr = self.node(offset, Kind::Broken);
        self.problems.at(offset, why);
        expr
    }

    fn start(&mut self) -> Result<Expr> {
        let expr = self.expr()?;
        self.expect(Token::Eof)?;
        Ok(expr)
    }

    fn inside<T>(
        &mut self,
        closers: &'static [Token],
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        self.closers.push(closers);
        let out = read(self);
        self.closers.pop();
        out
    }

    fn expr(&mut self) -> Result<Expr> {
        self.enter(Rule::Expr)?;
        let condition = self.logic(Token::Or)?;
        let mut out = condition;
        if self.peek() == Token::Question {
            let place = self.take().start;
            let id = self.id(place);
            let (yes, colon) = self.inside(&[Token::Colon], |p| {
                let yes = p.logic(Token::Or)?;
                Ok((yes, p.expect(Token::Colon)?))
            })?;
            if colon {
                let no = self.expr()?;
                out = call(id, "_?_:_", vec![out, yes, no]);
            }
        }
        self.leave(Rule::Expr, 1);
        Ok(out)
    }

    /// A chain of `||` or `&&`, as a balanced tree.
    fn logic(&mut self, token: Token) -> Result<Expr> {
        let or = token == Token::Or;
        let term = |p: &mut Self| match or {
            true => p.logic(Token::And),
            false => p.relation(),
        };
        let mut terms = vec![Some(term(self)?)];
        let mut ids = Vec::new();
        while self.peek() == token {
            let place = self.take().start;
            terms.push(Some(term(self)?));
            ids.push(self.id(place));
        }
        let name = if or { "_||_" } else { "_&&_" };
        Ok(match ids.len() {
            0 => terms.swap_remove(0).unwrap_or(Expr {
                id: 0,
                kind: Kind::Broken,
            }),
            n => balanced(name, &ids, &mut terms, 0, n - 1),
        })
    }

    fn relation(&mut self) -> Result<Expr> {
        self.enter(Rule::Relation)?;
        let mut levels = 1;
        let mut left = self.sum()?;
        while let Some(name) = relational(self.peek()) {
            self.enter(Rule::Relation)?;
            levels += 1;
            let place = self.take().start;
            let id = self.id(place);
            let right = self.sum()?;
            left = call(id, name, vec![left, right]);
        }
        self.leave(Rule::Relation, levels);
        Ok(left)
    }

    fn sum(&mut self) -> Result<Expr> {
        self.enter(Rule::Calc)?;
        let mut levels = 1;
        let mut left = self.product()?;
        loop {
            let name = match self.peek() {
                Token::Plus => "_+_",
                Token::Minus => "_-_",
                _ => break,
            };
            self.enter(Rule::Calc)?;
            levels += 1;
            let place = self.take().start;
            let id = self.id(place);
            let right = self.product()?;
            left = call(id, name, vec![left, right]);
        }
        self.leave(Rule::Calc, levels);
        Ok(left)
    }

    fn product(&mut self) -> Result<Expr> {
        let mut levels = 0;
        let mut left = self.unary()?;
        loop {
            let name = match self.peek() {
                Token::Star => "_*_",
                Token::Slash => "_/_",
                Token::Percent => "_%_",
                _ => break,
            };
            self.enter(Rule::Calc)?;
            levels += 1;
            let place = self.take().start;
            let id = self.id(place);
            let right = self.unary()?;
            left = call(id, name, vec![left, right]);
        }
        self.leave(Rule::Calc, levels);
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr> {
        if !self.sync(&FIRST)? {
            let at = self.here();
            return Ok(self.node(at, Kind::Broken));
        }
        let negative = matches!(self.ahead(1), Token::Int | Token::Float);
        let (token, name) = match self.peek() {
            Token::Exclam => (Token::Exclam, "!_"),
            Token::Minus if !negative => (Token::Minus, "-_"),
            _ => return self.member(),
        };
        let from = self.here();
        let mut count = 0;
        while self.peek() == token {
            let next = self.ahead(1);
            if token == Token::Minus && (next == Token::Exclam || !FIRST.contains(&next)) {
                // The sign may still be an operator of what is around.
                let here = (self.at, self.here());
                self.at += 1;
                let broken = self.no_alternative(here.1)?;
                self.at = here.0;
                return Ok(broken);
            }
            self.take();
            count += 1;
        }
        if !FIRST.contains(&self.peek()) {
            let (shown, set) = (self.shown(), set(&FIRST));
            self.syntax(&format!("extraneous input {shown} expecting {set}"));
            return self.broken();
        }
        if count % 2 == 0 {
            return self.member();
        }
        let id = self.id(from);
        let operand = self.member()?;
        Ok(call(id, name, vec![operand]))
    }
}

fn relational(token: Token) -> Option<&'static str> {
    Some(match token {
        Token::Equals => "_==_",
        Token::NotEquals => "_!=_",
        Token::Less => "_<_",
        Token::LessEquals => "_<=_",
        Token::Greater => "_>_",
        Token::GreaterEquals => "_>=_",
        Token::In => "@in",
        _ => return None,
    })
}

fn call(id: Id, function: &str, args: Vec<Expr>) -> Expr {
    Expr {
        id,
        kind: Kind::Call {
            function: function.to_owned(),
            target: None,
            args,
        },
    }
}

fn literal(id: Id, value: Literal) -> Expr {
    Expr {
        id,
        kind: Kind::Literal(value),
    }
}

fn balanced(name: &str, ids: &[Id], terms: &mut [Option<Expr>], low: usize, high: usize) -> Expr {
    let middle = (low + high).div_ceil(2);
    let mut leaf = |i: usize| {
        terms[i].take().unwrap_or(Expr {
            id: 0,
            kind: Kind::Broken,
        })
    };
    let left = match middle == low {
        true => leaf(middle),
        false => balanced(name, ids, terms, low, middle - 1),
    };
    let right = match middle == high {
        true => terms[middle + 1].take().unwrap_or(Expr {
            id: 0,
            kind: Kind::Broken,
        }),
        false => balanced(name, ids, terms, middle + 1, high),
    };
    call(ids[middle], name, vec![left, right])
}

fn set(tokens: &[Token]) -> String {
    match tokens {
        [one] => one.display().to_owned(),
        many => {
            let mut many = many.to_vec();
            many.sort();
            let names: Vec<&str> = many.iter().map(|t| t.display()).collect();
            format!("{{{}}}", names.join(", "))
        }
    }
}
