//! Lists and sets.

use super::{Function, convert};
use crate::value::{Fault, Outcome, Val, fault, no_overload};

/// Items of a list that a function may make.
const MAX_ITEMS: i64 = 10_000_000;

pub(super) fn lookup(name: &str) -> Option<Function> {
    Some(match name {
        "isSorted" => is_sorted,
        "sum" => sum,
        "min" => |args| extreme(args, "min"),
        "max" => |args| extreme(args, "max"),
        "first" => |args| end(args, false),
        "last" => |args| end(args, true),
        "distinct" => distinct,
        "flatten" => flatten,
        "reverse" => |args| {
            let mut items = args[0].items()?.into_owned();
            items.reverse();
            Ok(Val::list(items))
        },
        "slice" => slice,
        "sort" => |args| sort(&args[0], &args[0]),
        "@sortByAssociatedKeys" => |args| sort(&args[0], &args[1]),
        "lists.range" => range,
        "sets.contains" => |args| Ok(Val::Bool(covers(&args[0], &args[1])?)),
        "sets.equivalent" => |args| {
            Ok(Val::Bool(
                covers(&args[0], &args[1])? && covers(&args[1], &args[0])?,
            ))
        },
        "sets.intersects" => |args| {
            let (a, b) = (args[0].items()?, args[1].items()?);
            for item in a.iter() {
                if position(&b, item)?.is_some() {
                    return Ok(Val::Bool(true));
                }
            }
            Ok(Val::Bool(false))
        },
        _ => return None,
    })
}

fn position<'a>(items: &[Val<'a>], wanted: &Val<'a>) -> Outcome<Option<usize>> {
    for (i, item) in items.iter().enumerate() {
        if item.equal(wanted)? {
            return Ok(Some(i));
        }
    }
    Ok(None)
}

/// Whether all items of `small` are in `large`.
fn covers<'a>(large: &Val<'a>, small: &Val<'a>) -> Outcome<bool> {
    let large = large.items()?;
    for item in small.items()?.iter() {
        if position(&large, item)?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn index_of<'a>(args: &[Val<'a>], last: bool) -> Outcome<Val<'a>> {
    let items = args[0].items()?;
    let found = match last {
        false => position(&items, &args[1])?,
        true => {
            let mut reversed = items.to_vec();
            reversed.reverse();
            position(&reversed, &args[1])?.map(|i| items.len() - 1 - i)
        }
    };
    Ok(Val::Int(found.map_or(-1, |i| i as i64)))
}

fn ordered(a: &Val<'_>, b: &Val<'_>) -> Outcome<std::cmp::Ordering> {
    convert::order(a, b).map_or_else(no_overload, Ok)
}

fn is_sorted<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    for pair in args[0].items()?.windows(2) {
        if ordered(&pair[0], &pair[1])?.is_gt() {
            return Ok(Val::Bool(false));
        }
    }
    Ok(Val::Bool(true))
}

fn sum<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    let add = super::arithmetic::lookup("_+_");
    let items = args[0].items()?;
    let mut items = items.iter().cloned();
    // Without items the type of the sum is lost; zero is an integer.
    let Some(mut total) = items.next() else {
        return Ok(Val::Int(0));
    };
    for item in items {
        total = match add {
            Some(add) => add(&[total, item])?,
            None => return no_overload(),
        };
    }
    Ok(total)
}

fn extreme<'a>(args: &[Val<'a>], name: &str) -> Outcome<Val<'a>> {
    let items = args[0].items()?;
    let Some(mut best) = items.first() else {
        return fault(format!("{name} called on empty list"));
    };
    for item in &items[1..] {
        let order = ordered(best, item)?;
        if if name == "min" {
            order.is_gt()
        } else {
            order.is_lt()
        } {
            best = item;
        }
    }
    Ok(best.clone())
}

fn end<'a>(args: &[Val<'a>], last: bool) -> Outcome<Val<'a>> {
    let items = args[0].items()?;
    let found = if last { items.last() } else { items.first() };
    Ok(found.cloned().map_or(Val::NONE, Val::some))
}

fn distinct<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    let mut out: Vec<Val<'a>> = Vec::new();
    for item in args[0].items()?.iter() {
        if position(&out, item)?.is_none() {
            out.push(item.clone());
        }
    }
    Ok(Val::list(out))
}

fn flatten<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    let depth = match args.get(1) {
        Some(Val::Int(d)) if *d < 0 => return fault("level must be non-negative"),
        Some(Val::Int(d)) => *d,
        Some(_) => return no_overload(),
        None => 1,
    };
    fn into<'a>(list: &Val<'a>, depth: i64, out: &mut Vec<Val<'a>>) -> Outcome<()> {
        for item in list.items()?.iter() {
            match item.is_list() && depth > 0 {
                true => into(item, depth - 1, out)?,
                false => out.push(item.clone()),
            }
        }
        Ok(())
    }
    let mut out = Vec::new();
    into(&args[0], depth, &mut out)?;
    Ok(Val::list(out))
}

fn slice<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    let (Val::Int(start), Val::Int(end)) = (&args[1], &args[2]) else {
        return no_overload();
    };
    let items = args[0].items()?;
    let why = match (*start, *end) {
        (s, e) if s < 0 || e < 0 => "negative indexes not supported".to_owned(),
        (s, e) if s > e => "start index must be less than or equal to end index".to_owned(),
        (_, e) if (items.len() as i64) < e => format!("list is length {}", items.len()),
        (s, e) => return Ok(Val::list(items[s as usize..e as usize].to_vec())),
    };
    fault(format!("cannot slice({start}, {end}), {why}"))
}

fn sort<'a>(list: &Val<'a>, keys: &Val<'a>) -> Outcome<Val<'a>> {
    let (items, keys) = (list.items()?, keys.items()?);
    if items.len() != keys.len() {
        return fault(format!(
            "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got {} and {} elements respectively",
            items.len(),
            keys.len()
        ));
    }
    let Some(first) = keys.first() else {
        return Ok(list.clone());
    };
    if convert::order(first, first).is_none() {
        return fault("list elements must be comparable");
    }
    let ty = first.ty();
    if keys.iter().any(|k| k.ty() != ty) {
        return fault("list elements must have the same type");
    }
    let mut pairs: Vec<_> = keys.iter().zip(items.iter()).collect();
    pairs.sort_by(|a, b| convert::order(a.0, b.0).unwrap_or(std::cmp::Ordering::Equal));
    Ok(Val::list(
        pairs.into_iter().map(|(_, item)| item.clone()).collect(),
    ))
}

fn range<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    match &args[0] {
        Val::Int(n) if *n > MAX_ITEMS => Err(Fault::Limit),
        Val::Int(n) => Ok(Val::list((0..*n).map(Val::Int).collect())),
        _ => no_overload(),
    }
}
