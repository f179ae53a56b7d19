//! A template as nodes. Positions are offsets in bytes of its source.

use std::sync::Arc;

use super::literal::Number;

/// A template by name, defined in a source.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) name: Arc<str>,
    pub(crate) source: Arc<Source>,
    pub(crate) root: List,
}

/// The text that trees are parsed from.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: Arc<str>,
    pub(crate) text: Arc<str>,
}

impl Source {
    /// `name:line:column` of an offset, as Go counts them.
    pub(crate) fn location(&self, pos: usize) -> String {
        let before = self.text.get(..pos).unwrap_or(&self.text);
        let line = 1 + before.bytes().filter(|b| *b == b'\n').count();
        let column = before.rfind('\n').map_or(pos, |at| pos - at - 1);
        format!("{}:{line}:{column}", self.name)
    }
}

#[derive(Debug, Default)]
pub(crate) struct List {
    pub(crate) nodes: Vec<Node>,
}

#[derive(Debug)]
pub(crate) enum Node {
    Text(Arc<str>),
    Action(Action),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template(Invocation),
    Break,
    Continue,
}

#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) pos: usize,
    pub(crate) pipe: Pipe,
}

/// `if`, `with`, `range`.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) word: &'static str,
    pub(crate) pos: usize,
    pub(crate) pipe: Pipe,
    pub(crate) list: List,
    pub(crate) otherwise: Option<List>,
}

/// `{{template "name" pipe}}`.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) pos: usize,
    pub(crate) name: Arc<str>,
    pub(crate) pipe: Option<Pipe>,
}

#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) pos: usize,
    /// `=` and not `:=`.
    pub(crate) assigns: bool,
    /// With their `$`.
    pub(crate) variables: Vec<Arc<str>>,
    pub(crate) commands: Vec<Command>,
}

#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) pos: usize,
    /// At least one.
    pub(crate) operands: Vec<Operand>,
}

#[derive(Debug)]
pub(crate) struct Operand {
    pub(crate) pos: usize,
    pub(crate) term: Term,
}

#[derive(Debug)]
pub(crate) enum Term {
    Bool(bool),
    Number(Number),
    /// As it stands in the source, and what it means.
    String(Arc<str>, Arc<str>),
    Nil,
    Dot,
    /// `.a.b`.
    Field(Vec<Arc<str>>),
    /// `$x.a`: the first with its `$`.
    Variable(Vec<Arc<str>>),
    Function(Arc<str>),
    /// `(pipe).a.b`.
    Chain(Box<Operand>, Vec<Arc<str>>),
    Pipe(Box<Pipe>),
}

/// What an error is about.
#[derive(Clone, Copy)]
pub(crate) enum At<'t> {
    Action(&'t Action),
    Branch(&'t Branch),
    Invocation(&'t Invocation),
    Pipe(&'t Pipe),
    Command(&'t Command),
    Operand(&'t Operand),
}

impl At<'_> {
    pub(crate) fn pos(&self) -> usize {
        match self {
            Self::Action(n) => n.pos,
            Self::Branch(n) => n.pos,
            Self::Invocation(n) => n.pos,
            Self::Pipe(n) => n.pos,
            Self::Command(n) => n.pos,
            Self::Operand(n) => n.pos,
        }
    }
}
