//! What evaluated calls cost (`interpreter/runtimecost.go`, `library/cost.go`).

use super::{PATTERN, TRAVERSAL};
use crate::{extra::Extra, value::Val};

fn size(value: &Val<'_>) -> u64 {
    match value {
        Val::Optional(Some(v)) => size(v),
        other => other.size().unwrap_or(1),
    }
}

fn traversal(size: u64, factor: f64) -> u64 {
    (size as f64 * factor * TRAVERSAL).ceil() as u64
}

/// Matching a text against a pattern, by their lengths.
pub(crate) fn pattern(text: u64, pattern: u64) -> u64 {
    let text = ((1.0 + text as f64) * TRAVERSAL).ceil() as u64;
    let pattern = (pattern as f64 * PATTERN).ceil() as u64;
    text.saturating_mul(pattern)
}

/// `==` and `!=`.
pub(crate) fn equality(a: &Val<'_>, b: &Val<'_>) -> u64 {
    match a {
        Val::Extra(_) => 1,
        _ => traversal(size(a).min(size(b)), 1.0),
    }
}

/// A call; `overload` is "" when it could be several.
pub(crate) fn call(name: &str, overload: &str, args: &[Val<'_>], result: Option<&Val<'_>>) -> u64 {
    let first = args.first();
    let of = |i: usize| args.get(i).map_or(1, size);
    match name {
        "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => {
            first.map_or(0, traversed)
        }
        "url" | "lowerAscii" | "upperAscii" | "substring" | "trim" | "cidr" | "isIP" | "isCIDR"
        | "quantity" | "isQuantity" | "semver" | "isSemver" => traversal(of(0), 1.0),
        "ip" if overload == "cidr_ip" => 1,
        "ip" => traversal(of(0), 1.0),
        "replace" | "split" | "ip.isCanonical" => traversal(of(0), 2.0),
        "join" => traversal(result.map_or(1, size), 2.0),
        "find" | "findAll" => pattern(of(0), of(1)),
        "containsIP" | "containsCIDR" => contains(name, overload, of(0), of(1)),
        "validate" => match first {
            Some(Val::Extra(e)) => match &**e {
                Extra::Format(f) => pattern(of(1), f.pattern),
                _ => 1,
            },
            _ => 1,
        },
        "sets.contains" | "sets.intersects" => of(0).saturating_mul(of(1)).saturating_add(1),
        "sets.equivalent" => of(0)
            .saturating_mul(of(1))
            .saturating_mul(2)
            .saturating_add(1),
        "slice" | "lists.range" | "reverse" => result.map_or(1, size).saturating_add(11),
        "flatten" => {
            let depth = match args.get(1) {
                Some(Val::Int(d)) => (*d).max(0) as u64,
                _ => 1,
            };
            of(0).saturating_mul(depth).saturating_add(11)
        }
        "distinct" | "sort" => first.map_or(1, compared),
        "@sortByAssociatedKeys" => args.get(1).map_or(1, compared),
        _ => standard(overload, args),
    }
}

fn standard(overload: &str, args: &[Val<'_>]) -> u64 {
    let of = |i: usize| args.get(i).map_or(1, size);
    match overload {
        "starts_with_string" | "ends_with_string" | "string_to_bytes" | "bytes_to_string"
        | "strings_quote" | "string_format" => traversal(of(0), 1.0),
        "in_list" => of(1),
        "add_string" | "add_bytes" => traversal(of(0) + of(1), 1.0),
        "matches_string" => pattern(of(0), of(1)),
        "contains_string" => traversal(of(0), 1.0).saturating_mul(traversal(of(1), 1.0)),
        other if other.ends_with("_string") || other.ends_with("_bytes") => {
            match other.starts_with("less_") || other.starts_with("greater_") {
                true => traversal(of(0).min(of(1)), 1.0),
                false => 1,
            }
        }
        _ => 1,
    }
}

fn contains(name: &str, overload: &str, net: u64, other: u64) -> u64 {
    let mut cost = traversal(net + net, 1.0);
    if name == "containsCIDR" {
        cost += traversal(net, 1.0) + 1;
    }
    if overload.ends_with("_string") {
        cost += traversal(other, 1.0);
    }
    cost
}

/// A walk over all of a value.
fn traversed(value: &Val<'_>) -> u64 {
    match value {
        Val::Text(s) => (s.len() as f64 * TRAVERSAL) as u64,
        Val::Bytes(b) => (b.len() as f64 * TRAVERSAL) as u64,
        v if v.is_list() => {
            let items = v.items();
            items.map_or(1, |items| items.iter().map(traversed).sum())
        }
        v if v.is_map() => v.entries().map_or(1, |entries| {
            let cost = |(k, v): &(Val<'_>, Val<'_>)| traversed(k) + traversed(v);
            entries.iter().map(cost).sum()
        }),
        _ => 1,
    }
}

/// All items of a list compared with each other.
fn compared(list: &Val<'_>) -> u64 {
    let size = size(list);
    let long = list
        .items()
        .is_ok_and(|items| matches!(items.first(), Some(Val::Text(_) | Val::Bytes(_))));
    let factor = if long { 2.0 + TRAVERSAL } else { 2.0 };
    ((size.saturating_mul(size)) as f64 * factor) as u64 + 11
}
