//! Types of values.

use super::{Entry, fixed};
use crate::{
    exec::Type::{Any, Text},
    value::Value,
};

pub(super) const TABLE: &[Entry] = &[
    (
        "typeOf",
        fixed(&[Any], |_, a| Ok(Value::text(a.get(0).type_name()))),
    ),
    (
        "typeIs",
        fixed(&[Text, Any], |_, a| {
            Ok(Value::Bool(a.text(0) == a.get(1).type_name()))
        }),
    ),
    (
        "typeIsLike",
        fixed(&[Text, Any], |_, a| {
            let name = a.get(1).type_name();
            Ok(Value::Bool(
                a.text(0) == name || format!("*{}", a.text(0)) == name,
            ))
        }),
    ),
    (
        "kindOf",
        fixed(&[Any], |_, a| Ok(Value::text(a.get(0).kind()))),
    ),
    (
        "kindIs",
        fixed(&[Text, Any], |_, a| {
            Ok(Value::Bool(a.text(0) == a.get(1).kind()))
        }),
    ),
    (
        "deepEqual",
        fixed(&[Any, Any], |e, a| {
            Ok(Value::Bool(super::lists::same(e, a.get(0), a.get(1))?))
        }),
    ),
];
