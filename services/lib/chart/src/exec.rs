//! Trees are walked and print, as Go's `text/template/exec.go` does it.

mod call;
mod eval;
mod field;

use std::sync::Arc;

use crate::{
    fault::Fault,
    format,
    session::Env,
    template::ast::{At, Branch, Invocation, List, Node, Pipe, Term, Tree},
    value::Value,
};

pub(crate) use call::{Args, Function, Type};

/// What a missing value prints; Helm takes it out of what is printed.
pub(crate) const NO_VALUE: &str = "<no value>";

/// Executes a template by name.
///
/// # Errors
/// Those of the template, in Go's words; or there is none of the name.
pub(crate) fn execute(env: Env<'_>, name: &str, dot: Value) -> Result<String, Fault> {
    let Some(tree) = env.trees.get(name) else {
        let name = format::quote(name);
        return Err(Fault::new(format!(
            "template: no template {name} associated with template \"gotpl\""
        )));
    };
    let mut out = String::new();
    run(env, tree, dot, &mut out)?;
    Ok(out)
}

fn run<'s>(env: Env<'s>, tree: &'s Tree, dot: Value, out: &mut String) -> Result<(), Fault> {
    let _level = env.budget().deeper()?;
    let mut state = State {
        env,
        tree,
        at: None,
        variables: vec![("$".into(), dot.clone())],
        out,
    };
    state.list(&dot, &tree.root).map(|_| ())
}

/// How a list of nodes is left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

struct State<'s, 'o> {
    env: Env<'s>,
    tree: &'s Tree,
    /// What errors are about.
    at: Option<At<'s>>,
    variables: Vec<(Arc<str>, Value)>,
    out: &'o mut String,
}

