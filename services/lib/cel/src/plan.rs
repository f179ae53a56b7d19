//! Checked expressions made ready to be evaluated: names resolved to places,
//! constants computed, patterns compiled.

use std::{collections::BTreeMap, sync::Arc};

use regex_automata::meta::Regex;

use crate::{
    ast::{Expr, Fold, Kind, Literal},
    check::{Checked, Ref},
    functions::{self, Function},
    parse::ACCU,
    types::Type,
    value::{Fault, Key, Text, Val, no_overload},
};

/// One step of an evaluation. Costs are those of `cel-go`'s interpreter.
pub(crate) enum Node {
    Const(Val<'static>),
    /// A variable from outside.
    Variable(usize),
    /// A variable of a loop around.
    Local(usize),
    Select {
        operand: Box<Node>,
        field: String,
        test: bool,
        optional: bool,
    },
    Index {
        operand: Box<Node>,
        index: Box<Node>,
        optional: bool,
    },
    And(Box<[Node; 2]>),
    Or(Box<[Node; 2]>),
    Cond(Box<[Node; 3]>),
    /// `optional.or(...)` and `orValue`: the second part only where it is needed.
    Else(Box<[Node; 2]>, bool),
    NotStrictlyFalse(Box<Node>),
    Equal(Box<[Node; 2]>),
    NotEqual(Box<[Node; 2]>),
    /// Membership in a list of constants.
    Member(Box<Node>, Val<'static>),
    Matches(Box<Node>, Box<Regex>, u64),
    Call(Box<Call>),
    List(Vec<(Node, bool)>),
    Map(Vec<(Node, Node, bool)>),
    Fold(Box<Loop>),
    /// `accumulator + [item]`: the accumulator is extended in place.
    Append(usize, Box<Node>),
    /// `cel.@mapInsert(accumulator, ...)`, in place.
    Insert(usize, Vec<Node>),
}

pub(crate) struct Call {
    pub(crate) name: String,
    /// The only overload that it can be; "" when there are more.
    pub(crate) overload: &'static str,
    pub(crate) function: Function,
    pub(crate) args: Vec<Node>,
}

pub(crate) struct Loop {
    pub(crate) range: Node,
    pub(crate) two: bool,
    pub(crate) init: Node,
    pub(crate) condition: Node,
    pub(crate) step: Node,
    pub(crate) result: Node,
}

impl Node {
    /// Nodes that select something: a selection from them costs nothing extra.
    pub(crate) fn is_attribute(&self) -> bool {
        matches!(
            self,
            Node::Variable(_)
                | Node::Local(_)
                | Node::Select { .. }
                | Node::Index { .. }
                | Node::Cond(_)
        )
    }
}

/// Makes an expression ready.
///
/// # Errors
/// A conversion of a constant that cannot be done.
pub(crate) fn plan(checked: &Checked) -> Result<Node, String> {
    let mut planner = Planner {
        checked,
        locals: Vec::new(),
    };
    planner.node(&checked.expr)
}

struct Planner<'a> {
    checked: &'a Checked,
    locals: Vec<&'a str>,
}

type Planned<T> = Result<T, String>;

fn told(fault: Fault) -> String {
    match fault {
        Fault::Error(message) => message,
        Fault::Limit => "operation cancelled: actual cost limit exceeded".to_owned(),
    }
}

impl<'a> Planner<'a> {
    fn boxed(&mut self, expr: &'a Expr) -> Planned<Box<Node>> {
        self.node(expr).map(Box::new)
    }

    fn pair(&mut self, args: &'a [Expr]) -> Planned<Box<[Node; 2]>> {
        Ok(Box::new([self.node(&args[0])?, self.node(&args[1])?]))
    }

