//! Functions of templates: Go's, Sprig's and Helm's.
//!
//! `env` and `expandenv` are not there, as with Helm; `docs/limits.md` lists what
//! is missing besides. A template that names one of them does not parse.

mod builtin;
mod certificates;
mod compare;
pub(crate) mod dates;
mod defaults;
mod encoding;
mod files;
mod helm;
mod lists;
mod maps;
mod merge;
mod numbers;
mod paths;
mod patterns;
mod random;
mod strings;
mod types;
mod versions;

use std::{collections::HashMap, sync::OnceLock};

use crate::{
    exec::{Args, Function, Type},
    fault::Fault,
    session::Env,
    value::{Native, Value},
};

type Answer = Result<Value, Fault>;
type Run = fn(Env<'_>, &Args) -> Answer;
type Entry = (&'static str, Function);

/// A function with so many arguments.
const fn fixed(params: &'static [Type], run: Run) -> Function {
    Function {
        params,
        rest: None,
        run,
    }
}

/// A function with any number of arguments after the first ones.
const fn variadic(params: &'static [Type], rest: Type, run: Run) -> Function {
    Function {
        params,
        rest: Some(rest),
        run,
    }
}

/// A function by name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    static ALL: OnceLock<HashMap<&'static str, &'static Function>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let tables: [&'static [Entry]; 16] = [
            builtin::TABLE,
            certificates::TABLE,
            compare::TABLE,
            dates::TABLE,
            defaults::TABLE,
            encoding::TABLE,
            helm::TABLE,
            lists::TABLE,
            maps::TABLE,
            numbers::TABLE,
            paths::TABLE,
            patterns::TABLE,
            random::TABLE,
            strings::TABLE,
            types::TABLE,
            versions::TABLE,
        ];
        let entries = tables.into_iter().flatten();
        entries.map(|(name, function)| (*name, function)).collect()
    });
    all.get(name).copied()
}

/// A method of an object.
pub(crate) fn method(native: &Native, name: &str) -> Option<&'static Function> {
    let table = match native {
        Native::Versions(_) => versions::METHODS,
        Native::Files(_) => files::METHODS,
        Native::Time(_) => dates::METHODS,
        _ => return None,
    };
    table.iter().find(|(n, _)| *n == name).map(|(_, f)| f)
}

/// `strval` of Sprig: a text as it is, the rest as `%v` shows it.
fn shown(env: Env<'_>, value: &Value) -> Result<String, Fault> {
    match value {
        Value::Text(text) => Ok(text.to_string()),
        other => crate::format::print(other, env.budget()),
    }
}
