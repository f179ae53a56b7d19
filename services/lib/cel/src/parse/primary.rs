//! Members and what they are made of.

use super::{FIRST, Parser, Result, Rule, Token};
use crate::{
    ast::{Entry, Expr, Item, Kind, Literal, Member},
    escape::is_reserved,
};

impl Parser<'_> {
    /// A primary with the selections, calls and indices after it.
    pub(super) fn member(&mut self) -> Result<Expr> {
        self.enter(Rule::Member)?;
        let mut levels = 1;
        let mut out = self.primary()?;
        loop {
            match self.peek() {
                Token::Dot => {
                    self.enter(Rule::Member)?;
                    levels += 1;
                    out = self.selection(out)?;
                }
                Token::LBracket => {
                    self.enter(Rule::Member)?;
                    levels += 1;
                    out = self.index(out)?;
                }
                _ => break,
            }
        }
        self.leave(Rule::Member, levels);
        Ok(out)
    }

    fn selection(&mut self, operand: Expr) -> Result<Expr> {
        let dot = self.here();
        let next = self.ahead(1);
        if !matches!(next, Token::Question | Token::Ident | Token::EscapedIdent) {
            self.at += 1;
            return self.no_alternative(dot);
        }
        self.take();
        let optional = self.peek() == Token::Question;
        if optional {
            self.take();
        }
        let at = self.here();
        if !self.sync(&[Token::Ident, Token::EscapedIdent])? {
            return Ok(self.refuse(at, "unsupported ident kind"));
        }
        let name = self.take();
        let mut field = self.text(name);
        if name.token == Token::EscapedIdent {
            return Ok(self.refuse(name.start, "unsupported syntax: '`'"));
        }
        if optional {
            let id = self.id(dot);
            let field = Literal::String(std::mem::take(&mut field));
            let field = self.node(name.start, Kind::Literal(field));
            return Ok(super::call(id, "_?._", vec![operand, field]));
        }
        if self.peek() == Token::LParen {
            let open = self.take().start;
            let id = self.id(open);
            let args = self.arguments()?;
            return Ok(self.called(id, field, Some(operand), args));
        }
        let operand = Box::new(operand);
        Ok(self.node(
            dot,
            Kind::Select {
                operand,
                field,
                test: false,
            },
        ))
    }

    fn index(&mut self, operand: Expr) -> Result<Expr> {
        let open = self.take().start;
        let id = self.id(open);
        let (optional, index) = self.inside(&[Token::RBracket], |p| {
            let mut expected = FIRST.to_vec();
            expected.push(Token::Question);
            let starts = p.sync(&expected)?;
            let optional = p.peek() == Token::Question;
            if optional {
                p.take();
            }
            let index = match starts {
                true => p.expr()?,
                false => p.broken()?,
            };
            p.expect(Token::RBracket)?;
            Ok((optional, index))
        })?;
        let name = if optional { "_[?_]" } else { "_[_]" };
        Ok(super::call(id, name, vec![operand, index]))
    }

    /// What stands between the parentheses of a call, and the closing one.
    fn arguments(&mut self) -> Result<Vec<Expr>> {
        self.inside(&[Token::RParen, Token::Comma], |p| {
            let mut args = Vec::new();
            let mut expected = FIRST.to_vec();
            expected.push(Token::RParen);
            if !p.sync(&expected)? {
                p.expect(Token::RParen)?;
                return Ok(args);
            }
            if p.peek() != Token::RParen {
                args.push(p.expr()?);
                while p.peek() == Token::Comma {
                    p.take();
                    args.push(p.expr()?);
                }
            }
            p.expect(Token::RParen)?;
            Ok(args)
        })
    }

    fn primary(&mut self) -> Result<Expr> {
        let expected: Vec<Token> = FIRST.into_iter().filter(|t| *t != Token::Exclam).collect();
        if !self.sync(&expected)? {
            let at = self.here();
            return Ok(self.node(at, Kind::Broken));
        }
        match self.peek() {
            Token::LParen => {
                self.take();
                self.inside(&[Token::RParen], |p| {
                    let inner = p.expr()?;
                    p.expect(Token::RParen)?;
                    Ok(inner)
                })
            }
            Token::LBracket => self.list(),
            Token::LBrace => self.map(),
            Token::Dot | Token::Ident => self.name(),
            _ => self.constant(),
        }
    }

    /// A variable, a call, or a message.
    fn name(&mut self) -> Result<Expr> {
        let from = self.here();
        let dotted = self.peek() == Token::Dot;
        if dotted && self.ahead(1) != Token::Ident {
            self.at += 1;
            return self.no_alternative(from);
        }
        if let Some(parts) = self.message_name(usize::from(dotted)) {
            return self.message(dotted, parts);
        }
        if dotted {
            self.take();
        }
        let lexeme = self.take();
        let text = self.text(lexeme);
        let called = self.peek() == Token::LParen;
        // Words are kept from variables; fields may have them.
        if is_reserved(&text) {
            if called {
                self.take();
                self.arguments()?;
            }
            return Ok(self.refuse(from, format!("reserved identifier: {text}")));
        }
        let name = if dotted { format!(".{text}") } else { text };
        if called {
            let open = self.take().start;
            let id = self.id(open);
            let args = self.arguments()?;
            return Ok(self.called(id, name, None, args));
        }
        Ok(self.node(lexeme.start, Kind::Ident(name)))
    }

    /// Names before a `{`, if this is how it goes on.
    fn message_name(&self, from: usize) -> Option<usize> {
        let mut n = 0;
        while self.ahead(from + 2 * n) == Token::Ident {
            n += 1;
            match self.ahead(from + 2 * n - 1) {
                Token::LBrace => return Some(n),
                Token::Dot => {}
                _ => return None,
            }
        }
        None
    }

    fn message(&mut self, dotted: bool, parts: usize) -> Result<Expr> {
        let mut name = String::new();
        if dotted {
            self.take();
            name.push('.');
        }
        for i in 0..parts {
            if i > 0 {
                self.take();
                name.push('.');
            }
            let part = self.take();
            name.push_str(&self.text(part));
        }
        let open = self.take().start;
        let id = self.id(open);
        let fields = self.inside(&[Token::RBrace, Token::Comma], Self::fields)?;
        Ok(Expr {
            id,
            kind: Kind::Struct { name, fields },
        })
    }

    fn fields(&mut self) -> Result<Vec<Member>> {
        const START: [Token; 3] = [Token::Question, Token::Ident, Token::EscapedIdent];
        let mut out = Vec::new();
        let mut expected = START.to_vec();
        expected.extend([Token::Comma, Token::RBrace]);
        if self.sync(&expected)? && START.contains(&self.peek()) {
            loop {
                let optional = self.peek() == Token::Question;
                if optional {
                    self.take();
                }
                let lexeme = self.take();
                let name = self.text(lexeme);
                let colon = self.here();
                if !self.expect(Token::Colon)? {
                    break;
                }
                let id = self.id(colon);
                let value = self.expr()?;
                out.push(Member {
                    id,
                    name,
                    value,
                    optional,
                });
                if self.peek() != Token::Comma || !START.contains(&self.ahead(1)) {
                    break;
                }
                self.take();
            }
        }
        self.close(Token::RBrace)?;
        Ok(out)
    }

    fn list(&mut self) -> Result<Expr> {
        let open = self.take().start;
        let id = self.id(open);
        let items = self.inside(&[Token::RBracket, Token::Comma], |p| {
            let mut items = Vec::new();
            if p.sync(&starts(Token::RBracket))? && p.starts_item(0) {
                loop {
                    let optional = p.peek() == Token::Question;
                    if optional {
                        p.take();
                    }
                    let value = p.expr()?;
                    items.push(Item { value, optional });
                    if p.peek() != Token::Comma || !p.starts_item(1) {
                        break;
                    }
                    p.take();
                }
            }
            p.close(Token::RBracket)?;
            Ok(items)
        })?;
        Ok(Expr {
            id,
            kind: Kind::List(items),
        })
    }

    fn map(&mut self) -> Result<Expr> {
        let open = self.take().start;
        let id = self.id(open);
        let entries = self.inside(&[Token::RBrace, Token::Comma], |p| {
            let mut entries = Vec::new();
            if p.sync(&starts(Token::RBrace))? && p.starts_item(0) {
                loop {
                    let optional = p.peek() == Token::Question;
                    if optional {
                        p.take();
                    }
                    let key = p.inside(&[Token::Colon], Self::expr)?;
                    let colon = p.here();
                    p.id(colon);
                    if !p.expect(Token::Colon)? {
                        break;
                    }
                    let value = p.expr()?;
                    entries.push(Entry {
                        key,
                        value,
                        optional,
                    });
                    if p.peek() != Token::Comma || !p.starts_item(1) {
                        break;
                    }
                    p.take();
                }
            }
            p.close(Token::RBrace)?;
            Ok(entries)
        })?;
        Ok(Expr {
            id,
            kind: Kind::Map(entries),
        })
    }

    fn starts_item(&self, ahead: usize) -> bool {
        let token = self.ahead(ahead);
        token == Token::Question || FIRST.contains(&token)
    }

    /// The end of a list or map, before which a comma may stand.
    fn close(&mut self, token: Token) -> Result<()> {
        if !self.sync(&[token, Token::Comma])? {
            return Ok(());
        }
        if self.peek() == Token::Comma {
            self.take();
        }
        self.expect(token)?;
        Ok(())
    }
}

fn starts(close: Token) -> Vec<Token> {
    let mut out = FIRST.to_vec();
    out.extend([Token::Question, Token::Comma, close]);
    out
}