    fn node(&mut self, expr: &'a Expr) -> Planned<Node> {
        match &expr.kind {
            Kind::Literal(l) => Ok(Node::Const(constant(l))),
            Kind::Ident(name) => Ok(match &self.checked.refs[expr.id] {
                Some(Ref::Variable(at)) => Node::Variable(*at),
                Some(Ref::Type(ty)) => Node::Const(Val::Type(Type::clone(ty))),
                _ => {
                    let at = self.locals.iter().rposition(|l| l == name);
                    Node::Local(at.ok_or_else(|| format!("no such attribute: {name}"))?)
                }
            }),
            Kind::Select {
                operand,
                field,
                test,
            } => Ok(Node::Select {
                operand: self.boxed(operand)?,
                field: field.clone(),
                test: *test,
                optional: false,
            }),
            Kind::Call { .. } => self.call(expr),
            Kind::List(items) => {
                let items: Planned<Vec<_>> = items
                    .iter()
                    .map(|i| Ok((self.node(&i.value)?, i.optional)))
                    .collect();
                Ok(folded_list(items?))
            }
            Kind::Map(entries) => {
                let entries: Planned<Vec<_>> = entries
                    .iter()
                    .map(|e| Ok((self.node(&e.key)?, self.node(&e.value)?, e.optional)))
                    .collect();
                Ok(folded_map(entries?))
            }
            Kind::Fold(fold) => self.fold(fold),
            // A map of its members: what is made is looked at by name.
            Kind::Struct { fields, .. } => {
                let entries: Planned<Vec<_>> = fields
                    .iter()
                    .map(|f| {
                        let name = Node::Const(Val::text(f.name.as_str()));
                        Ok((name, self.node(&f.value)?, f.optional))
                    })
                    .collect();
                Ok(Node::Map(entries?))
            }
            Kind::Broken => Err("unexpected expression".to_owned()),
        }
    }

    fn fold(&mut self, fold: &'a Fold) -> Planned<Node> {
        let range = self.node(&fold.range)?;
        let init = self.node(&fold.init)?;
        let outer = self.locals.len();
        self.locals.push(&fold.accu);
        self.locals.push(&fold.var);
        if let Some(var2) = &fold.var2 {
            self.locals.push(var2);
        }
        let condition = self.node(&fold.condition)?;
        let step = self.node(&fold.step)?;
        self.locals.truncate(outer + 1);
        let result = self.node(&fold.result)?;
        self.locals.truncate(outer);
        Ok(Node::Fold(Box::new(Loop {
            range,
            two: fold.var2.is_some(),
            init,
            condition,
            step,
            result,
        })))
    }

    /// The place of the accumulator of the loop around, if this is it.
    fn accumulator(&self, expr: &Expr) -> Option<usize> {
        (expr.ident() == Some(ACCU)).then(|| self.locals.iter().rposition(|l| *l == ACCU))?
    }

    fn call(&mut self, expr: &'a Expr) -> Planned<Node> {
        let Kind::Call {
            function,
            target,
            args,
        } = &expr.kind
        else {
            return Err("unexpected expression".to_owned());
        };
        if let Some(node) = self.special(function, target.as_deref(), args)? {
            return Ok(node);
        }
        let overloads = self.checked.overloads(expr);
        let overload = if let [one] = overloads { one } else { "" };
        let planned: Planned<Vec<Node>> = target
            .as_deref()
            .into_iter()
            .chain(args)
            .map(|a| self.node(a))
            .collect();
        let mut planned = planned?;
        if function == "@in"
            && overload == "in_list"
            && let Some(node) = member(&mut planned)
        {
            return Ok(node);
        }
        if function == "matches"
            && let [_, Node::Const(Val::Text(pattern))] = &planned[..]
        {
            let regex = catena_schema::regex::compile(pattern)?;
            let length = pattern.chars().count() as u64;
            let operand = Box::new(planned.swap_remove(0));
            return Ok(Node::Matches(operand, Box::new(regex), length));
        }
        // What nobody gave a function to is told when it is called.
        let apply = functions::lookup(function).unwrap_or(|_| no_overload());
        let conversion = matches!(
            function.as_str(),
            "bool"
                | "bytes"
                | "double"
                | "duration"
                | "dyn"
                | "int"
                | "string"
                | "timestamp"
                | "type"
                | "uint"
        );
        if conversion && let [Node::Const(value)] = &planned[..] {
            let value = apply(std::slice::from_ref(value)).map_err(told)?;
            return Ok(Node::Const(value));
        }
        Ok(Node::Call(Box::new(Call {
            name: function.clone(),
            overload,
            function: apply,
            args: planned,
        })))
    }

