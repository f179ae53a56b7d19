//! Pipelines, commands and operands.

use std::sync::Arc;

use super::{Parser, Result};
use crate::template::{
    ast::{Command, Operand, Pipe, Term},
    literal,
    token::{Kind, Token},
};

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Result<Pipe> {
        let mut pipe = Pipe {
            pos: self.peek_word().pos,
            assigns: false,
            variables: Vec::new(),
            commands: Vec::new(),
        };
        while self.declaration(&mut pipe, context)? {}
        loop {
            let token = self.next_word();
            match token.kind {
                kind if kind == end => break,
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.back(token);
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return self.unexpected(&token, context),
            }
        }
        if pipe.commands.is_empty() {
            return self.fail(format!("missing value for {context}"));
        }
        for (i, command) in pipe.commands.iter().enumerate().skip(1) {
            let constant = matches!(
                command.operands.first().map(|o| &o.term),
                Some(Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::String(..))
            );
            if constant {
                let stage = i + 1;
                return self.fail(format!("non executable command in pipeline stage {stage}"));
            }
        }
        Ok(pipe)
    }

    /// One variable of a declaration; true where another one may follow.
    fn declaration(&mut self, pipe: &mut Pipe, context: &str) -> Result<bool> {
        let variable = self.peek_word();
        if variable.kind != Kind::Variable {
            return Ok(false);
        }
        self.next_word();
        let after = self.peek();
        let next = self.peek_word();
        match next.kind {
            Kind::Assign | Kind::Declare => {
                self.next_word();
                pipe.assigns = next.kind == Kind::Assign;
                self.declare(pipe, &variable);
                Ok(false)
            }
            Kind::Char if next.text == "," => {
                self.next_word();
                self.declare(pipe, &variable);
                if context != "range" || pipe.variables.len() > 1 {
                    return self.fail(format!("too many declarations in {context}"));
                }
                match self.peek_word().kind {
                    Kind::Variable | Kind::RightDelim | Kind::RightParen => Ok(true),
                    _ => self.fail("range can only initialize variables"),
                }
            }
            _ => {
                if after.kind == Kind::Space {
                    self.back(after);
                }
                self.back(variable);
                Ok(false)
            }
        }
    }

    fn declare(&mut self, pipe: &mut Pipe, variable: &Token) {
        let name: Arc<str> = variable.text.as_str().into();
        pipe.variables.push(name.clone());
        self.variables.push(name);
    }

    fn command(&mut self) -> Result<Command> {
        let mut command = Command {
            pos: self.peek_word().pos,
            operands: Vec::new(),
        };
        loop {
            self.peek_word();
            if let Some(operand) = self.operand()? {
                command.operands.push(operand);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.back(token),
                Kind::Pipe => {}
                _ => return self.unexpected(&token, "operand"),
            }
            break;
        }
        if command.operands.is_empty() {
            return self.fail("empty command");
        }
        Ok(command)
    }

    fn operand(&mut self) -> Result<Option<Operand>> {
        let Some(operand) = self.term()? else {
            return Ok(None);
        };
        let first = self.peek();
        if first.kind != Kind::Field {
            return Ok(Some(operand));
        }
        let mut fields: Vec<Arc<str>> = Vec::new();
        while self.peek().kind == Kind::Field {
            fields.push(self.next().text[1..].into());
        }
        let term = match operand.term {
            Term::Field(mut names) => {
                names.extend(fields);
                Term::Field(names)
            }
            Term::Variable(mut names) => {
                names.extend(fields);
                Term::Variable(names)
            }
            Term::Bool(_) | Term::String(..) | Term::Number(_) | Term::Nil | Term::Dot => {
                let shown = crate::format::quote(&operand.to_string());
                return self.fail(format!("unexpected . after term {shown}"));
            }
            _ => Term::Chain(Box::new(operand), fields),
        };
        let pos = first.pos;
        Ok(Some(Operand { pos, term }))
    }

    fn term(&mut self) -> Result<Option<Operand>> {
        let token = self.next_word();
        let term = match token.kind {
            Kind::Identifier => {
                if !(self.known)(&token.text) {
                    let shown = crate::format::quote(&token.text);
                    return self.fail(format!("function {shown} not defined"));
                }
                Term::Function(token.text.into())
            }
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Variable => {
                if !self.variables.iter().any(|v| **v == *token.text) {
                    let shown = crate::format::quote(&token.text);
                    return self.fail(format!("undefined variable {shown}"));
                }
                Term::Variable(vec![token.text.into()])
            }
            Kind::Field => Term::Field(vec![token.text[1..].into()]),
            Kind::Bool => Term::Bool(token.text == "true"),
            Kind::Complex => return self.fail("complex numbers are not supported"),
            Kind::CharConstant | Kind::Number => {
                match literal::number(&token.text, token.kind == Kind::CharConstant) {
                    Ok(number) => Term::Number(number),
                    Err(why) => return self.fail(why),
                }
            }
            Kind::LeftParen => {
                self.enter()?;
                let pipe = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
                self.depth -= 1;
                Term::Pipe(Box::new(pipe))
            }
            Kind::String | Kind::RawString => {
                let text = self.string(&token.text)?;
                Term::String(token.text.into(), text)
            }
            _ => {
                self.back(token);
                return Ok(None);
            }
        };
        Ok(Some(Operand {
            pos: token.pos,
            term,
        }))
    }
}
