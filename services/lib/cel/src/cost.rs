//! What an expression can cost at most and at least, before anything is known
//! of the data but its bounds (`cel-go`'s `checker/cost.go`). The estimates
//! decide which rules a definition may have, so they are the same to the unit.

use std::collections::HashMap;

use crate::{
    ast::{Expr, Fold, Id, Kind, Literal},
    check::Checked,
    decl::{Decl, Kind as DeclKind},
    escape::{escape, unescape},
    parse::ACCU,
    types::Type,
};

mod calls;
mod lists;
mod range;
pub(crate) mod runtime;

pub use range::Range;

/// Cost of an operation on each character of a string.
pub(crate) const TRAVERSAL: f64 = 0.1;
/// Cost of each character of a pattern.
pub(crate) const PATTERN: f64 = 0.25;
/// Characters of the longest pattern of a named format.
const FORMAT_PATTERN: f64 = 128.0;

/// Sizes of the keys and values of something that was made in the expression.
#[derive(Clone, Copy)]
struct Entries {
    list: bool,
    key: Range,
    value: Range,
}

impl Entries {
    fn union(self, other: Self) -> Self {
        Self {
            list: self.list,
            key: self.key.union(other.key),
            value: self.value.union(other.value),
        }
    }
}

#[derive(Clone)]
struct Local {
    path: Vec<String>,
    size: Option<Range>,
    entries: Option<Entries>,
}

/// A node as the costs of calls see it.
struct Seen<'a> {
    path: Vec<String>,
    ty: Type,
    size: Option<Range>,
    expr: Option<&'a Expr>,
}

struct Estimate {
    cost: Range,
    size: Option<Range>,
}

/// Estimates an expression over data of `root`, whatever the variable is called.
pub(crate) fn estimate(checked: &Checked, root: Option<&Decl>) -> Range {
    let mut coster = Coster {
        checked,
        root,
        paths: HashMap::new(),
        locals: Vec::new(),
        sizes: HashMap::new(),
        entries: HashMap::new(),
    };
    coster.cost(&checked.expr)
}

struct Coster<'a> {
    checked: &'a Checked,
    root: Option<&'a Decl>,
    paths: HashMap<Id, Vec<String>>,
    locals: Vec<(&'a str, Local)>,
    sizes: HashMap<Id, Range>,
    entries: HashMap<Id, Entries>,
}

impl<'a> Coster<'a> {
    fn local(&self, name: &str) -> Option<&Local> {
        let found = self.locals.iter().rev().find(|(n, _)| *n == name);
        found.map(|(_, l)| l)
    }

