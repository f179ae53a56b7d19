//! Costs of the library of lists and sets (`cel-go/ext`).

use super::{
    Coster, Estimate, Range, TRAVERSAL,
    calls::{Call, literal_int},
};

/// The estimate of an overload of these libraries.
pub(super) fn estimate(coster: &Coster<'_>, call: &Call<'_, '_>) -> Option<Estimate> {
    let (target, args) = (call.target, call.args);
    let value = |i: usize, default: u64| {
        let given = args.get(i).and_then(literal_int);
        given.map_or(default, |n| n.max(0) as u64)
    };
    match call.overload {
        "list_slice" => {
            let size = coster.sized(target?);
            let (start, end) = (value(0, 0), value(1, size.max));
            Some(allocating(1.0, Range::fixed(end.wrapping_sub(start))))
        }
        "lists_range" => Some(allocating(1.0, Range::fixed(value(0, u64::MAX)))),
        "list_reverse" => Some(allocating(1.0, coster.sized(target?))),
        "list_flatten" => Some(allocating(1.0, coster.sized(target?))),
        "list_flatten_int" => Some(allocating(value(0, u64::MAX) as f64, coster.sized(target?))),
        "list_distinct" => {
            let size = coster.sized(target?);
            Some(allocating(2.0, size.multiply(size)))
        }
        overload if overload.ends_with("_sortByAssociatedKeys") => {
            Some(sorting(overload, coster.sized(args.first()?)))
        }
        overload if overload.starts_with("list_") && overload.ends_with("_sort") => {
            Some(sorting(overload, coster.sized(target?)))
        }
        "list_sets_contains_list" | "list_sets_intersects_list" | "list_sets_equivalent_list" => {
            let factor = if call.overload == "list_sets_equivalent_list" {
                2.0
            } else {
                1.0
            };
            let pairs = coster
                .sized(args.first()?)
                .multiply(coster.sized(args.get(1)?));
            Some(Estimate {
                cost: pairs.times(factor).add(Range::fixed(1)),
                size: None,
            })
        }
        _ => None,
    }
}

fn sorting(overload: &str, size: Range) -> Estimate {
    let long = overload.starts_with("list_string_") || overload.starts_with("list_bytes_");
    let factor = if long { 2.0 + TRAVERSAL } else { 2.0 };
    allocating(factor, size.multiply(size))
}

fn allocating(factor: f64, size: Range) -> Estimate {
    Estimate {
        cost: size.times(factor).add(Range::fixed(11)),
        size: Some(size),
    }
}
