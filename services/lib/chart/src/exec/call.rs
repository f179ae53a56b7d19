//! Functions and how they are called.

use std::rc::Rc;

use super::State;
use crate::{
    fault::Fault,
    functions,
    session::Env,
    template::ast::{At, Operand},
    value::{Map, MapOf, Value},
};

/// Types of parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Any,
    /// As Go's own functions take anything: nothing and nil are told apart.
    Raw,
    Text,
    Int,
    Float,
    Bool,
    Map,
    Time,
    /// A certificate with its key.
    Pair,
}

impl Type {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Raw => "reflect.Value",
            Self::Text => "string",
            Self::Int => "int",
            Self::Float => "float64",
            Self::Bool => "bool",
            Self::Map => "map[string]interface {}",
            Self::Time => "time.Time",
            Self::Pair => "sprig.certificate",
        }
    }

    pub(super) fn takes(self, value: &Value) -> bool {
        match self {
            Self::Any | Self::Raw => true,
            Self::Text => matches!(value, Value::Text(_)),
            Self::Int => matches!(value, Value::Int(_)),
            Self::Float => matches!(value, Value::Float(_)),
            Self::Bool => matches!(value, Value::Bool(_)),
            Self::Map => matches!(value, Value::Map(map) if map.of != MapOf::Text),
            Self::Time => value.type_name() == self.name(),
            Self::Pair => value.type_name() == self.name(),
        }
    }

    /// What nil is as this type.
    pub(super) fn zero(self) -> Option<Value> {
        match self {
            Self::Any => Some(Value::Nil),
            Self::Raw => Some(Value::Missing),
            Self::Map => Some(Value::Map(Map::nil())),
            _ => None,
        }
    }

    /// What a constant of the type is called.
    pub(super) fn constant(self) -> Option<&'static str> {
        match self {
            Self::Bool => Some("bool"),
            Self::Text => Some("string"),
            Self::Int => Some("integer"),
            Self::Float => Some("float"),
            Self::Any | Self::Raw | Self::Map | Self::Time | Self::Pair => None,
        }
    }
}

/// A function of templates.
#[derive(Clone, Copy)]
pub(crate) struct Function {
    pub(crate) params: &'static [Type],
    /// Type of any number of further arguments.
    pub(crate) rest: Option<Type>,
    pub(crate) run: fn(Env<'_>, &Args) -> Result<Value, Fault>,
}

/// Arguments, whose number and types are those of the function.
pub(crate) struct Args(pub(crate) Vec<Value>);

impl Args {
    pub(crate) fn get(&self, i: usize) -> &Value {
        self.0.get(i).unwrap_or(&Value::Nil)
    }

    pub(crate) fn text(&self, i: usize) -> &str {
        match self.get(i) {
            Value::Text(text) => text,
            _ => "",
        }
    }

    pub(crate) fn int(&self, i: usize) -> i64 {
        match self.get(i) {
            Value::Int(n) => *n,
            _ => 0,
        }
    }

    pub(crate) fn bool(&self, i: usize) -> bool {
        matches!(self.get(i), Value::Bool(true))
    }

    pub(crate) fn map(&self, i: usize) -> Rc<Map> {
        match self.get(i) {
            Value::Map(map) => map.clone(),
            _ => Map::nil(),
        }
    }

    /// Arguments from one on.
    pub(crate) fn rest(&self, from: usize) -> &[Value] {
        self.0.get(from..).unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl<'s> State<'s, '_> {
    pub(super) fn function(
        &mut self,
        dot: &Value,
        name: &str,
        about: At<'s>,
        args: &'s [Operand],
        last: Option<Value>,
    ) -> Result<Value, Fault> {
        let Some(function) = functions::find(name) else {
            return Err(self.fault(format!("\"{name}\" is not a defined function")));
        };
        if name == "and" || name == "or" {
            self.count(name, function, args.len(), last.is_some())?;
            return self.short_circuit(dot, name == "or", args, last);
        }
        self.call(dot, name, function, None, about, args, last)
    }

    /// Calls a function, or a method of `receiver`.
    #[allow(clippy::too_many_arguments, reason = "a call has these parts")]
    pub(super) fn call(
        &mut self,
        dot: &Value,
        name: &str,
        function: &Function,
        receiver: Option<Value>,
        about: At<'s>,
        args: &'s [Operand],
        last: Option<Value>,
    ) -> Result<Value, Fault> {
        self.count(name, function, args.len(), last.is_some())?;
        let kind = |i: usize| {
            let fixed = function.params.get(i).copied();
            fixed.or(function.rest).unwrap_or(Type::Any)
        };
        let mut values: Vec<Value> = receiver.into_iter().collect();
        for (i, operand) in args.iter().enumerate() {
            values.push(self.argument(dot, kind(i), operand)?);
        }
        if let Some(last) = last {
            values.push(self.validate(last, kind(args.len()))?);
        }
        self.spend(values.len())?;
        (function.run)(self.env, &Args(values)).map_err(|fault| {
            self.at(about);
            let fault = match fault.limit {
                Some(_) => fault,
                None => fault.within(|text| format!("error calling {name}: {text}")),
            };
            self.fault(fault)
        })
    }

    fn count(
        &self,
        name: &str,
        function: &Function,
        args: usize,
        piped: bool,
    ) -> Result<(), Fault> {
        let given = args + usize::from(piped);
        let wanted = function.params.len();
        let why = match function.rest {
            Some(_) if given < wanted => {
                format!("wrong number of args for {name}: want at least {wanted} got {args}")
            }
            None if given != wanted => {
                format!("wrong number of args for {name}: want {wanted} got {given}")
            }
            _ => return Ok(()),
        };
        Err(self.fault(why))
    }

    /// `and` and `or` evaluate no more than they need.
    fn short_circuit(
        &mut self,
        dot: &Value,
        or: bool,
        args: &'s [Operand],
        last: Option<Value>,
    ) -> Result<Value, Fault> {
        let mut value = Value::Missing;
        for operand in args {
            value = self.argument(dot, Type::Any, operand)?;
            if value.truth() == or {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }
}
