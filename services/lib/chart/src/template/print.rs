//! Nodes as the source that Go shows in errors: `<include "x" .>`.

use std::fmt::{Display, Formatter, Result};

use super::ast::{At, Branch, Command, Invocation, List, Node, Operand, Pipe, Term};

impl Display for At<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Action(n) => write!(f, "{{{{{}}}}}", n.pipe),
            Self::Branch(n) => n.fmt(f),
            Self::Invocation(n) => n.fmt(f),
            Self::Pipe(n) => n.fmt(f),
            Self::Command(n) => n.fmt(f),
            Self::Operand(n) => n.fmt(f),
        }
    }
}

impl Display for List {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.nodes.iter().try_for_each(|node| node.fmt(f))
    }
}

impl Display for Node {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Text(text) => f.write_str(&crate::format::quote(text)),
            Self::Action(n) => write!(f, "{{{{{}}}}}", n.pipe),
            Self::If(n) | Self::With(n) | Self::Range(n) => n.fmt(f),
            Self::Template(n) => n.fmt(f),
            Self::Break => f.write_str("{{break}}"),
            Self::Continue => f.write_str("{{continue}}"),
        }
    }
}

impl Display for Branch {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{{{{{} {}}}}}{}", self.word, self.pipe, self.list)?;
        if let Some(list) = &self.otherwise {
            write!(f, "{{{{else}}}}{list}")?;
        }
        f.write_str("{{end}}")
    }
}

impl Display for Invocation {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{{{{template {}", crate::format::quote(&self.name))?;
        if let Some(pipe) = &self.pipe {
            write!(f, " {pipe}")?;
        }
        f.write_str("}}")
    }
}

impl Display for Pipe {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if !self.variables.is_empty() {
            let sign = if self.assigns { "=" } else { ":=" };
            write!(f, "{} {sign} ", self.variables.join(", "))?;
        }
        for (i, command) in self.commands.iter().enumerate() {
            if i > 0 {
                f.write_str(" | ")?;
            }
            command.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (i, operand) in self.operands.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            operand.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.term {
            Term::Bool(b) => write!(f, "{b}"),
            Term::Number(n) => f.write_str(&n.text),
            Term::String(quoted, _) => f.write_str(quoted),
            Term::Nil => f.write_str("nil"),
            Term::Dot => f.write_str("."),
            Term::Field(names) => names.iter().try_for_each(|n| write!(f, ".{n}")),
            Term::Variable(names) => f.write_str(&names.join(".")),
            Term::Function(name) => f.write_str(name),
            Term::Chain(inner, names) => {
                inner.fmt(f)?;
                names.iter().try_for_each(|n| write!(f, ".{n}"))
            }
            Term::Pipe(pipe) => write!(f, "({pipe})"),
        }
    }
}
