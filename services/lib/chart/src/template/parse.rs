//! Tokens as trees, as Go's `text/template/parse/parse.go` reads them.

mod pipeline;

use std::{collections::HashMap, sync::Arc};

use super::{
    ast::{Action, Branch, Invocation, List, Node, Source, Tree},
    lex::Lexer,
    literal,
    token::{Kind, Token},
};

/// Blocks and parentheses in each other; an `else if` counts as one more.
const NESTED: usize = 200;

/// Templates by name.
pub(crate) type Trees = HashMap<Arc<str>, Arc<Tree>>;

/// Why a text is not a template. Displayed as Go does: `template: name:line: message`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Error {
    /// `name:line`.
    pub(crate) location: String,
    pub(crate) message: String,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "template: {}: {}", self.location, self.message)
    }
}

type Result<T> = std::result::Result<T, Error>;

/// Parses a source and adds what it defines, itself under its name, to `trees`. As
/// with Go, a text of blanks does not take the place of a template that is there.
///
/// # Errors
/// In Go's words.
pub(crate) fn parse(
    name: &str,
    text: &str,
    trees: &mut Trees,
    known: &dyn Fn(&str) -> bool,
) -> Result<()> {
    let source = Arc::new(Source {
        name: name.into(),
        text: text.into(),
    });
    let mut parser = Parser {
        lexer: Lexer::new(text),
        source: source.clone(),
        ahead: Vec::new(),
        last_line: 1,
        action_line: 0,
        variables: vec!["$".into()],
        ranges: 0,
        depth: 0,
        defined: HashMap::new(),
        known,
    };
    let root = parser.top()?;
    parser.define(name.into(), root)?;
    for (name, tree) in parser.defined {
        let replaces = !tree.root.is_blank() || !trees.contains_key(&name);
        if replaces {
            trees.insert(name, tree);
        }
    }
    Ok(())
}

impl List {
    /// Nothing but blanks.
    fn is_blank(&self) -> bool {
        self.nodes.iter().all(|node| match node {
            Node::Text(text) => text.trim().is_empty(),
            _ => false,
        })
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    source: Arc<Source>,
    /// Tokens that were put back, the next one last.
    ahead: Vec<Token>,
    /// Line of the last token of the lexer, which errors name.
    last_line: usize,
    action_line: usize,
    variables: Vec<Arc<str>>,
    ranges: usize,
    depth: usize,
    /// What this source defines.
    defined: Trees,
    known: &'a dyn Fn(&str) -> bool,
}

/// How a list ends.
enum End {
    End,
    Else,
}

enum Item {
    Node(Node),
    End(End),
}

impl Parser<'_> {
    fn next(&mut self) -> Token {
        if let Some(token) = self.ahead.pop() {
            return token;
        }
        let token = self.lexer.token();
        self.last_line = token.line;
        token
    }

    fn back(&mut self, token: Token) {
        self.ahead.push(token);
    }

    fn peek(&mut self) -> Token {
        let token = self.next();
        self.back(token.clone());
        token
    }

    fn next_word(&mut self) -> Token {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_word(&mut self) -> Token {
        let token = self.next_word();
        self.back(token.clone());
        token
    }

    fn fail<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(Error {
            location: format!("{}:{}", self.source.name, self.last_line),
            message: message.into(),
        })
    }

    fn unexpected<T>(&self, token: &Token, context: &str) -> Result<T> {
        if token.kind != Kind::Error {
            return self.fail(format!("unexpected {token} in {context}"));
        }
        let mut extra = String::new();
        if self.action_line != 0 && self.action_line != token.line {
            let at = format!("started at {}:{}", self.source.name, self.action_line);
            let word = if token.text.ends_with(" action") {
                " "
            } else {
                " in action "
            };
            extra = format!("{word}{at}");
        }
        self.fail(format!("{token}{extra}"))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Result<Token> {
        let token = self.next_word();
        if token.kind == kind {
            return Ok(token);
        }
        self.unexpected(&token, context)
    }

    fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > NESTED {
            return self.fail(format!("more than {NESTED} blocks in each other"));
        }
        Ok(())
    }

    fn define(&mut self, name: Arc<str>, root: List) -> Result<()> {
        match self.defined.get(&name) {
            Some(there) if !there.root.is_blank() => {
                if !root.is_blank() {
                    let shown = crate::format::quote(&name);
                    return self.fail(format!("template: multiple definition of template {shown}"));
                }
            }
            _ => {
                let tree = Tree {
                    name: name.clone(),
                    source: self.source.clone(),
                    root,
                };
                self.defined.insert(name, Arc::new(tree));
            }
        }
        Ok(())
    }

    fn top(&mut self) -> Result<List> {
        let mut list = List::default();
        loop {
            let token = self.peek();
            if token.kind == Kind::Eof {
                return Ok(list);
            }
            if token.kind == Kind::LeftDelim {
                let delim = self.next();
                let word = self.next_word();
                if word.kind == Kind::Define {
                    self.definition()?;
                    continue;
                }
                self.back(word);
                self.back(delim);
            }
            match self.item()? {
                Item::Node(node) => list.nodes.push(node),
                Item::End(End::End) => return self.fail("unexpected {{end}}"),
                Item::End(End::Else) => return self.fail("unexpected {{else}}"),
            }
        }
    }

