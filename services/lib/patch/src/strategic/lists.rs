//! Lists that merge: by key for objects, as sets for scalars; and their order.

use std::mem::discriminant;

use catena_objects::{Map, Status, Value, go};

use super::{
    DIRECTIVE, Member, SET_ORDER, Schema, bad_patch_type, bad_type, merge_map, no_merge_key,
    without_directives,
};
use crate::plain_error;

/// `$setElementOrder/x`: merges the list `x` and puts it in the given order;
/// items that only the server has keep their places relative to the others.
pub(super) fn apply_orders(
    original: &mut Map,
    patch: &mut Map,
    schema: Schema<'_>,
) -> Result<(), Status> {
    let orders: Vec<_> = patch
        .keys()
        .filter(|k| k.starts_with(SET_ORDER))
        .cloned()
        .collect();
    for directive in orders {
        let order = patch.remove(&directive).unwrap_or_default();
        let Some(order) = order.as_array() else {
            return Err(bad_type("[]interface {}", &order));
        };
        let key = &directive[SET_ORDER.len()..];
        let list_of = |v: Option<&Value>| match v {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items.to_vec())),
            Some(other) => Err(bad_type("[]interface {}", other)),
        };
        let current = list_of(original.get(key))?;
        let change = list_of(patch.get(key))?;
        let member = schema.list(key)?;
        check_order(
            change.as_deref().unwrap_or_default(),
            order,
            member.merge_key,
        )?;
        let server = current.clone().unwrap_or_default();
        let merged = match (current, change) {
            (Some(current), None) => current,
            (None, Some(change)) => match without_directives(Some(change.into())) {
                Some(Value::Array(items)) => items.to_vec(),
                _ => continue,
            },
            (Some(current), Some(change)) => {
                if member.merge {
                    merge(current, change, &member, false)?
                } else {
                    change
                }
            }
            (None, None) => continue,
        };
        let sorted = order_merged(merged, order, &server, member.merge_key)?;
        original.insert(key, sorted);
        patch.remove(key);
    }
    Ok(())
}

/// The items of a patch must come in the order that it sets.
fn check_order(change: &[Value], order: &[Value], merge_key: &str) -> Result<(), Status> {
    if order.is_empty() || change.is_empty() {
        return Ok(());
    }
    let mut rest = order.iter();
    for item in change {
        if !merge_key.is_empty() {
            let Some(map) = item.as_object() else {
                return Err(bad_type("map[string]interface {}", item));
            };
            if map.contains_key(DIRECTIVE) {
                continue;
            }
        }
        let mut found = false;
        for place in rest.by_ref() {
            if key_of(item, merge_key)? == key_of(place, merge_key)? {
                found = true;
                break;
            }
        }
        if !found {
            return Err(plain_error(format!(
                "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
                go::print(&change.to_vec().into()),
                go::print(&order.to_vec().into())
            )));
        }
    }
    Ok(())
}

/// What identifies an item: the value of the merge key, or a scalar itself.
fn key_of<'a>(item: &'a Value, merge_key: &str) -> Result<&'a Value, Status> {
    if merge_key.is_empty() {
        return Ok(item);
    }
    let Some(map) = item.as_object() else {
        return Err(bad_type("map[string]interface {}", item));
    };
    map.get(merge_key)
        .ok_or_else(|| no_merge_key(item, merge_key))
}

/// The common type of all items; lists of lists and mixed lists do not merge.
fn holds_objects(lists: [&[Value]; 2]) -> Result<bool, Status> {
    let mut first: Option<&Value> = None;
    for item in lists.into_iter().flatten() {
        match first {
            None if matches!(item, Value::Array(_)) => return Err(crate::does_not_apply()),
            None => first = Some(item),
            Some(f) if discriminant(f) != discriminant(item) => {
                let shown: Vec<String> = lists
                    .iter()
                    .map(|l| go::print(&l.to_vec().into()))
                    .collect();
                return Err(plain_error(format!(
                    "list element types are not identical: [{}]",
                    shown.join(" ")
                )));
            }
            Some(_) => {}
        }
    }
    match first {
        Some(v) => Ok(matches!(v, Value::Object(_))),
        None => Err(plain_error("no elements in any of the given slices")),
    }
}