    fn ty(&self, expr: &Expr) -> &'a Type {
        self.checked.ty(expr)
    }

    fn cost(&mut self, expr: &'a Expr) -> Range {
        match &expr.kind {
            Kind::Literal(_) | Kind::Broken => Range::fixed(0),
            Kind::Ident(name) => {
                let path = match self.local(name) {
                    Some(local) => local.path.clone(),
                    None => vec![name.clone()],
                };
                self.paths.insert(expr.id, path);
                Range::fixed(1)
            }
            Kind::Select {
                operand,
                field,
                test,
            } => {
                let mut sum = self.cost(operand);
                if *test {
                    return sum;
                }
                if matches!(
                    self.ty(operand),
                    Type::Map(..) | Type::Object(_) | Type::Param(_)
                ) {
                    sum = sum.add(Range::fixed(1));
                }
                let mut path = self.path(operand);
                path.push(field.clone());
                self.paths.insert(expr.id, path);
                sum
            }
            Kind::Call { .. } => self.call(expr),
            Kind::List(items) => {
                let mut sum = Range::fixed(10);
                let mut size = unmet(items.is_empty());
                for item in items {
                    sum = sum.add(self.cost(&item.value));
                    size = size.union(self.size_or_unknown(&item.value));
                }
                let entries = Entries {
                    list: true,
                    key: Range::fixed(1),
                    value: size,
                };
                self.entries.insert(expr.id, entries);
                sum
            }
            Kind::Map(entries) => {
                let mut sum = Range::fixed(30);
                let (mut key, mut value) = (unmet(entries.is_empty()), unmet(entries.is_empty()));
                for entry in entries {
                    sum = sum.add(self.cost(&entry.key)).add(self.cost(&entry.value));
                    key = key.union(self.size_or_unknown(&entry.key));
                    value = value.union(self.size_or_unknown(&entry.value));
                }
                let entries = Entries {
                    list: false,
                    key,
                    value,
                };
                self.entries.insert(expr.id, entries);
                sum
            }
            Kind::Struct { fields, .. } => {
                let fields = fields.iter().map(|f| self.cost(&f.value));
                fields.fold(Range::fixed(40), Range::add)
            }
            Kind::Fold(fold) if is_binding(fold) => self.binding(expr, fold),
            Kind::Fold(fold) => self.fold(expr, fold),
        }
    }

    fn push(&mut self, name: &'a str, local: Local) {
        self.locals.push((name, local));
    }

    fn local_of(&mut self, expr: &'a Expr) -> Local {
        Local {
            path: self.path(expr),
            size: self.size(expr),
            entries: self.entry_sizes(expr),
        }
    }

    /// A variable that a binding macro gives to an expression.
    fn binding(&mut self, expr: &'a Expr, fold: &'a Fold) -> Range {
        let sum = self.cost(&fold.range).add(self.cost(&fold.init));
        let local = self.local_of(&fold.init);
        self.push(&fold.accu, local);
        let sum = sum.add(self.cost(&fold.result));
        let (size, entries) = (self.size(&fold.result), self.entry_sizes(&fold.result));
        self.locals.pop();
        if let Some(size) = size {
            self.sizes.insert(expr.id, size);
        }
        if let Some(entries) = entries {
            self.entries.insert(expr.id, entries);
        }
        sum
    }

    fn fold(&mut self, expr: &'a Expr, fold: &'a Fold) -> Range {
        let sum = self.cost(&fold.range).add(self.cost(&fold.init));
        let accu = self.local_of(&fold.init);
        self.push(&fold.accu, accu);
        let sizes = self.entry_sizes(&fold.range);
        let list = sizes.map_or(matches!(self.ty(&fold.range), Type::List(_)), |s| s.list);
        let path = self.path(&fold.range);
        let variable = |part: &str, size: Option<Range>| {
            let mut path = path.clone();
            path.push(part.to_owned());
            Local {
                path,
                size,
                entries: None,
            }
        };
        let (key, value) = (sizes.map(|s| s.key), sizes.map(|s| s.value));
        match &fold.var2 {
            Some(var2) => {
                let (k, v) = if list {
                    ("@indices", "@items")
                } else {
                    ("@keys", "@values")
                };
                self.push(&fold.var, variable(k, key));
                self.push(var2, variable(v, value));
            }
            None if list => self.push(&fold.var, variable("@items", value)),
            None => self.push(&fold.var, variable("@keys", key)),
        }
        let step = self.cost(&fold.condition).add(self.cost(&fold.step));
        let step_entries = self.entry_sizes(&fold.step);
        self.locals
            .truncate(self.locals.len() - 1 - usize::from(fold.var2.is_some()));
        let sum = sum.add(self.cost(&fold.result));
        self.locals.pop();
        let count = self.size_or_unknown(&fold.range);
        match &fold.init.kind {
            Kind::Literal(_) => {
                if let Some(size) = self.size(&fold.init) {
                    self.sizes.insert(expr.id, size);
                }
            }
            Kind::List(_) | Kind::Map(_) => {
                self.sizes.insert(expr.id, count);
                if let Some(entries) = step_entries {
                    self.entries.insert(expr.id, entries);
                }
            }
            _ => {}
        }
        sum.add(count.multiply(step))
    }

    fn path(&self, expr: &Expr) -> Vec<String> {
        if let Some(local) = expr.ident().and_then(|name| self.local(name)) {
            return local.path.clone();
        }
        self.paths.get(&expr.id).cloned().unwrap_or_default()
    }

    fn seen(&mut self, expr: &'a Expr) -> Seen<'a> {
        let mut path = self.path(expr);
        if path.first().is_some_and(|p| p == ACCU) {
            path.clear();
        }
        Seen {
            path,
            ty: self.ty(expr).clone(),
            size: self.size(expr),
            expr: Some(expr),
        }
    }

    /// The bound of data at a path, of which the first part is the variable.
    fn declared(&self, path: &[String]) -> Option<Range> {
        let (_, rest) = path.split_first()?;
        let mut decl = self.root?;
        for part in rest {
            decl = match (part.as_str(), &decl.kind) {
                ("@items", DeclKind::List { item, .. }) => item,
                ("@items" | "@values", DeclKind::Map(value)) => value,
                ("@values", DeclKind::List { item, .. }) => item,
                ("@keys", DeclKind::Map(_)) => return Some(Range::new(0, decl.keys)),
                (name, DeclKind::Object(fields)) => {
                    let raw = unescape(name)?;
                    let known = escape(&raw).is_some_and(|e| e == name);
                    fields.get(&raw).filter(|d| known && d.visible())?
                }
                (_, DeclKind::Map(value)) if decl.members => value,
                _ => return None,
            };
        }
        Some(Range::new(0, decl.max))
    }

    fn size_or_unknown(&mut self, expr: &Expr) -> Range {
        self.size(expr).unwrap_or(Range::UNKNOWN)
    }

    fn size(&mut self, expr: &Expr) -> Option<Range> {
        if let Some(size) = self.sizes.get(&expr.id) {
            return Some(*size);
        }
        if let Some(size) = own_size(expr) {
            return Some(Range::fixed(size));
        }
        if let Some(size) = self.declared(&self.path(expr)) {
            self.sizes.insert(expr.id, size);
            return Some(size);
        }
        if is_scalar(self.checked.ty(expr)) {
            return Some(Range::fixed(1));
        }
        let local = expr.ident().and_then(|name| self.local(name));
        local.and_then(|l| l.size)
    }

    fn entry_sizes(&self, expr: &Expr) -> Option<Entries> {
        let local = || expr.ident().and_then(|name| self.local(name))?.entries;
        self.entries.get(&expr.id).copied().or_else(local)
    }
}

/// The union with nothing yet.
fn unmet(empty: bool) -> Range {
    Range::new(if empty { 0 } else { u64::MAX }, 0)
}

fn is_binding(fold: &Fold) -> bool {
    matches!(&fold.range.kind, Kind::List(items) if items.is_empty())
        && matches!(fold.condition.kind, Kind::Literal(Literal::Bool(false)))
        && fold.accu != ACCU
}

/// The size of what is written in the expression itself.
fn own_size(expr: &Expr) -> Option<u64> {
    Some(match &expr.kind {
        Kind::Literal(Literal::String(s)) => s.chars().count() as u64,
        Kind::Literal(Literal::Bytes(b)) => b.len() as u64,
        Kind::Literal(_) => 1,
        Kind::List(items) => items.len() as u64,
        Kind::Map(entries) => entries.len() as u64,
        _ => return None,
    })
}

fn is_scalar(ty: &Type) -> bool {
    match ty {
        Type::Bool | Type::Double | Type::Duration | Type::Int | Type::Timestamp | Type::Uint => {
            true
        }
        other => other.unwrapped().is_some_and(is_scalar),
    }
}
