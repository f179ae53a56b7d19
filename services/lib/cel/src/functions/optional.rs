//! Optional values; `or` and `orValue` are evaluated by themselves.

use super::Function;
use crate::value::{Outcome, Val, fault, no_overload};

pub(super) fn lookup(name: &str) -> Option<Function> {
    Some(match name {
        "optional.of" => |args| Ok(Val::some(args[0].clone())),
        "optional.ofNonZeroValue" => |args| {
            Ok(match is_zero(&args[0]) {
                true => Val::NONE,
                false => Val::some(args[0].clone()),
            })
        },
        "optional.none" => |_| Ok(Val::NONE),
        "hasValue" => |args| match &args[0] {
            Val::Optional(v) => Ok(Val::Bool(v.is_some())),
            _ => no_overload(),
        },
        "value" => |args| match &args[0] {
            Val::Optional(Some(v)) => Ok(Val::clone(v)),
            Val::Optional(None) => fault("optional.none() dereference"),
            _ => no_overload(),
        },
        "or" => |args| match &args[0] {
            Val::Optional(None) => Ok(args[1].clone()),
            Val::Optional(Some(_)) => Ok(args[0].clone()),
            _ => no_overload(),
        },
        "orValue" => |args| match &args[0] {
            Val::Optional(None) => Ok(args[1].clone()),
            Val::Optional(Some(v)) => Ok(Val::clone(v)),
            _ => no_overload(),
        },
        "optional.unwrap" | "unwrapOpt" => unwrap,
        _ => return None,
    })
}

/// The values of those that have one.
fn unwrap<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    let mut out = Vec::new();
    for item in args[0].items()?.iter() {
        match item {
            Val::Optional(v) => out.extend(v.as_deref().cloned()),
            _ => {
                let shown = super::strings::shown(item);
                return fault(format!("value {shown} is not optional"));
            }
        }
    }
    Ok(Val::list(out))
}

fn is_zero(value: &Val<'_>) -> bool {
    match value {
        Val::Null => true,
        Val::Bool(b) => !b,
        Val::Int(i) => *i == 0,
        Val::Uint(u) => *u == 0,
        Val::Double(d) => *d == 0.0,
        Val::Duration(d) => *d == 0,
        Val::Optional(v) => v.is_none(),
        other => other.size() == Some(0),
    }
}