    /// Calls that are no plain functions.
    fn special(
        &mut self,
        function: &str,
        target: Option<&'a Expr>,
        args: &'a [Expr],
    ) -> Planned<Option<Node>> {
        Ok(Some(match (function, args) {
            ("_&&_", _) => Node::And(self.pair(args)?),
            ("_||_", _) => Node::Or(self.pair(args)?),
            ("_==_", _) => Node::Equal(self.pair(args)?),
            ("_!=_", _) => Node::NotEqual(self.pair(args)?),
            ("_?_:_", [test, yes, no]) => Node::Cond(Box::new([
                self.node(test)?,
                self.node(yes)?,
                self.node(no)?,
            ])),
            ("@not_strictly_false", [arg]) => Node::NotStrictlyFalse(self.boxed(arg)?),
            ("_[_]" | "_[?_]", [operand, index]) => Node::Index {
                operand: self.boxed(operand)?,
                index: self.boxed(index)?,
                optional: function == "_[?_]",
            },
            ("_?._", [operand, field]) => {
                let Kind::Literal(Literal::String(field)) = &field.kind else {
                    return Ok(None);
                };
                Node::Select {
                    operand: self.boxed(operand)?,
                    field: field.clone(),
                    test: false,
                    optional: true,
                }
            }
            ("or" | "orValue", [other]) => {
                let Some(target) = target else {
                    return Ok(None);
                };
                let both = Box::new([self.node(target)?, self.node(other)?]);
                Node::Else(both, function == "orValue")
            }
            ("_+_", [accu, item]) => match (self.accumulator(accu), &item.kind) {
                (Some(at), Kind::List(items)) => match &items[..] {
                    [one] if !one.optional => Node::Append(at, self.boxed(&one.value)?),
                    _ => return Ok(None),
                },
                _ => return Ok(None),
            },
            ("cel.@mapInsert", [accu, rest @ ..]) => match self.accumulator(accu) {
                Some(at) => {
                    let rest: Planned<Vec<_>> = rest.iter().map(|a| self.node(a)).collect();
                    Node::Insert(at, rest?)
                }
                None => return Ok(None),
            },
            _ => return Ok(None),
        }))
    }
}

fn constant(literal: &Literal) -> Val<'static> {
    match literal {
        Literal::Null => Val::Null,
        Literal::Bool(b) => Val::Bool(*b),
        Literal::Int(i) => Val::Int(*i),
        Literal::Uint(u) => Val::Uint(*u),
        Literal::Double(d) => Val::Double(*d),
        Literal::String(s) => Val::Text(Text::Made(s.as_str().into())),
        Literal::Bytes(b) => Val::Bytes(Arc::from(b.as_slice())),
    }
}

fn folded_list(items: Vec<(Node, bool)>) -> Node {
    let fixed: Option<Vec<Val<'static>>> = items
        .iter()
        .map(|(node, optional)| match node {
            Node::Const(v) if !optional => Some(v.clone()),
            _ => None,
        })
        .collect();
    match fixed {
        Some(values) => Node::Const(Val::list(values)),
        None => Node::List(items),
    }
}

fn folded_map(entries: Vec<(Node, Node, bool)>) -> Node {
    let mut fixed: BTreeMap<Key, (Val<'static>, Val<'static>)> = BTreeMap::new();
    for (key, value, optional) in &entries {
        let (Node::Const(k), Node::Const(v), false) = (key, value, optional) else {
            return Node::Map(entries);
        };
        let Ok(at) = k.key() else {
            return Node::Map(entries);
        };
        fixed.insert(at, (k.clone(), v.clone()));
    }
    Node::Const(Val::Map(Arc::new(fixed)))
}

/// `x in [constants]`, which needs no call.
fn member(args: &mut Vec<Node>) -> Option<Node> {
    let Node::Const(list) = &args[1] else {
        return None;
    };
    let items = list.items().ok()?;
    let simple = items.iter().all(|v| {
        matches!(
            v,
            Val::Bool(_) | Val::Int(_) | Val::Uint(_) | Val::Double(_) | Val::Text(_)
        )
    });
    if !simple {
        return None;
    }
    let list = list.clone();
    Some(Node::Member(Box::new(args.swap_remove(0)), list))
}
