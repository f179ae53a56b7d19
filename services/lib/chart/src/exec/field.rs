//! Fields of values.

use std::sync::Arc;

use super::State;
use crate::{
    fault::Fault,
    functions,
    template::ast::{At, Operand},
    value::{MapOf, Value},
};

impl<'s> State<'s, '_> {
    /// `.a.b.c` of a receiver; arguments are those of the last one, a method.
    pub(super) fn chain(
        &mut self,
        dot: &Value,
        receiver: Value,
        about: &'s Operand,
        names: &'s [Arc<str>],
        args: &'s [Operand],
        last: Option<Value>,
    ) -> Result<Value, Fault> {
        let mut value = receiver;
        let mut inner = false;
        for (i, name) in names.iter().enumerate() {
            let (args, last) = if i + 1 == names.len() {
                (args, last.clone())
            } else {
                (&[] as &[Operand], None)
            };
            let of_struct = matches!(value, Value::Native(_));
            value = self.field(dot, value, about, name, args, last, inner)?;
            inner = !of_struct;
        }
        Ok(value)
    }

    /// `inner`: the receiver is a member of another value, where Go knows it as an
    /// `interface {}`.
    #[allow(clippy::too_many_arguments, reason = "a call has these parts")]
    fn field(
        &mut self,
        dot: &Value,
        receiver: Value,
        about: &'s Operand,
        name: &str,
        args: &'s [Operand],
        last: Option<Value>,
        inner: bool,
    ) -> Result<Value, Fault> {
        let has_args = !args.is_empty() || last.is_some();
        match &receiver {
            Value::Missing => return Ok(Value::Missing),
            Value::Nil => {
                let why = format!("nil pointer evaluating interface {{}}.{name}");
                return Err(self.fault(why));
            }
            Value::Map(_) if has_args => {
                return Err(self.fault(format!("{name} is not a method but has arguments")));
            }
            Value::Map(map) => return Ok(map.get(name).unwrap_or_else(|| map.zero())),
            Value::Native(native) => {
                if let Some(method) = functions::method(native, name) {
                    let about = At::Operand(about);
                    let receiver = Some(receiver.clone());
                    return self.call(dot, name, method, receiver, about, args, last);
                }
                match native.field(name) {
                    Some(_) if has_args => {
                        return Err(self.fault(format!(
                            "{name} has arguments but cannot be invoked as function"
                        )));
                    }
                    Some(value) => return Ok(value),
                    None => {}
                }
            }
            _ => {}
        }
        let of_text = matches!(&receiver, Value::Map(map) if map.of == MapOf::Text);
        let shown = match receiver {
            _ if inner && !of_text => "interface {}",
            _ => receiver.type_name(),
        };
        Err(self.fault(format!("can't evaluate field {name} in type {shown}")))
    }
}
