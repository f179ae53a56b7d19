//! Types of all nodes, and the functions that calls mean.

use crate::{
    ast::{Expr, Fold, Id, Kind, Literal},
    env::{self, Env, Overload},
    parse::Parsed,
    source::Problems,
    types::{Mapping, Type, most_general},
};

mod literals;

/// What a checked node refers to.
#[derive(Clone, Debug)]
pub(crate) enum Ref {
    /// A variable given from outside.
    Variable(usize),
    /// A variable of a loop.
    Local,
    /// The name of a type.
    Type(Type),
    /// The overloads that a call can be.
    Function(Vec<&'static str>),
}

pub(crate) struct Checked {
    pub(crate) expr: Expr,
    pub(crate) types: Vec<Type>,
    pub(crate) refs: Vec<Option<Ref>>,
}

impl Checked {
    pub(crate) fn ty(&self, expr: &Expr) -> &Type {
        &self.types[expr.id]
    }

    pub(crate) fn overloads(&self, expr: &Expr) -> &[&'static str] {
        match &self.refs[expr.id] {
            Some(Ref::Function(ids)) => ids,
            _ => &[],
        }
    }
}

pub(crate) fn check(parsed: Parsed, env: &Env, problems: &mut Problems) -> Checked {
    let count = parsed.places.len();
    let mut checker = Checker {
        env,
        places: &parsed.places,
        problems,
        types: vec![Type::Error; count],
        refs: vec![None; count],
        mapping: Mapping::default(),
        free: 0,
        scopes: Vec::new(),
    };
    let mut expr = parsed.expr;
    checker.check(&mut expr);
    let Checker {
        mut types,
        refs,
        mapping,
        ..
    } = checker;
    for ty in &mut types {
        *ty = mapping.substitute(ty, true);
    }
    let checked = Checked { expr, types, refs };
    if problems.is_empty() {
        literals::check(&checked, &parsed.places, problems);
    }
    checked
}

struct Checker<'a> {
    env: &'a Env,
    places: &'a [Option<usize>],
    problems: &'a mut Problems,
    types: Vec<Type>,
    refs: Vec<Option<Ref>>,
    mapping: Mapping,
    /// Type variables made so far.
    free: usize,
    /// Variables of the loops around.
    scopes: Vec<(String, Type)>,
}

