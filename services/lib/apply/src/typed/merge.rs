//! Merging an applied configuration into the live object.

use std::collections::{BTreeMap, BTreeSet};

use catena_objects::{Map, Value};

use super::{Atom, Shape, items, members};
use crate::element::Element;

/// The live object with what the configuration says in place.
///
/// # Errors
/// Items of the configuration that cannot be identified, or stand twice.
pub(crate) fn merge(live: &Value, config: &Value, shape: Shape<'_>) -> Result<Value, String> {
    Ok(at(Some(live), Some(config), shape)?.unwrap_or_default())
}

type Merged = Result<Option<Value>, String>;

fn at(live: Option<&Value>, config: Option<&Value>, shape: Shape<'_>) -> Merged {
    let atom = shape.atom(config.or(live));
    let keep = || config.or(live).cloned();
    if config.is_none() {
        // Nothing to merge; the tree is shared.
        return Ok(keep());
    }
    match atom {
        Atom::Scalar | Atom::Map { atomic: true } | Atom::List { associative: false } => Ok(keep()),
        Atom::Map { atomic: false } => {
            let (a, b) = (members(live), members(config));
            if a.is_none_or(Map::is_empty) && b.is_none_or(Map::is_empty) {
                return Ok(keep());
            }
            let mut out = Map::new();
            let own = a.into_iter().flat_map(Map::keys);
            let added = b
                .into_iter()
                .flat_map(Map::keys)
                .filter(|k| a.is_none_or(|m| !m.contains_key(k)));
            for name in own.chain(added) {
                let below = shape.member(name).unwrap_or(Shape::Deduced);
                let (l, c) = (a.and_then(|m| m.get(name)), b.and_then(|m| m.get(name)));
                if let Some(v) = at(l, c, below)? {
                    out.insert(name.clone(), v);
                }
            }
            Ok((!out.is_empty()).then(|| out.into()))
        }
        Atom::List { associative: true } => {
            let (a, b) = (
                items(live).unwrap_or_default(),
                items(config).unwrap_or_default(),
            );
            if a.is_empty() && b.is_empty() {
                return Ok(keep());
            }
            let out = list(a, b, shape)?;
            Ok((!out.is_empty()).then(|| out.into()))
        }
    }
}

/// Items in order, and by identity; `None` for what stands more than once.
struct Indexed<'a> {
    order: Vec<Element>,
    items: BTreeMap<Element, Option<&'a Value>>,
}

fn index<'a>(
    list: &'a [Value],
    shape: Shape<'_>,
    allow_duplicates: bool,
) -> Result<Indexed<'a>, String> {
    let mut out = Indexed {
        order: Vec::new(),
        items: BTreeMap::new(),
    };
    for (i, item) in list.iter().enumerate() {
        let element = shape
            .element_of(item)
            .map_err(|e| format!("element {i}: {e}"))?;
        match out.items.entry(element.clone()) {
            std::collections::btree_map::Entry::Vacant(slot) => {
                slot.insert(Some(item));
            }
            std::collections::btree_map::Entry::Occupied(mut slot) => {
                if !allow_duplicates {
                    return Err(format!("duplicate entries for key {element}"));
                }
                slot.insert(None);
            }
        }
        out.order.push(element);
    }
    Ok(out)
}

/// Order of the result: the configuration's for what it names; items that only
/// the live list has keep their places between them (as structured-merge-diff does).
fn list(live: &[Value], config: &[Value], shape: Shape<'_>) -> Result<Vec<Value>, String> {
    let right = index(config, shape, false)?;
    let left = index(live, shape, true)?;
    let mut shared = right
        .order
        .iter()
        .filter(|e| left.items.contains_key(*e))
        .peekable();
    let mut done: BTreeSet<&Element> = BTreeSet::new();
    let mut out = Vec::with_capacity(live.len().max(config.len()));
    let (mut l, mut r) = (0, 0);
    let both = |e: &Element| -> Merged {
        let own = left.items.get(e).copied().flatten();
        at(own, right.items.get(e).copied().flatten(), shape.items())
    };
    while l < left.order.len() || r < right.order.len() {
        if let (Some(le), Some(re)) = (left.order.get(l), right.order.get(r)) {
            if le == re {
                done.insert(re);
                out.extend(both(re)?);
                l += 1;
                r += 1;
                shared.next();
                continue;
            }
            let later = shared.peek().is_some_and(|next| *next != le);
            if right.items.contains_key(le) && later {
                l += 1;
                continue;
            }
        }
        if let Some(le) = left.order.get(l) {
            if !right.items.contains_key(le) {
                out.push(live[l].clone());
                l += 1;
                continue;
            }
            if done.contains(le) {
                l += 1;
            }
        }
        if let Some(re) = right.order.get(r) {
            done.insert(re);
            out.extend(both(re)?);
            r += 1;
            if shared.peek().is_some_and(|next| *next == re) {
                shared.next();
            }
        }
    }
    Ok(out)
}