/// Merges `change` into `current` (`mergeSlice`).
pub(super) fn merge(
    current: Vec<Value>,
    change: Vec<Value>,
    member: &Member<'_>,
    deletes: bool,
) -> Result<Vec<Value>, Status> {
    if current.is_empty() && change.is_empty() {
        return Ok(current);
    }
    if !holds_objects([&current, &change])? {
        if deletes {
            return Ok(current
                .into_iter()
                .filter(|v| !change.contains(v))
                .collect());
        }
        let server = current.clone();
        let mut both = current;
        both.extend(change.iter().cloned());
        return order_merged(deduplicated(both), &change, &server, "");
    }
    let key = member.merge_key;
    if key.is_empty() {
        let name = match member.schema {
            Schema::Node(_) => "struct",
            Schema::Opaque => "interface",
        };
        return Err(plain_error(format!(
            "cannot merge lists without merge key for {name}"
        )));
    }
    let (current, change) = special_items(current, change, key)?;
    let server = current.clone();
    let mut merged = current;
    for item in &change {
        let value = key_of(item, key)?;
        match find(&merged, key, value)? {
            Some(at) => {
                let old = merged[at].as_object().cloned().unwrap_or_default();
                let new = item.as_object().cloned().unwrap_or_default();
                merged[at] = merge_map(old, new, member.schema)?.into();
            }
            None => merged.push(item.clone()),
        }
    }
    order_merged(merged, &change, &server, key)
}

fn find(items: &[Value], key: &str, value: &Value) -> Result<Option<usize>, Status> {
    for (i, item) in items.iter().enumerate() {
        let Some(map) = item.as_object() else {
            return Err(plain_error(format!("value for key {i} is not a map")));
        };
        if map.get(key) == Some(value) {
            return Ok(Some(i));
        }
    }
    Ok(None)
}

/// Carries out `$patch` directives of items; returns the lists left to merge.
fn special_items(
    mut current: Vec<Value>,
    change: Vec<Value>,
    key: &str,
) -> Result<(Vec<Value>, Vec<Value>), Status> {
    let mut plain = Vec::new();
    let mut replace = false;
    for item in change {
        let Some(directive) = item.get(DIRECTIVE) else {
            plain.push(item);
            continue;
        };
        match directive.as_str() {
            Some("delete") => {
                let value = key_of(&item, key)?;
                while let Some(at) = find(&current, key, value)? {
                    current.remove(at);
                }
            }
            Some("replace") => replace = true,
            Some("merge") => {
                return Err(plain_error(
                    "merging lists cannot yet be specified in the patch",
                ));
            }
            _ => return Err(bad_patch_type(directive, &item)),
        }
    }
    if replace {
        Ok((plain, Vec::new()))
    } else {
        Ok((current, plain))
    }
}

/// Go's way of dropping repeated scalars, which moves the last one forward.
fn deduplicated(mut items: Vec<Value>) -> Vec<Value> {
    let mut i = 0;
    while i + 1 < items.len() {
        let mut j = i + 1;
        while j < items.len() {
            if items[i] == items[j] {
                items.swap_remove(j);
            } else {
                j += 1;
            }
        }
        i += 1;
    }
    items
}

fn position(list: &[Value], item: &Value, key: &str) -> Option<usize> {
    let id = |v: &Value| {
        if key.is_empty() {
            Some(v.clone())
        } else {
            v.get(key).cloned()
        }
    };
    let wanted = id(item);
    list.iter().position(|v| id(v) == wanted)
}

/// Items named by `order` in that order, the others as `server` had them, merged
/// so that pairs known to the server keep their order where possible.
fn order_merged(
    merged: Vec<Value>,
    order: &[Value],
    server: &[Value],
    key: &str,
) -> Result<Vec<Value>, Status> {
    for item in merged.iter().chain(order) {
        key_of(item, key)?;
    }
    let (mut named, mut others): (Vec<Value>, Vec<Value>) = merged
        .into_iter()
        .partition(|item| position(order, item, key).is_some());
    named.sort_by_cached_key(|v| position(order, v, key).unwrap_or(usize::MAX));
    others.sort_by_cached_key(|v| position(server, v, key).unwrap_or(usize::MAX));
    let mut out = Vec::with_capacity(named.len() + others.len());
    let (mut left, mut right) = (others.into_iter().peekable(), named.into_iter().peekable());
    loop {
        match (left.peek(), right.peek()) {
            (None, None) => return Ok(out),
            (Some(l), Some(r)) => {
                let places = (position(server, l, key), position(server, r, key));
                let left_first = matches!(places, (Some(a), Some(b)) if a < b);
                out.extend(if left_first {
                    left.next()
                } else {
                    right.next()
                });
            }
            (Some(_), None) => out.extend(left.next()),
            (None, Some(_)) => out.extend(right.next()),
        }
    }
}
