//! `merge` and `mergeOverwrite`, as mergo 1.0.1 merges maps.

use std::rc::Rc;

use super::Answer;
use crate::{
    exec::Args,
    fault::Fault,
    session::Env,
    value::{Map, Value},
};

/// Merges maps into the first one, and gives it.
///
/// # Errors
/// Too large or too deep.
pub(super) fn merge(env: Env<'_>, args: &Args, overwrite: bool) -> Answer {
    let target = args.map(0);
    for i in 1..args.len() {
        into(env, &target, &args.map(i), overwrite)?;
    }
    Ok(Value::Map(target))
}

fn into(env: Env<'_>, target: &Rc<Map>, source: &Rc<Map>, overwrite: bool) -> Result<(), Fault> {
    if Rc::ptr_eq(target, source) {
        return Ok(());
    }
    let budget = env.budget();
    let _level = budget.deeper()?;
    budget.spend(source.len())?;
    let members = source.members().clone();
    for (key, new) in members {
        let old = target.get(&key);
        let put = match (&old, &new) {
            (_, Value::Missing | Value::Nil) => overwrite,
            (Some(Value::Map(old)), Value::Map(new)) => {
                // An empty map gives way, after it was merged into.
                let empty = old.len() == 0;
                if !empty {
                    into(env, old, new, overwrite)?;
                }
                empty
            }
            (None, _) => true,
            (Some(old), _) => overwrite || !old.truth(),
        };
        if put {
            let gone = env.session.change(target, |m| m.insert(key, new))?;
            drop(gone);
        }
    }
    Ok(())
}