impl<'s> State<'s, '_> {
    fn at(&mut self, at: At<'s>) {
        self.at = Some(match at {
            At::Operand(operand) => match &operand.term {
                Term::Pipe(pipe) => At::Pipe(pipe),
                _ => at,
            },
            other => other,
        });
    }

    /// An error with its place; a limit needs no words around it.
    fn fault(&self, fault: impl Into<Fault>) -> Fault {
        let fault = fault.into();
        let name = format::quote(&self.tree.name);
        let Some(at) = self.at else {
            return fault.within(|text| format!("template: {}: {text}", self.tree.name));
        };
        let location = self.tree.source.location(at.pos());
        if fault.limit.is_some() {
            if fault.text.starts_with("template: ") {
                return fault;
            }
            return fault.within(|text| format!("template: {location}: {text}"));
        }
        fault.within(|text| format!("template: {location}: executing {name} at <{at}>: {text}"))
    }

    fn list(&mut self, dot: &Value, list: &'s List) -> Result<Flow, Fault> {
        for node in &list.nodes {
            let flow = self.node(dot, node)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn node(&mut self, dot: &Value, node: &'s Node) -> Result<Flow, Fault> {
        self.spend(1)?;
        match node {
            Node::Text(text) => self.print(text)?,
            Node::Action(action) => {
                self.at(At::Action(action));
                let value = self.pipeline(dot, &action.pipe)?;
                if action.pipe.variables.is_empty() {
                    self.at(At::Action(action));
                    self.print_value(&value)?;
                }
            }
            Node::If(branch) | Node::With(branch) => return self.branch(dot, branch),
            Node::Range(branch) => return self.range(dot, branch),
            Node::Template(invocation) => {
                self.at(At::Invocation(invocation));
                self.invoke(dot, invocation)?;
            }
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn spend(&self, steps: usize) -> Result<(), Fault> {
        self.env.budget().spend(steps).map_err(|e| self.fault(e))
    }

    fn print(&mut self, text: &str) -> Result<(), Fault> {
        let budget = self.env.budget();
        let paid = budget
            .grow(self.out.len(), text.len())
            .and_then(|()| budget.print(text.len()));
        paid.map_err(|e| self.fault(e))?;
        self.out.push_str(text);
        Ok(())
    }

    fn print_value(&mut self, value: &Value) -> Result<(), Fault> {
        match value {
            Value::Missing => self.print(NO_VALUE),
            Value::Text(text) => self.print(&text.clone()),
            value => {
                let shown = format::print(value, self.env.budget()).map_err(|e| self.fault(e))?;
                self.print(&shown)
            }
        }
    }

    fn branch(&mut self, dot: &Value, branch: &'s Branch) -> Result<Flow, Fault> {
        let _level = self.env.budget().deeper().map_err(|e| self.fault(e))?;
        self.at(At::Branch(branch));
        let mark = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let flow = if value.truth() {
            let dot = if branch.word == "with" { &value } else { dot };
            self.list(dot, &branch.list)
        } else {
            self.otherwise(dot, branch)
        };
        self.variables.truncate(mark);
        flow
    }

    fn otherwise(&mut self, dot: &Value, branch: &'s Branch) -> Result<Flow, Fault> {
        match &branch.otherwise {
            Some(list) => self.list(dot, list),
            None => Ok(Flow::Next),
        }
    }

    fn range(&mut self, dot: &Value, branch: &'s Branch) -> Result<Flow, Fault> {
        let _level = self.env.budget().deeper().map_err(|e| self.fault(e))?;
        self.at(At::Branch(branch));
        let outer = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let mark = self.variables.len();
        let flow = self.rounds(dot, branch, &value, mark);
        self.variables.truncate(outer);
        flow
    }

    fn rounds(
        &mut self,
        dot: &Value,
        branch: &'s Branch,
        value: &Value,
        mark: usize,
    ) -> Result<Flow, Fault> {
        let mut some = false;
        let mut round = |state: &mut Self, key: Value, element: Value| -> Result<bool, Fault> {
            some = true;
            state.spend(1)?;
            state.round(branch, key, element, mark)
        };
        match value {
            Value::Missing | Value::Nil => {}
            Value::List(list) => {
                for (i, item) in list.items.iter().enumerate() {
                    let index = Value::Int(i64::try_from(i).unwrap_or(i64::MAX));
                    if !round(self, index, item.clone())? {
                        return Ok(Flow::Next);
                    }
                }
            }
            Value::Map(map) => {
                // What a round sets in the map is not gone over.
                self.spend(map.len())?;
                let members = map.members().clone();
                for (key, item) in members {
                    if !round(self, Value::Text(key), item)? {
                        return Ok(Flow::Next);
                    }
                }
            }
            Value::Int(n) | Value::Int64(n) => {
                if branch.pipe.variables.len() > 1 {
                    let why = format!("can't use {n} to iterate over more than one variable");
                    return Err(self.fault(why));
                }
                for i in 0..*n {
                    let element = match value {
                        Value::Int(_) => Value::Int(i),
                        _ => Value::Int64(i),
                    };
                    if !round(self, Value::Missing, element)? {
                        return Ok(Flow::Next);
                    }
                }
            }
            Value::Native(native) => match native.entries() {
                Some(entries) => {
                    for (key, item) in entries {
                        if !round(self, key, item)? {
                            return Ok(Flow::Next);
                        }
                    }
                }
                None => return Err(self.cannot_range(value)),
            },
            Value::Bool(_) | Value::Byte(_) | Value::Float(_) | Value::Text(_) => {
                return Err(self.cannot_range(value));
            }
        }
        if some {
            return Ok(Flow::Next);
        }
        self.otherwise(dot, branch)
    }

    fn cannot_range(&self, value: &Value) -> Fault {
        match format::print(value, self.env.budget()) {
            Ok(shown) => self.fault(format!("range can't iterate over {shown}")),
            Err(fault) => self.fault(fault),
        }
    }

    /// One round; false where the loop is left.
    fn round(
        &mut self,
        branch: &'s Branch,
        key: Value,
        element: Value,
        mark: usize,
    ) -> Result<bool, Fault> {
        let pipe = &branch.pipe;
        match (pipe.variables.as_slice(), pipe.assigns) {
            ([], _) => {}
            ([one], true) => self.assign(one, element.clone())?,
            ([first, second, ..], true) => {
                self.assign(first, key)?;
                self.assign(second, element.clone())?;
            }
            ([_], false) => self.set_top(1, element.clone()),
            ([_, _, ..], false) => {
                self.set_top(1, element.clone());
                self.set_top(2, key);
            }
        }
        let flow = self.list(&element, &branch.list);
        self.variables.truncate(mark);
        Ok(flow? != Flow::Break)
    }

    fn set_top(&mut self, from_end: usize, value: Value) {
        let at = self.variables.len().checked_sub(from_end);
        if let Some(variable) = at.and_then(|at| self.variables.get_mut(at)) {
            variable.1 = value;
        }
    }

    fn assign(&mut self, name: &str, value: Value) -> Result<(), Fault> {
        match self.variables.iter_mut().rev().find(|(n, _)| **n == *name) {
            Some(variable) => {
                variable.1 = value;
                Ok(())
            }
            None => Err(self.fault(format!("undefined variable: {name}"))),
        }
    }

    fn variable(&self, name: &str) -> Result<Value, Fault> {
        let mut variables = self.variables.iter().rev();
        match variables.find(|(n, _)| **n == *name) {
            Some((_, value)) => Ok(value.clone()),
            None => Err(self.fault(format!("undefined variable: {name}"))),
        }
    }

    fn invoke(&mut self, dot: &Value, invocation: &'s Invocation) -> Result<(), Fault> {
        let Some(tree) = self.env.trees.get(&invocation.name) else {
            let name = format::quote(&invocation.name);
            return Err(self.fault(format!("template {name} not defined")));
        };
        let dot = match &invocation.pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Value::Missing,
        };
        let before = self.out.len();
        let mut out = std::mem::take(self.out);
        let result = run(self.env, tree, dot, &mut out);
        *self.out = out;
        debug_assert!(self.out.len() >= before);
        // An error has its place already: that in the template that was invoked.
        result.map_err(|fault| {
            if fault.text.starts_with("template: ") {
                fault
            } else {
                self.fault(fault)
            }
        })
    }

    fn pipeline(&mut self, dot: &Value, pipe: &'s Pipe) -> Result<Value, Fault> {
        self.at(At::Pipe(pipe));
        let mut value: Option<Value> = None;
        for command in &pipe.commands {
            self.spend(1)?;
            value = Some(self.command(dot, command, value)?.or_missing());
        }
        let value = value.unwrap_or(Value::Missing);
        for name in &pipe.variables {
            if pipe.assigns {
                self.assign(name, value.clone())?;
            } else {
                self.variables.push((name.clone(), value.clone()));
            }
        }
        Ok(value)
    }
}
