//! Evaluation, with a count of what it costs.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    cost::runtime,
    functions,
    plan::{Call, Loop, Node},
    value::{Fault, Outcome, Val, fault, no_overload},
};

const LIST: u64 = 10;
const MAP: u64 = 30;

/// An evaluation under way.
pub(crate) struct Run<'v, 'a> {
    /// By the places that the environment gave them.
    variables: &'v [Option<Val<'a>>],
    locals: Vec<Outcome<Val<'a>>>,
    cost: u64,
    limit: u64,
}

impl<'v, 'a> Run<'v, 'a> {
    pub(crate) fn new(variables: &'v [Option<Val<'a>>], limit: u64) -> Self {
        Self {
            variables,
            locals: Vec::new(),
            cost: 0,
            limit,
        }
    }

    pub(crate) fn cost(&self) -> u64 {
        self.cost
    }

    fn pay(&mut self, cost: u64) -> Outcome<()> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > self.limit {
            return Err(Fault::Limit);
        }
        Ok(())
    }

    pub(crate) fn eval(&mut self, node: &'a Node) -> Outcome<Val<'a>> {
        match node {
            Node::Const(v) => Ok(v.clone()),
            Node::Variable(at) => {
                self.pay(1)?;
                match &self.variables[*at] {
                    Some(v) => Ok(v.clone()),
                    None => fault("no such attribute(s)"),
                }
            }
            Node::Local(at) => {
                self.pay(1)?;
                self.locals[*at].clone()
            }
            Node::Select {
                operand,
                field,
                test,
                optional,
            } => self.select(operand, field, *test, *optional),
            Node::Index {
                operand,
                index,
                optional,
            } => self.index(operand, index, *optional),
            Node::And(terms) => self.logic(terms, false),
            Node::Or(terms) => self.logic(terms, true),
            Node::Cond(parts) => self.conditional(parts),
            Node::Else(parts, value) => self.otherwise(parts, *value),
            Node::NotStrictlyFalse(arg) => {
                let value = match self.eval(arg) {
                    Err(Fault::Limit) => return Err(Fault::Limit),
                    Ok(Val::Bool(b)) => b,
                    _ => true,
                };
                self.pay(1)?;
                Ok(Val::Bool(value))
            }
            Node::Equal(args) => self.equal(args).map(Val::Bool),
            Node::NotEqual(args) => self.equal(args).map(|b| Val::Bool(!b)),
            Node::Member(arg, list) => {
                let value = self.eval(arg)?;
                let items = list.items()?;
                for item in items.iter() {
                    if value.equal(item)? {
                        return Ok(Val::Bool(true));
                    }
                }
                Ok(Val::Bool(false))
            }
            Node::Matches(operand, regex, pattern) => {
                let value = self.eval(operand)?;
                let Val::Text(text) = &value else {
                    return no_overload();
                };
                self.pay(runtime::pattern(text.chars().count() as u64, *pattern))?;
                Ok(Val::Bool(regex.is_match(&**text)))
            }
            Node::Call(call) => self.call(call),
            Node::List(items) => self.list(items),
            Node::Map(entries) => self.map(entries),
            Node::Fold(fold) => self.fold(fold),
            Node::Append(at, item) => self.append(*at, item),
            Node::Insert(at, args) => self.insert(*at, args),
        }
    }

    /// The value that a selection starts from.
    fn operand(&mut self, operand: &'a Node) -> Outcome<Val<'a>> {
        let value = self.eval(operand)?;
        if !operand.is_attribute() {
            self.pay(1)?;
        }
        Ok(value)
    }

    fn select(
        &mut self,
        operand: &'a Node,
        field: &str,
        test: bool,
        optional: bool,
    ) -> Outcome<Val<'a>> {
        let value = self.operand(operand)?;
        self.pay(1)?;
        if test {
            self.cost -= 1;
        }
        let (inner, wrapped) = match &value {
            Val::Optional(None) if test => return Ok(Val::Bool(false)),
            Val::Optional(None) => return Ok(Val::NONE),
            Val::Optional(Some(v)) => (&**v, true),
            other => (other, false),
        };
        if !inner.is_map() {
            return no_overload();
        }
        let found = inner.member(field)?;
        Ok(match found {
            found if test => Val::Bool(found.is_some()),
            Some(v) if wrapped || optional => Val::some(v),
            Some(v) => v,
            None if wrapped || optional => {
                self.cost -= 1;
                Val::NONE
            }
            None => return fault(format!("no such key: {field}")),
        })
    }

    fn index(&mut self, operand: &'a Node, index: &'a Node, optional: bool) -> Outcome<Val<'a>> {
        let value = self.operand(operand)?;
        let key = self.eval(index)?;
        if !index.is_attribute() {
            self.pay(1)?;
        }
        let (inner, wrapped) = match &value {
            Val::Optional(None) => return Ok(Val::NONE),
            Val::Optional(Some(v)) => (&**v, true),
            other => (other, false),
        };
        let found = if inner.is_map() {
            inner.find(&key)?
        } else if inner.is_list() {
            let Ok(crate::value::Key::Int(i)) = key.key() else {
                return fault(format!(
                    "unsupported index type '{}' in list",
                    key.ty().runtime_name()
                ));
            };
            let size = inner.size().unwrap_or_default();
            match u64::try_from(i).ok().filter(|i| *i < size) {
                Some(i) => Some(inner.item(i as usize)?),
                None => None,
            }
        } else {
            return no_overload();
        };
        match found {
            Some(v) if wrapped || optional => Ok(Val::some(v)),
            Some(v) => Ok(v),
            None if wrapped || optional => {
                self.cost = self.cost.saturating_sub(1);
                Ok(Val::NONE)
            }
            None => {
                let what = if inner.is_map() {
                    "no such key"
                } else {
                    "index out of bounds"
                };
                let shown = functions::convert::string(&key).unwrap_or_default();
                fault(format!("{what}: {shown}"))
            }
        }
    }

    /// `&&` and `||`: one side may decide whatever the other one is.
    fn logic(&mut self, terms: &'a [Node; 2], decides: bool) -> Outcome<Val<'a>> {
        let mut first: Option<Fault> = None;
        for term in terms {
            let problem = match self.eval(term) {
                Ok(Val::Bool(b)) if b == decides => return Ok(Val::Bool(b)),
                Ok(Val::Bool(_)) => continue,
                Err(Fault::Limit) => return Err(Fault::Limit),
                Ok(_) => Fault::Error("no such overload".to_owned()),
                Err(problem) => problem,
            };
            first.get_or_insert(problem);
        }
        match first {
            Some(problem) => Err(problem),
            None => Ok(Val::Bool(!decides)),
        }
    }

    fn conditional(&mut self, parts: &'a [Node; 3]) -> Outcome<Val<'a>> {
        let branch = match self.eval(&parts[0])? {
            Val::Bool(true) => &parts[1],
            Val::Bool(false) => &parts[2],
            _ => return no_overload(),
        };
        let value = self.eval(branch);
        // A selection that is a branch costs only its steps.
        if branch.is_attribute() && !matches!(branch, Node::Cond(_)) {
            self.cost = self.cost.saturating_sub(1);
        }
        value
    }

    fn otherwise(&mut self, parts: &'a [Node; 2], value: bool) -> Outcome<Val<'a>> {
        let Val::Optional(found) = self.eval(&parts[0])? else {
            return no_overload();
        };
        match found {
            Some(v) if value => Ok(Val::clone(&v)),
            Some(v) => Ok(Val::Optional(Some(v))),
            None => self.eval(&parts[1]),
        }
    }

    fn equal(&mut self, args: &'a [Node; 2]) -> Outcome<bool> {
        let (a, b) = (self.argument(&args[0])?, self.argument(&args[1])?);
        let of = |v: &Outcome<Val<'a>>| v.clone().unwrap_or(Val::Null);
        self.pay(runtime::equality(&of(&a), &of(&b)))?;
        a?.equal(&b?)
    }

    /// An argument. An error in it does not keep the other one from being
    /// evaluated, nor the call from being paid for.
    fn argument(&mut self, node: &'a Node) -> Outcome<Outcome<Val<'a>>> {
        match self.eval(node) {
            Err(Fault::Limit) => Err(Fault::Limit),
            other => Ok(other),
        }
    }

    fn call(&mut self, call: &'a Call) -> Outcome<Val<'a>> {
        if let [_, _, _, ..] = &call.args[..] {
            let args: Outcome<Vec<Val<'a>>> = call.args.iter().map(|a| self.eval(a)).collect();
            return self.apply(call, &args?);
        }
        let mut args = Vec::with_capacity(call.args.len());
        let mut problem = None;
        for arg in &call.args {
            args.push(self.argument(arg)?.unwrap_or_else(|fault| {
                problem.get_or_insert(fault);
                Val::Null
            }));
        }
        match problem {
            Some(fault) => {
                let cost = runtime::call(&call.name, call.overload, &args, None);
                self.pay(cost)?;
                Err(fault)
            }
            None => self.apply(call, &args),
        }
    }

    fn apply(&mut self, call: &Call, args: &[Val<'a>]) -> Outcome<Val<'a>> {
        let result = (call.function)(args);
        let cost = runtime::call(&call.name, call.overload, args, result.as_ref().ok());
        self.pay(cost)?;
        result
    }

    fn list(&mut self, items: &'a [(Node, bool)]) -> Outcome<Val<'a>> {
        let mut out = Vec::with_capacity(items.len());
        for (node, optional) in items {
            match (self.eval(node)?, optional) {
                (v, false) => out.push(v),
                (Val::Optional(v), true) => out.extend(v.as_deref().cloned()),
                (_, true) => {
                    return fault(
                        "cannot initialize optional list element from non-optional value",
                    );
                }
            }
        }
        self.pay(LIST)?;
        Ok(Val::list(out))
    }

    fn map(&mut self, entries: &'a [(Node, Node, bool)]) -> Outcome<Val<'a>> {
        let mut out = BTreeMap::new();
        for (key, value, optional) in entries {
            let key = self.eval(key)?;
            let value = self.eval(value)?;
            let at = key.key()?;
            match (value, optional) {
                (v, false) => drop(out.insert(at, (key, v))),
                (Val::Optional(Some(v)), true) => drop(out.insert(at, (key, Val::clone(&v)))),
                (Val::Optional(None), true) => drop(out.remove(&at)),
                (_, true) => {
                    return fault("cannot initialize optional entry from non-optional value");
                }
            }
        }
        self.pay(MAP)?;
        Ok(Val::Map(Arc::new(out)))
    }

    fn fold(&mut self, fold: &'a Loop) -> Outcome<Val<'a>> {
        let range = self.eval(&fold.range)?;
        let outer = self.locals.len();
        let init = self.eval(&fold.init);
        if matches!(init, Err(Fault::Limit)) {
            return Err(Fault::Limit);
        }
        self.locals.push(init);
        let result = self.iterate(fold, &range, outer);
        self.locals.truncate(outer + 1);
        let result = result.and_then(|()| self.eval(&fold.result));
        self.locals.truncate(outer);
        result
    }

    fn iterate(&mut self, fold: &'a Loop, range: &Val<'a>, accu: usize) -> Outcome<()> {
        if !range.is_list() && !range.is_map() {
            return fault(format!(
                "got '{}', expected iterable type",
                range.ty().runtime_name()
            ));
        }
        let pairs: Vec<(Val<'a>, Val<'a>)> = match range.is_list() {
            true => {
                let items = range.items()?.into_owned().into_iter();
                let pair = |(i, v)| (Val::Int(i as i64), v);
                match fold.two {
                    true => items.enumerate().map(pair).collect(),
                    false => items.map(|v| (v, Val::Null)).collect(),
                }
            }
            false => range.entries()?,
        };
        for (first, second) in pairs {
            self.locals.truncate(accu + 1);
            self.locals.push(Ok(first));
            if fold.two {
                self.locals.push(Ok(second));
            }
            match self.eval(&fold.condition) {
                Ok(Val::Bool(false)) => break,
                Err(Fault::Limit) => return Err(Fault::Limit),
                _ => {}
            }
            let next = self.eval(&fold.step);
            if matches!(next, Err(Fault::Limit)) {
                return Err(Fault::Limit);
            }
            self.locals[accu] = next;
        }
        Ok(())
    }

    /// The accumulator itself, so that it can be changed where it is.
    fn take(&mut self, at: usize) -> Outcome<Val<'a>> {
        self.pay(1)?;
        std::mem::replace(&mut self.locals[at], Ok(Val::Null))
    }

    fn append(&mut self, at: usize, item: &'a Node) -> Outcome<Val<'a>> {
        let constant = matches!(item, Node::Const(_));
        let item = self.eval(item)?;
        let mut list = self.take(at)?;
        self.pay(if constant { 1 } else { LIST + 1 })?;
        match &mut list {
            Val::List(items) => Arc::make_mut(items).push(item),
            _ => return no_overload(),
        }
        Ok(list)
    }

    fn insert(&mut self, at: usize, args: &'a [Node]) -> Outcome<Val<'a>> {
        let args: Outcome<Vec<Val<'a>>> = args.iter().map(|a| self.eval(a)).collect();
        let args = args?;
        let mut map = self.take(at)?;
        self.pay(1)?;
        let Val::Map(entries) = &mut map else {
            return no_overload();
        };
        let new = match &args[..] {
            [key, value] => vec![(key.clone(), value.clone())],
            _ => args[0].entries()?,
        };
        for (key, value) in new {
            let place = key.key()?;
            if entries.contains_key(&place) {
                let shown = functions::convert::string(&key).unwrap_or_default();
                return fault(format!("insert failed: key {shown} already exists"));
            }
            Arc::make_mut(entries).insert(place, (key, value));
        }
        Ok(map)
    }
}