    /// `{{define "name"}}`, its word is past.
    fn definition(&mut self) -> Result<()> {
        const CONTEXT: &str = "define clause";
        let token = self.next_word();
        let name = self.template_name(&token, CONTEXT)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        let root = self.scope(CONTEXT)?;
        self.define(name, root)
    }

    /// The list of a template of its own, with variables of its own.
    fn scope(&mut self, context: &str) -> Result<List> {
        self.enter()?;
        let outer = std::mem::replace(&mut self.variables, vec!["$".into()]);
        let ranges = std::mem::take(&mut self.ranges);
        let (list, end) = self.list()?;
        if matches!(end, End::Else) {
            return self.fail(format!("unexpected {{{{else}}}} in {context}"));
        }
        self.variables = outer;
        self.ranges = ranges;
        self.depth -= 1;
        Ok(list)
    }

    fn list(&mut self) -> Result<(List, End)> {
        let mut list = List::default();
        while self.peek_word().kind != Kind::Eof {
            match self.item()? {
                Item::Node(node) => list.nodes.push(node),
                Item::End(end) => return Ok((list, end)),
            }
        }
        self.fail("unexpected EOF")
    }

    fn item(&mut self) -> Result<Item> {
        let token = self.next_word();
        match token.kind {
            Kind::Text => Ok(Item::Node(Node::Text(token.text.into()))),
            Kind::LeftDelim => {
                self.action_line = token.line;
                let item = self.action();
                self.action_line = 0;
                item
            }
            _ => self.unexpected(&token, "input"),
        }
    }

    fn action(&mut self) -> Result<Item> {
        let token = self.next_word();
        Ok(Item::Node(match token.kind {
            Kind::Block => self.block()?,
            Kind::Break => self.jump("break", Node::Break)?,
            Kind::Continue => self.jump("continue", Node::Continue)?,
            Kind::Else => {
                let next = self.peek_word().kind;
                if !matches!(next, Kind::If | Kind::With) {
                    self.expect(Kind::RightDelim, "else")?;
                }
                return Ok(Item::End(End::Else));
            }
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Item::End(End::End));
            }
            Kind::If => Node::If(self.branch("if")?),
            Kind::Range => Node::Range(self.branch("range")?),
            Kind::With => Node::With(self.branch("with")?),
            Kind::Template => self.invocation()?,
            _ => {
                let pos = token.pos;
                self.back(token);
                let pipe = self.pipeline("command", Kind::RightDelim)?;
                Node::Action(Action { pos, pipe })
            }
        }))
    }

    fn jump(&mut self, word: &str, node: Node) -> Result<Node> {
        let token = self.next_word();
        if token.kind != Kind::RightDelim {
            return self.unexpected(&token, &format!("{{{{{word}}}}}"));
        }
        if self.ranges == 0 {
            return self.fail(format!("{{{{{word}}}}} outside {{{{range}}}}"));
        }
        Ok(node)
    }

    /// `if`, `range` and `with`, the word is past.
    fn branch(&mut self, word: &'static str) -> Result<Branch> {
        self.enter()?;
        let variables = self.variables.len();
        let pipe = self.pipeline(word, Kind::RightDelim)?;
        let looping = usize::from(word == "range");
        self.ranges += looping;
        let (list, end) = self.list()?;
        self.ranges -= looping;
        let otherwise = match end {
            End::End => None,
            End::Else => Some(self.otherwise(word)?),
        };
        self.variables.truncate(variables);
        self.depth -= 1;
        Ok(Branch {
            word,
            pos: pipe.pos,
            pipe,
            list,
            otherwise,
        })
    }

    /// What follows `{{else`: `{{else if}}` is one block in the other, ended by one `end`.
    fn otherwise(&mut self, word: &'static str) -> Result<List> {
        let next = self.peek().kind;
        let node = match (word, next) {
            ("if", Kind::If) => {
                self.next();
                Node::If(self.branch("if")?)
            }
            ("with", Kind::With) => {
                self.next();
                Node::With(self.branch("with")?)
            }
            _ => {
                let (list, end) = self.list()?;
                return match end {
                    End::End => Ok(list),
                    End::Else => self.fail("expected end; found {{else}}"),
                };
            }
        };
        Ok(List { nodes: vec![node] })
    }

    fn block(&mut self) -> Result<Node> {
        const CONTEXT: &str = "block clause";
        let token = self.next_word();
        let name = self.template_name(&token, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        let root = self.scope(CONTEXT)?;
        self.define(name.clone(), root)?;
        Ok(Node::Template(Invocation {
            pos: token.pos,
            name,
            pipe: Some(pipe),
        }))
    }

    fn invocation(&mut self) -> Result<Node> {
        const CONTEXT: &str = "template clause";
        let token = self.next_word();
        let name = self.template_name(&token, CONTEXT)?;
        let next = self.next_word();
        let pipe = if next.kind == Kind::RightDelim {
            None
        } else {
            self.back(next);
            Some(self.pipeline(CONTEXT, Kind::RightDelim)?)
        };
        Ok(Node::Template(Invocation {
            pos: token.pos,
            name,
            pipe,
        }))
    }

    fn template_name(&self, token: &Token, context: &str) -> Result<Arc<str>> {
        match token.kind {
            Kind::String | Kind::RawString => self.string(&token.text),
            _ => self.unexpected(token, context),
        }
    }

    fn string(&self, quoted: &str) -> Result<Arc<str>> {
        match literal::unquote(quoted) {
            Ok(text) => Ok(text.into()),
            Err(why) => self.fail(why),
        }
    }
}
