//! Commands and operands to values.

use super::{State, Type};
use crate::{
    fault::Fault,
    template::{
        ast::{At, Command, Operand, Term},
        literal::Number,
    },
    value::Value,
};

impl<'s> State<'s, '_> {
    /// `last` is what the command before gave, the last argument of this one.
    pub(super) fn command(
        &mut self,
        dot: &Value,
        command: &'s Command,
        last: Option<Value>,
    ) -> Result<Value, Fault> {
        let Some((first, args)) = command.operands.split_first() else {
            return Ok(Value::Missing);
        };
        match &first.term {
            Term::Field(names) => {
                self.at(At::Operand(first));
                return self.chain(dot, dot.clone(), first, names, args, last);
            }
            Term::Chain(inner, names) => {
                let receiver = self.inner(dot, first, inner)?;
                return self.chain(dot, receiver, first, names, args, last);
            }
            Term::Variable(names) => {
                self.at(At::Operand(first));
                let [name, fields @ ..] = names.as_slice() else {
                    return Ok(Value::Missing);
                };
                let value = self.variable(name)?;
                if fields.is_empty() {
                    self.not_a_function(first, args, &last)?;
                    return Ok(value);
                }
                return self.chain(dot, value, first, fields, args, last);
            }
            Term::Function(name) => {
                self.at(At::Operand(first));
                return self.function(dot, name, At::Command(command), args, last);
            }
            Term::Pipe(pipe) => {
                self.not_a_function(first, args, &last)?;
                let _level = self.env.budget().deeper().map_err(|e| self.fault(e))?;
                return self.pipeline(dot, pipe);
            }
            _ => {}
        }
        self.at(At::Operand(first));
        self.not_a_function(first, args, &last)?;
        match &first.term {
            Term::Bool(b) => Ok(Value::Bool(*b)),
            Term::Dot => Ok(dot.clone()),
            Term::Nil => Err(self.fault("nil is not a command")),
            Term::Number(number) => self.ideal(number),
            Term::String(_, text) => Ok(Value::Text(text.clone())),
            _ => Err(self.fault(format!("can't evaluate command \"{first}\""))),
        }
    }

    fn not_a_function(
        &mut self,
        first: &'s Operand,
        args: &[Operand],
        last: &Option<Value>,
    ) -> Result<(), Fault> {
        if args.is_empty() && last.is_none() {
            return Ok(());
        }
        let shown = match &first.term {
            Term::Pipe(pipe) => pipe.to_string(),
            _ => first.to_string(),
        };
        Err(self.fault(format!("can't give argument to non-function {shown}")))
    }

    /// What the fields of a chain are taken of.
    fn inner(
        &mut self,
        dot: &Value,
        chain: &'s Operand,
        inner: &'s Operand,
    ) -> Result<Value, Fault> {
        self.at(At::Operand(chain));
        if matches!(inner.term, Term::Nil) {
            return Err(self.fault(format!("indirection through explicit nil in {chain}")));
        }
        self.operand(dot, inner)
    }

    /// A constant where no type is asked for.
    fn ideal(&self, number: &Number) -> Result<Value, Fault> {
        match (number.is_float(), number.float, number.int) {
            (true, Some(f), _) => Ok(Value::Float(f)),
            (_, _, Some(i)) => Ok(Value::Int(i)),
            _ => Err(self.fault(format!("{} overflows int", number.text))),
        }
    }

    /// The value of an operand of any type; nil stays as it is.
    fn operand(&mut self, dot: &Value, operand: &'s Operand) -> Result<Value, Fault> {
        self.at(At::Operand(operand));
        match &operand.term {
            Term::Dot => Ok(dot.clone()),
            Term::Nil => Ok(Value::Nil),
            Term::Field(names) => self.chain(dot, dot.clone(), operand, names, &[], None),
            Term::Variable(names) => {
                let [name, fields @ ..] = names.as_slice() else {
                    return Ok(Value::Missing);
                };
                let value = self.variable(name)?;
                if fields.is_empty() {
                    return Ok(value);
                }
                self.chain(dot, value, operand, fields, &[], None)
            }
            Term::Function(name) => self.function(dot, name, At::Operand(operand), &[], None),
            Term::Chain(inner, names) => {
                let receiver = self.inner(dot, operand, inner)?;
                self.chain(dot, receiver, operand, names, &[], None)
            }
            Term::Pipe(pipe) => {
                let _level = self.env.budget().deeper().map_err(|e| self.fault(e))?;
                self.pipeline(dot, pipe)
            }
            Term::Bool(b) => Ok(Value::Bool(*b)),
            Term::Number(number) => self.ideal(number),
            Term::String(_, text) => Ok(Value::Text(text.clone())),
        }
    }

    /// An operand as an argument of a type.
    pub(super) fn argument(
        &mut self,
        dot: &Value,
        wanted: Type,
        operand: &'s Operand,
    ) -> Result<Value, Fault> {
        self.at(At::Operand(operand));
        match &operand.term {
            Term::Nil => match wanted.zero() {
                Some(zero) => Ok(zero),
                None => Err(self.fault(format!("cannot assign nil to {}", wanted.name()))),
            },
            Term::Bool(_) | Term::Number(_) | Term::String(..) => {
                match (constant(operand, wanted), wanted) {
                    (Some(value), _) => Ok(value),
                    (None, Type::Any | Type::Raw) => self.operand(dot, operand),
                    (None, _) => Err(self.fault(match wanted.constant() {
                        Some(what) => format!("expected {what}; found {operand}"),
                        None => {
                            let name = wanted.name();
                            format!("can't handle {operand} for arg of type {name}")
                        }
                    })),
                }
            }
            _ => {
                let value = self.operand(dot, operand)?;
                self.validate(value, wanted)
            }
        }
    }

    /// A value as an argument of a type.
    pub(super) fn validate(&self, value: Value, wanted: Type) -> Result<Value, Fault> {
        if wanted.takes(&value) {
            return Ok(match wanted {
                Type::Raw => value,
                _ => value.or_nil(),
            });
        }
        let name = wanted.name();
        Err(match (&value, wanted.zero()) {
            (Value::Missing, Some(zero)) => return Ok(zero),
            (Value::Missing, None) => self.fault(format!("invalid value; expected {name}")),
            (other, _) => {
                let got = match other {
                    Value::Nil => "interface {}",
                    other => other.type_name(),
                };
                self.fault(format!("wrong type for value; expected {name}; got {got}"))
            }
        })
    }
}

/// A constant of the type that is asked for.
fn constant(operand: &Operand, wanted: Type) -> Option<Value> {
    match (&operand.term, wanted) {
        (Term::Bool(b), Type::Bool) => Some(Value::Bool(*b)),
        (Term::String(_, text), Type::Text) => Some(Value::Text(text.clone())),
        (Term::Number(n), Type::Int) => n.int.map(Value::Int),
        (Term::Number(n), Type::Float) => n.float.map(Value::Float),
        _ => None,
    }
}
