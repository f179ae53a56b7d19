//! What functions do. Each takes the arguments as they come, the target of a
//! method first, and chooses by their types, as overloads do.

pub(crate) mod arithmetic;
pub(crate) mod convert;
mod format;
mod lists;
mod maps;
mod net;
mod optional;
mod quantity;
mod semver;
mod strings;
mod time;
mod url;

use crate::value::{Outcome, Val, no_overload};

pub(crate) use format::validate as validate_format;
pub(crate) use strings::{check_template, shown};
pub(crate) use url::Url;

/// A function; errors of arguments were dealt with before.
pub(crate) type Function = for<'a> fn(&[Val<'a>]) -> Outcome<Val<'a>>;

/// The function of a name; operators that choose what they evaluate are not here.
pub(crate) fn lookup(name: &str) -> Option<Function> {
    arithmetic::lookup(name)
        .or_else(|| strings::lookup(name))
        .or_else(|| lists::lookup(name))
        .or_else(|| maps::lookup(name))
        .or_else(|| time::lookup(name))
        .or_else(|| optional::lookup(name))
        .or_else(|| shared(name))
        .or_else(|| net::lookup(name))
        .or_else(|| quantity::lookup(name))
        .or_else(|| semver::lookup(name))
        .or_else(|| url::lookup(name))
        .or_else(|| format::lookup(name))
        .or_else(|| convert::lookup(name))
}

/// Names that libraries share.
fn shared(name: &str) -> Option<Function> {
    Some(match name {
        "indexOf" => |args| index_of(args, false),
        "lastIndexOf" => |args| index_of(args, true),
        "isGreaterThan" => |args| compare(args).map(|o| Val::Bool(o.is_gt())),
        "isLessThan" => |args| compare(args).map(|o| Val::Bool(o.is_lt())),
        "compareTo" => |args| compare(args).map(|o| Val::Int(o as i64)),
        _ => return None,
    })
}

fn index_of<'a>(args: &[Val<'a>], last: bool) -> Outcome<Val<'a>> {
    match &args[0] {
        Val::Text(_) => strings::index_of(args, last),
        _ => lists::index_of(args, last),
    }
}

fn compare(args: &[Val<'_>]) -> Outcome<std::cmp::Ordering> {
    match args {
        [Val::Extra(a), Val::Extra(b)] => a.order(b).map_or_else(no_overload, Ok),
        _ => no_overload(),
    }
}