impl Checker<'_> {
    fn problem(&mut self, id: Id, message: String) {
        self.problems.at(self.places[id], message);
    }

    fn ty(&self, expr: &Expr) -> Type {
        self.types[expr.id].clone()
    }

    fn variable(&mut self) -> Type {
        let name = format!("_var{}", self.free);
        self.free += 1;
        Type::param(&name)
    }

    fn mismatch(&mut self, id: Id, expected: &Type, found: &Type) {
        self.problem(
            id,
            format!("expected type '{expected}' but found '{found}'"),
        );
    }

    fn undeclared(&mut self, id: Id, name: &str) {
        self.types[id] = Type::Error;
        self.problem(
            id,
            format!("undeclared reference to '{name}' (in container '')"),
        );
    }

    /// A name as variable or type.
    fn lookup(&self, name: &str) -> Option<(Type, Ref)> {
        let name = name.strip_prefix('.').unwrap_or(name);
        if let Some((_, ty)) = self.scopes.iter().rev().find(|(n, _)| n == name) {
            return Some((ty.clone(), Ref::Local));
        }
        if let Some((at, ty)) = self.env.variable(name) {
            return Some((ty.clone(), Ref::Variable(at)));
        }
        let named = env::named_type(name).or_else(|| {
            let known = self.env.has_object(name);
            known.then(|| Type::Object(name.into()))
        })?;
        Some((
            Type::Type(Some(std::sync::Arc::new(named.clone()))),
            Ref::Type(named),
        ))
    }

    fn check(&mut self, expr: &mut Expr) {
        let id = expr.id;
        match &mut expr.kind {
            Kind::Broken => self.types[id] = Type::Error,
            Kind::Literal(l) => self.types[id] = literal_type(l),
            Kind::Ident(name) => match self.lookup(name) {
                Some((ty, reference)) => {
                    self.types[id] = ty;
                    self.refs[id] = Some(reference);
                }
                None => {
                    let name = name.clone();
                    self.undeclared(id, &name);
                }
            },
            Kind::Select { .. } => self.select(expr),
            Kind::Call { .. } => self.call(expr),
            Kind::List(items) => {
                let mut of = None;
                for item in items {
                    self.check(&mut item.value);
                    let ty = self.item_type(&item.value, item.optional);
                    of = Some(self.join(of, ty));
                }
                let of = of.unwrap_or_else(|| self.variable());
                self.types[id] = Type::list(of);
            }
            Kind::Map(entries) => {
                let (mut key, mut value) = (None, None);
                for entry in entries {
                    self.check(&mut entry.key);
                    let ty = self.ty(&entry.key);
                    key = Some(self.join(key, ty));
                    self.check(&mut entry.value);
                    let ty = self.item_type(&entry.value, entry.optional);
                    value = Some(self.join(value, ty));
                }
                let key = key.unwrap_or_else(|| self.variable());
                let value = value.unwrap_or_else(|| self.variable());
                self.types[id] = Type::map(key, value);
            }
            Kind::Struct { .. } => self.message(expr),
            Kind::Fold(fold) => self.fold(id, fold),
        }
    }

    /// The type of an item, which is in an optional if it is an optional one.
    fn item_type(&mut self, value: &Expr, optional: bool) -> Type {
        let ty = self.ty(value);
        if !optional {
            return ty;
        }
        match ty.unwrapped() {
            Some(inner) => inner.clone(),
            None => {
                if !ty.is_dyn() {
                    self.mismatch(value.id, &Type::optional(ty.clone()), &ty);
                }
                ty
            }
        }
    }

    /// The type of items of which one has `current`; whether they may differ is
    /// judged when all types are known.
    fn join(&mut self, previous: Option<Type>, current: Type) -> Type {
        let Some(previous) = previous else {
            return current;
        };
        if self.mapping.assignable(&previous, &current) {
            return most_general(&previous, &current);
        }
        Type::Dyn
    }

    fn select(&mut self, expr: &mut Expr) {
        let id = expr.id;
        // A dotted name may be one name.
        if let Some(name) = expr.qualified()
            && let Some((ty, reference)) = self.lookup(&name)
        {
            self.types[id] = ty;
            self.refs[id] = Some(reference);
            expr.kind = Kind::Ident(name);
            return;
        }
        let Kind::Select {
            operand,
            field,
            test,
        } = &mut expr.kind
        else {
            return;
        };
        let result = self.field(id, operand, field, false);
        self.types[id] = match test {
            true => Type::Bool,
            false => self.mapping.substitute(&result, false),
        };
    }

    fn field(&mut self, id: Id, operand: &mut Expr, field: &str, optional: bool) -> Type {
        self.check(operand);
        let given = self.mapping.substitute(&self.ty(operand), false);
        let inner = given.unwrapped();
        let target = inner.unwrap_or(&given).clone();
        let result = match &target {
            Type::Map(_, value) => Type::clone(value),
            Type::Object(name) => {
                // Words of the language are fields with a name of their own.
                let keyword = || self.env.member(name, &format!("__{field}__"));
                match self.env.member(name, field).or_else(keyword) {
                    Some(ty) => ty,
                    None => {
                        self.problem(id, format!("undefined field '{field}'"));
                        Type::Error
                    }
                }
            }
            Type::Param(_) => {
                self.mapping.assignable(&Type::Dyn, &target);
                Type::Dyn
            }
            other => {
                if !other.is_dyn_or_error() {
                    let why = format!("type '{other}' does not support field selection");
                    self.problem(id, why);
                }
                Type::Dyn
            }
        };
        match inner.is_some() || optional {
            true => Type::optional(result),
            false => result,
        }
    }

    fn call(&mut self, expr: &mut Expr) {
        let id = expr.id;
        let Kind::Call {
            function,
            target,
            args,
        } = &mut expr.kind
        else {
            return;
        };
        if function == "_?._" {
            let Kind::Literal(Literal::String(field)) = &args[1].kind else {
                return;
            };
            let field = field.clone();
            let result = self.field(id, &mut args[0], &field, true);
            self.types[id] = self.mapping.substitute(&result, false);
            self.refs[id] = Some(Ref::Function(vec!["select_optional_field"]));
            self.types[args[1].id] = Type::String;
            return;
        }
        for arg in args.iter_mut() {
            self.check(arg);
        }
        let plain = function.strip_prefix('.').unwrap_or(function).to_owned();
        let Some(receiver) = target else {
            match self.env.function(&plain) {
                Some(overloads) => self.resolve(id, &plain, overloads, None, args),
                None => {
                    let name = function.clone();
                    self.undeclared(id, &name);
                }
            }
            *function = plain;
            return;
        };
        // `a.b.c(x)` may be the function `a.b.c`.
        let whole = receiver.qualified().map(|q| format!("{q}.{function}"));
        if let Some(whole) = whole
            && let Some(overloads) = self.env.function(whole.trim_start_matches('.'))
        {
            self.resolve(id, &whole, overloads, None, args);
            *function = whole;
            *target = None;
            return;
        }
        self.check(receiver);
        match self.env.function(&plain) {
            Some(overloads) => self.resolve(id, &plain, overloads, Some(receiver), args),
            None => self.undeclared(id, &plain),
        }
    }

    fn resolve(
        &mut self,
        id: Id,
        name: &str,
        overloads: &'static [Overload],
        target: Option<&Expr>,
        args: &[Expr],
    ) {
        let given: Vec<Type> = target.into_iter().chain(args).map(|e| self.ty(e)).collect();
        if matches!(name, "_&&_" | "_||_") {
            let mut fits = true;
            for (arg, ty) in args.iter().zip(&given) {
                if !self.mapping.assignable(ty, &Type::Bool) {
                    self.mismatch(arg.id, &Type::Bool, ty);
                    fits = false;
                }
            }
            self.types[id] = if fits { Type::Bool } else { Type::Error };
            self.refs[id] = Some(Ref::Function(vec![overloads[0].id]));
            return;
        }
        let mut found: Vec<&'static str> = Vec::new();
        let mut result: Option<Type> = None;
        for overload in overloads.iter().filter(|o| o.member == target.is_some()) {
            let mut fresh = Mapping::default();
            for param in &overload.params {
                let variable = self.variable();
                fresh.add(param.clone(), variable);
            }
            let wanted: Vec<Type> = overload
                .args
                .iter()
                .map(|t| fresh.substitute(t, false))
                .collect();
            if !self.mapping.assignable_all(&given, &wanted) {
                continue;
            }
            found.push(overload.id);
            let ty = fresh.substitute(&overload.result, false);
            let ty = self.mapping.substitute(&ty, false);
            match &result {
                None => result = Some(ty),
                Some(r) if !r.is_dyn() && ty != *r => result = Some(Type::Dyn),
                Some(_) => {}
            }
        }
        match result {
            Some(ty) => {
                self.types[id] = ty;
                self.refs[id] = Some(Ref::Function(found));
            }
            None => {
                let shown: Vec<String> = given
                    .iter()
                    .map(|t| self.mapping.substitute(t, true).to_string())
                    .collect();
                let shown = match target {
                    Some(_) => format!("{}.({})", shown[0], shown[1..].join(", ")),
                    None => format!("({})", shown.join(", ")),
                };
                self.types[id] = Type::Error;
                let why = format!("found no matching overload for '{name}' applied to '{shown}'");
                self.problem(id, why);
            }
        }
    }

    fn message(&mut self, expr: &mut Expr) {
        let id = expr.id;
        let Kind::Struct { name, fields } = &mut expr.kind else {
            return;
        };
        let Some((ty, _)) = self.lookup(name) else {
            let name = name.clone();
            self.undeclared(id, &name);
            return;
        };
        let mut result = Type::Error;
        match &ty {
            Type::Type(Some(of)) if matches!(**of, Type::Object(_)) => result = Type::clone(of),
            Type::Type(Some(of)) => {
                let why = format!("'{}' is not a message type", of.runtime_name());
                self.problem(id, why);
            }
            other => {
                let why = format!("'{}' is not a type", other.runtime_name());
                self.problem(id, why);
            }
        }
        self.types[id] = result.clone();
        for field in fields {
            self.check(&mut field.value);
            let wanted = match &result {
                Type::Object(name) => self.env.member(name, &field.name),
                _ => None,
            };
            let given = self.item_type(&field.value, field.optional);
            match wanted {
                Some(wanted) if self.mapping.assignable(&wanted, &given) => {}
                Some(wanted) => {
                    let why = format!(
                        "expected type of field '{}' is '{wanted}' but provided type is '{given}'",
                        field.name
                    );
                    self.problem(field.id, why);
                }
                // Its type says that it has every member, and of what type some.
                None if self.env.is_patch(&result) => {
                    let why = format!(
                        "expected type of field '{}' is '' but provided type is '{given}'",
                        field.name
                    );
                    self.problem(field.id, why);
                }
                None if matches!(result, Type::Object(_)) => {
                    self.problem(field.id, format!("undefined field '{}'", field.name));
                }
                None => {
                    let why = format!("unexpected failed resolution of '{name}'");
                    self.problem(field.id, why);
                }
            }
        }
    }

    fn fold(&mut self, id: Id, fold: &mut Fold) {
        self.check(&mut fold.range);
        self.check(&mut fold.init);
        let range = self.mapping.substitute(&self.ty(&fold.range), false);
        let accu = self.ty(&fold.init);
        let outer = self.scopes.len();
        self.scopes.push((fold.accu.clone(), accu.clone()));
        let two = fold.var2.is_some();
        let (first, second) = match &range {
            Type::List(of) if two => (Type::Int, Type::clone(of)),
            Type::List(of) => (Type::clone(of), Type::Error),
            Type::Map(key, value) => (Type::clone(key), Type::clone(value)),
            Type::Dyn | Type::Error | Type::Param(_) => {
                self.mapping.assignable(&Type::Dyn, &range);
                (Type::Dyn, Type::Dyn)
            }
            other => {
                let why = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                self.problem(fold.range.id, why);
                (Type::Error, Type::Error)
            }
        };
        self.scopes.push((fold.var.clone(), first));
        if let Some(var2) = &fold.var2 {
            self.scopes.push((var2.clone(), second));
        }
        self.check(&mut fold.condition);
        self.must_be(&fold.condition, &Type::Bool);
        self.check(&mut fold.step);
        self.must_be(&fold.step, &accu);
        self.scopes.truncate(outer + 1);
        self.check(&mut fold.result);
        self.scopes.truncate(outer);
        self.types[id] = self.mapping.substitute(&self.ty(&fold.result), false);
    }

    fn must_be(&mut self, expr: &Expr, wanted: &Type) {
        let given = self.ty(expr);
        if !self.mapping.assignable(wanted, &given) {
            self.mismatch(expr.id, wanted, &given);
        }
    }
}

fn literal_type(literal: &Literal) -> Type {
    match literal {
        Literal::Null => Type::Null,
        Literal::Bool(_) => Type::Bool,
        Literal::Int(_) => Type::Int,
        Literal::Uint(_) => Type::Uint,
        Literal::Double(_) => Type::Double,
        Literal::String(_) => Type::String,
        Literal::Bytes(_) => Type::Bytes,
    }
}
