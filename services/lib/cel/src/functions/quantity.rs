//! Quantities.

use std::sync::Arc;

use catena_objects::quantity::{Format, Quantity};

use super::Function;
use crate::{
    extra::Extra,
    value::{Outcome, Val, fault, no_overload},
};

pub(super) fn lookup(name: &str) -> Option<Function> {
    Some(match name {
        "quantity" => |args| match &args[0] {
            Val::Text(s) => match Quantity::parse(s) {
                Ok(q) => Ok(made(q)),
                Err(why) => fault(why.to_string()),
            },
            _ => no_overload(),
        },
        "isQuantity" => |args| match &args[0] {
            Val::Text(s) => Ok(Val::Bool(Quantity::parse(s).is_ok())),
            _ => no_overload(),
        },
        "sign" => |args| Ok(Val::Int(i64::from(given(&args[0])?.sign()))),
        "isInteger" => |args| Ok(Val::Bool(whole(given(&args[0])?).is_some())),
        "asInteger" => |args| match whole(given(&args[0])?) {
            Some(n) => Ok(Val::Int(n)),
            None => fault("cannot convert value to integer"),
        },
        "asApproximateFloat" => |args| Ok(Val::Double(given(&args[0])?.approximate())),
        "add" => |args| Ok(made(given(&args[0])?.add(&other(&args[1])?))),
        "sub" => |args| Ok(made(given(&args[0])?.sub(&other(&args[1])?))),
        _ => return None,
    })
}

fn made<'a>(quantity: Quantity) -> Val<'a> {
    Val::Extra(Arc::new(Extra::Quantity(quantity)))
}

fn given<'v>(value: &'v Val<'_>) -> Outcome<&'v Quantity> {
    match value {
        Val::Extra(e) => match &**e {
            Extra::Quantity(q) => Ok(q),
            _ => no_overload(),
        },
        _ => no_overload(),
    }
}

fn other(value: &Val<'_>) -> Outcome<Quantity> {
    match value {
        Val::Int(i) => Ok(Quantity::from_i64(*i, Format::DecimalExponent)),
        other => given(other).cloned(),
    }
}

/// The value, if it is a whole number that fits.
fn whole(quantity: &Quantity) -> Option<i64> {
    let value = quantity.value();
    quantity.cmp_i64(value).is_eq().then_some(value)
}
