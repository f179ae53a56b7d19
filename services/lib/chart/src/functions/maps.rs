//! Maps. `set`, `unset` and `merge` change the map itself, as Go's do.

use super::{Answer, Entry, fixed, merge::merge, shown, variadic};
use crate::{
    budget::Budget,
    exec::{
        Args,
        Type::{Any, Map, Text},
    },
    fault::Fault,
    session::Env,
    value::{MapOf, Members, Value},
};

pub(super) const TABLE: &[Entry] = &[
    ("dict", variadic(&[], Any, dict)),
    (
        "get",
        fixed(&[Map, Text], |_, a| {
            Ok(a.map(0).get(a.text(1)).unwrap_or(Value::text("")))
        }),
    ),
    ("set", fixed(&[Map, Text, Any], set)),
    ("unset", fixed(&[Map, Text], unset)),
    (
        "hasKey",
        fixed(&[Map, Text], |_, a| {
            Ok(Value::Bool(a.map(0).get(a.text(1)).is_some()))
        }),
    ),
    ("pluck", variadic(&[Text], Map, pluck)),
    ("keys", variadic(&[], Map, keys)),
    ("values", fixed(&[Map], values)),
    ("pick", variadic(&[Map], Text, |e, a| chosen(e, a, true))),
    ("omit", variadic(&[Map], Text, |e, a| chosen(e, a, false))),
    ("dig", variadic(&[], Any, dig)),
    ("deepCopy", fixed(&[Any], |e, a| copy(a.get(0), e.budget()))),
    (
        "mustDeepCopy",
        fixed(&[Any], |e, a| copy(a.get(0), e.budget())),
    ),
    ("merge", variadic(&[Map], Map, |e, a| merge(e, a, false))),
    (
        "mustMerge",
        variadic(&[Map], Map, |e, a| merge(e, a, false)),
    ),
    (
        "mergeOverwrite",
        variadic(&[Map], Map, |e, a| merge(e, a, true)),
    ),
    (
        "mustMergeOverwrite",
        variadic(&[Map], Map, |e, a| merge(e, a, true)),
    ),
];

/// Keys and values in turn; a last key alone has "".
fn dict(env: Env<'_>, args: &Args) -> Answer {
    let mut members = Members::new();
    for pair in args.rest(0).chunks(2) {
        let key = shown(env, pair.first().unwrap_or(&Value::Nil))?;
        let value = pair.get(1).cloned().unwrap_or(Value::text(""));
        members.insert(key.into(), value);
    }
    Ok(Value::map(members))
}

fn set(env: Env<'_>, args: &Args) -> Answer {
    let map = args.map(0);
    let old = env
        .session
        .change(&map, |m| m.insert(args.text(1).into(), args.get(2).clone()))?;
    drop(old);
    Ok(Value::Map(map))
}

fn unset(env: Env<'_>, args: &Args) -> Answer {
    let map = args.map(0);
    if map.of != MapOf::Nil {
        let old = env.session.change(&map, |m| m.remove(args.text(1)))?;
        drop(old);
    }
    Ok(Value::Map(map))
}

fn pluck(_: Env<'_>, args: &Args) -> Answer {
    let maps = (1..args.len()).map(|i| args.map(i));
    Ok(Value::list(
        maps.filter_map(|m| m.get(args.text(0))).collect(),
    ))
}

/// In order, where Go's are in none.
fn keys(env: Env<'_>, args: &Args) -> Answer {
    let mut keys = Vec::new();
    for i in 0..args.len() {
        let map = args.map(i);
        env.budget().spend(map.len())?;
        keys.extend(map.members().keys().cloned());
    }
    Ok(Value::texts(keys))
}

/// In the order of their keys, where Go's are in none.
fn values(env: Env<'_>, args: &Args) -> Answer {
    let map = args.map(0);
    env.budget().spend(map.len())?;
    Ok(Value::list(map.members().values().cloned().collect()))
}

/// `pick` and `omit`.
fn chosen(env: Env<'_>, args: &Args, named: bool) -> Answer {
    let map = args.map(0);
    env.budget().spend(map.len().saturating_mul(args.len()))?;
    let names: Vec<&str> = (1..args.len()).map(|i| args.text(i)).collect();
    let members = map.members();
    let kept = members
        .iter()
        .filter(|(k, _)| names.contains(&&***k) == named);
    Ok(Value::map(
        kept.map(|(k, v)| (k.clone(), v.clone())).collect(),
    ))
}

/// The value at a path of keys, the one before the last argument where there is none.
fn dig(_: Env<'_>, args: &Args) -> Answer {
    let [keys @ .., default, map] = args.rest(0) else {
        return Err(Fault::new("dig needs at least three arguments"));
    };
    if keys.is_empty() {
        return Err(Fault::new("dig needs at least three arguments"));
    }
    let mut at = map.clone();
    for key in keys {
        let (Value::Map(map), Value::Text(key)) = (&at, key) else {
            let (wanted, got) = match &at {
                Value::Map(_) => ("string", key),
                other => ("map[string]interface {}", other),
            };
            let got = if got.is_nil() { "nil" } else { got.type_name() };
            let why = format!("interface conversion: interface {{}} is {got}, not {wanted}");
            return Err(Fault::new(why));
        };
        match map.get(key) {
            Some(value) => at = value,
            None => return Ok(default.clone()),
        }
    }
    Ok(at)
}

/// A copy that shares no map with the value.
fn copy(value: &Value, budget: &Budget) -> Answer {
    budget.spend(1)?;
    Ok(match value {
        Value::List(list) => {
            let _level = budget.deeper()?;
            let items: Result<Vec<_>, _> = list.items.iter().map(|v| copy(v, budget)).collect();
            match list.nil {
                true => value.clone(),
                false => Value::list_of(list.of, items?),
            }
        }
        Value::Map(map) => {
            let _level = budget.deeper()?;
            let mut out = Members::new();
            for (key, item) in map.members().iter() {
                out.insert(key.clone(), copy(item, budget)?);
            }
            Value::map_of(map.of, out)
        }
        other => other.clone(),
    })
}
