//! Choices between values.

use super::{Answer, Entry, fixed, variadic};
use crate::{
    exec::{
        Args,
        Type::{Any, Bool, Text},
    },
    fault::Fault,
    session::Env,
    value::Value,
};

pub(super) const TABLE: &[Entry] = &[
    (
        "default",
        variadic(&[Any], Any, |_, a| {
            let given = if a.get(1).truth() { 1 } else { 0 };
            Ok(a.get(given).clone())
        }),
    ),
    (
        "empty",
        fixed(&[Any], |_, a| Ok(Value::Bool(!a.get(0).truth()))),
    ),
    (
        "coalesce",
        variadic(&[], Any, |_, a| {
            let first = a.rest(0).iter().find(|v| v.truth());
            Ok(first.cloned().unwrap_or(Value::Nil))
        }),
    ),
    (
        "all",
        variadic(&[], Any, |_, a| {
            Ok(Value::Bool(a.rest(0).iter().all(Value::truth)))
        }),
    ),
    (
        "any",
        variadic(&[], Any, |_, a| {
            Ok(Value::Bool(a.rest(0).iter().any(Value::truth)))
        }),
    ),
    (
        "ternary",
        fixed(&[Any, Any, Bool], |_, a| {
            Ok(a.get(usize::from(!a.bool(2))).clone())
        }),
    ),
    ("required", fixed(&[Text, Any], required)),
    ("fail", fixed(&[Text], |_, a| Err(Fault::said(a.text(0))))),
];

/// Fails where the value is nil or "".
fn required(_: Env<'_>, args: &Args) -> Answer {
    match args.get(1) {
        Value::Missing | Value::Nil => Err(Fault::said(args.text(0))),
        Value::Text(text) if text.is_empty() => Err(Fault::said(args.text(0))),
        value => Ok(value.clone()),
    }
}
