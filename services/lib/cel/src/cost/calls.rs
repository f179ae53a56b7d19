//! Costs of calls: those of Kubernetes' libraries (`library/cost.go`), then those
//! of the language.

use super::{Coster, Estimate, FORMAT_PATTERN, PATTERN, Range, Seen, TRAVERSAL, lists};
use crate::{
    ast::{Expr, Kind, Literal},
    types::Type,
};

impl<'a> Coster<'a> {
    pub(super) fn call(&mut self, expr: &'a Expr) -> Range {
        let Kind::Call {
            function,
            target,
            args,
        } = &expr.kind
        else {
            return Range::fixed(0);
        };
        if function == "dyn" {
            let cost = self.cost(&args[0]);
            if let Some(size) = self.size(&args[0]) {
                self.sizes.insert(expr.id, size);
            }
            if let Some(entries) = self.entry_sizes(&args[0]) {
                self.entries.insert(expr.id, entries);
            }
            return cost.add(Range::fixed(1));
        }
        let mut costs = Vec::with_capacity(args.len());
        let mut seen = Vec::with_capacity(args.len());
        for arg in args {
            costs.push(self.cost(arg));
            seen.push(self.seen(arg));
        }
        let overloads = self.checked.overloads(expr).to_vec();
        if overloads.is_empty() {
            return Range::fixed(0);
        }
        let mut sum = Range::fixed(0);
        let target = target.as_deref().map(|t| {
            sum = self.cost(t);
            self.seen(t)
        });
        let mut total = Range::new(u64::MAX, 0);
        let mut size: Option<Range> = None;
        for overload in overloads {
            let call = Call {
                expr,
                function,
                overload,
                target: target.as_ref(),
                args: &seen,
                costs: &costs,
            };
            let estimate = self.overload(&call);
            total = total.union(estimate.cost);
            if let Some(s) = estimate.size {
                size = Some(size.map_or(s, |before| before.union(s)));
            }
            if let ("index_list" | "index_map", Some(first)) = (overload, args.first()) {
                size = self.entry_sizes(first).map(|e| e.value);
                let mut path = self.path(first);
                let part = if overload == "index_list" {
                    "@items"
                } else {
                    "@values"
                };
                path.push(part.to_owned());
                self.paths.insert(expr.id, path);
            }
            if size.is_none() {
                size = self.size(expr);
            }
        }
        if let Some(size) = size {
            self.sizes.insert(expr.id, size);
        }
        sum.add(total)
    }

    fn overload(&mut self, call: &Call<'_, 'a>) -> Estimate {
        let own = lists::estimate(self, call).or_else(|| self.library(call));
        if let Some(mut estimate) = own {
            estimate.cost = estimate.cost.add(call.sum());
            return estimate;
        }
        self.standard(call)
    }

    /// The size of an argument, by what is known of it or of its path.
    pub(super) fn sized(&self, seen: &Seen<'_>) -> Range {
        let known = seen.size.or_else(|| self.declared(&seen.path));
        known.unwrap_or(Range::UNKNOWN)
    }

    /// An item of a list.
    fn element<'s>(&self, list: &Seen<'_>) -> Option<Seen<'s>> {
        let ty = match &list.ty {
            Type::List(of) => Type::clone(of),
            Type::Map(key, _) => Type::clone(key),
            _ => return None,
        };
        let mut path = list.path.clone();
        if !path.is_empty() {
            path.push("@items".to_owned());
        }
        Some(Seen {
            path,
            ty,
            size: None,
            expr: None,
        })
    }

    fn library(&self, call: &Call<'_, 'a>) -> Option<Estimate> {
        match call.function {
            "check" => Some(plain(Range::fixed(350_000))),
            "serviceAccount"
            | "path"
            | "group"
            | "resource"
            | "subresource"
            | "namespace"
            | "name"
            | "allowed"
            | "reason"
            | "error"
            | "errored"
            | "masked"
            | "prefixLength"
            | "family"
            | "isUnspecified"
            | "isLoopback"
            | "isLinkLocalMulticast"
            | "isLinkLocalUnicast"
            | "isGlobalUnicast"
            | "format.named"
            | "sign"
            | "asInteger"
            | "isInteger"
            | "asApproximateFloat"
            | "isGreaterThan"
            | "isLessThan"
            | "compareTo"
            | "add"
            | "sub"
            | "major"
            | "minor"
            | "patch"
            | "getScheme"
            | "getHostname"
            | "getHost"
            | "getPort"
            | "getEscapedPath"
            | "getQuery" => Some(plain(Range::fixed(1))),
            _ => self.strings(call),
        }
    }

    fn strings(&self, call: &Call<'_, 'a>) -> Option<Estimate> {
        let args = call.args;
        let traversal = |of: Range| of.times(TRAVERSAL);
        match call.function {
            "fieldSelector" | "labelSelector" if args.len() == 1 => {
                let length = self.sized(&args[0]);
                let requirements = length.times(0.5).times(50.0);
                Some(plain(
                    Range::fixed(10).add(traversal(length)).add(requirements),
                ))
            }
            "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => {
                let target = call.target?;
                let Some(element) = self.element(target) else {
                    return Some(plain(traversal(self.sized(target))));
                };
                let mut each = Range::fixed(1);
                if matches!(element.ty, Type::String | Type::Bytes) {
                    each = each.add(traversal(self.sized(&element)));
                }
                Some(plain(self.sized(target).multiply(each)))
            }
            "url" if args.len() == 1 => {
                let size = self.sized(&args[0]);
                Some(with_size(traversal(size), size))
            }
            "lowerAscii" | "upperAscii" | "substring" | "trim" => {
                let size = self.sized(call.target?);
                Some(with_size(traversal(size), size))
            }
            "replace" if args.len() >= 2 => {
                let size = self.sized(call.target?);
                let result = replaced(size, self.sized(&args[0]), self.sized(&args[1]));
                Some(with_size(size.times(2.0 * TRAVERSAL), result))
            }
            "split" => {
                let size = self.sized(call.target?);
                let limit = args.get(1).and_then(literal_int);
                let most = limit.map_or(size.max, |n| n as u64);
                Some(with_size(size.times(2.0 * TRAVERSAL), Range::new(0, most)))
            }
            "join" => {
                let target = call.target?;
                let list = self.sized(target);
                let mut size = match self.element(target) {
                    Some(element) => list.multiply(self.sized(&element)),
                    None => Range::fixed(0),
                };
                if let Some(separator) = args.first() {
                    let count = Range::new(list.min.saturating_sub(1), list.max.saturating_sub(1));
                    size = size.add(self.sized(separator).multiply(count));
                }
                Some(with_size(traversal(size), size))
            }
            "find" | "findAll" if !args.is_empty() => {
                let size = self.sized(call.target?);
                let cost = traversal(size.add(Range::fixed(1)));
                let cost = cost.multiply(self.sized(&args[0]).times(PATTERN));
                Some(with_size(cost, Range::new(0, size.max)))
            }
            _ => self.addresses(call),
        }
    }

    fn addresses(&self, call: &Call<'_, 'a>) -> Option<Estimate> {
        let first = call.args.first();
        let parsed = |factor: f64| first.map(|a| plain(self.sized(a).times(factor * TRAVERSAL)));
        match call.function {
            "ip" if call.overload == "cidr_ip" => Some(plain(Range::fixed(1))),
            "cidr" | "isIP" | "isCIDR" | "ip" | "quantity" | "isQuantity" | "semver"
            | "isSemver" => parsed(1.0),
            "ip.isCanonical" => parsed(2.0),
            "containsIP" | "containsCIDR" => {
                let bytes = Range::new(4, 16);
                let mut cost = bytes.add(bytes).times(TRAVERSAL);
                if call.function == "containsCIDR" {
                    cost = cost.add(bytes.times(TRAVERSAL)).add(Range::fixed(1));
                }
                if call.overload.ends_with("_string") {
                    cost = cost.add(self.sized(first?).times(TRAVERSAL));
                }
                Some(plain(cost))
            }
            "validate" => {
                let size = self.sized(first?);
                Some(plain(size.times(TRAVERSAL).times(FORMAT_PATTERN * PATTERN)))
            }
            "_==_" => {
                let [a, b] = call.args else { return None };
                if a.ty != b.ty {
                    return None;
                }
                let cost = match &a.ty {
                    Type::Opaque(name, _) if matches!(&**name, "net.IP" | "net.CIDR") => {
                        Range::fixed(1)
                    }
                    Type::Object(name) => match &**name {
                        "kubernetes.NamedFormat" => Range::new(1, 64).times(TRAVERSAL),
                        "kubernetes.URL" => {
                            let size = b.size.map_or(1, |s| s.max.max(1));
                            Range::new(1, size).times(TRAVERSAL)
                        }
                        name if name.starts_with("kubernetes.") => Range::fixed(1),
                        _ => return None,
                    },
                    _ => return None,
                };
                Some(plain(cost))
            }
            _ => None,
        }
    }

    /// Costs of the language's own functions, with those of the arguments.
    fn standard(&mut self, call: &Call<'_, 'a>) -> Estimate {
        let args = call.args;
        let known = |seen: &Seen<'_>| seen.size.unwrap_or(Range::UNKNOWN);
        let with_args = |cost: Range, size: Option<Range>| Estimate {
            cost: cost.add(call.sum()),
            size,
        };
        match (call.overload, args) {
            ("string_format", _) if call.target.is_some() => {
                let size = call.target.map_or(Range::UNKNOWN, known);
                with_args(size.times(TRAVERSAL), None)
            }
            ("string_to_bytes", [a]) => {
                let s = known(a);
                let size = Range::new(s.min, s.max.wrapping_mul(4));
                with_args(s.times(TRAVERSAL), Some(size))
            }
            ("bytes_to_string", [a]) => {
                let s = known(a);
                with_args(s.times(TRAVERSAL), Some(Range::new(s.min / 4, s.max)))
            }
            ("strings_quote", [a]) => {
                let s = known(a);
                let size = Range::new(s.min + 2, s.max.wrapping_mul(2).wrapping_add(2));
                with_args(s.times(TRAVERSAL), Some(size))
            }
            ("starts_with_string" | "ends_with_string", [a]) => {
                with_args(known(a).times(TRAVERSAL), None)
            }
            ("in_list", [_, list]) => with_args(known(list), None),
            ("matches_string", [pattern]) => {
                let text = call.target.map_or(Range::UNKNOWN, known);
                let cost = text.add(Range::fixed(1)).times(TRAVERSAL);
                with_args(cost.multiply(known(pattern).times(PATTERN)), None)
            }
            ("contains_string", [part]) => {
                let text = call.target.map_or(Range::UNKNOWN, known).times(TRAVERSAL);
                with_args(text.multiply(known(part).times(TRAVERSAL)), None)
            }
            ("logical_or" | "logical_and", _) => {
                let (left, right) = (call.costs[0], call.costs[1]);
                Estimate {
                    cost: Range::new(left.min, left.add(right).max),
                    size: None,
                }
            }
            ("conditional" | "add_string" | "add_bytes" | "add_list", _) => self.joined(call),
            (overload, [a, b]) if compares(overload) => {
                let most = known(a).max.min(known(b).max);
                let cost = Range::new(u64::from(most > 0), most);
                with_args(cost.times(TRAVERSAL), None)
            }
            _ => with_args(Range::fixed(1), None),
        }
    }

    /// One value of two: the sizes of both count.
    fn joined(&mut self, call: &Call<'_, 'a>) -> Estimate {
        let known = |seen: &Seen<'_>| seen.size.unwrap_or(Range::UNKNOWN);
        let [.., a, b] = call.args else {
            return plain(Range::fixed(1).add(call.sum()));
        };
        if let (Some(x), Some(y)) = (self.entries_of(a), self.entries_of(b)) {
            self.entries.insert(call.expr.id, x.union(y));
        }
        let (a, b) = (known(a), known(b));
        match call.overload {
            "conditional" => {
                let cost = call.costs[0].add(call.costs[1].union(call.costs[2]));
                with_size(cost, a.union(b))
            }
            "add_list" => with_size(Range::fixed(1).add(call.sum()), a.add(b)),
            _ => {
                let size = a.add(b);
                with_size(size.times(TRAVERSAL).add(call.sum()), size)
            }
        }
    }

    fn entries_of(&self, seen: &Seen<'_>) -> Option<super::Entries> {
        self.entry_sizes(seen.expr?)
    }
}

pub(super) struct Call<'c, 'a> {
    pub(super) expr: &'a Expr,
    pub(super) function: &'c str,
    pub(super) overload: &'static str,
    pub(super) target: Option<&'c Seen<'a>>,
    pub(super) args: &'c [Seen<'a>],
    pub(super) costs: &'c [Range],
}

impl Call<'_, '_> {
    fn sum(&self) -> Range {
        self.costs.iter().copied().fold(Range::fixed(0), Range::add)
    }
}

fn plain(cost: Range) -> Estimate {
    Estimate { cost, size: None }
}

fn with_size(cost: Range, size: Range) -> Estimate {
    Estimate {
        cost,
        size: Some(size),
    }
}

/// The value of an argument that is an integer constant.
pub(super) fn literal_int(seen: &Seen<'_>) -> Option<i64> {
    match &seen.expr?.kind {
        Kind::Literal(Literal::Int(i)) => Some(*i),
        _ => None,
    }
}

/// Comparisons of what can be long.
fn compares(overload: &str) -> bool {
    let comparison = overload.starts_with("less_") || overload.starts_with("greater_");
    matches!(overload, "equals" | "not_equals")
        || comparison && (overload.ends_with("_string") || overload.ends_with("_bytes"))
}

/// Bounds of a string in which parts are replaced.
fn replaced(size: Range, old: Range, new: Range) -> Range {
    let div = |a: u64, b: u64| (a as f64 / b as f64).ceil() as u64;
    let (mut count, mut kept) = (Range::fixed(0), Range::fixed(0));
    if old.min == 0 {
        count.max = size.max.saturating_add(1);
        kept.max = size.max;
    } else if new.max <= old.min {
        kept.max = size.max;
    } else {
        count.max = div(size.max, old.min);
    }
    if old.max == 0 {
        count.min = size.min.saturating_add(1);
        kept.min = size.min;
    } else if old.max <= new.min {
        kept.min = size.min;
    } else {
        count.min = div(size.min, old.max);
    }
    count.multiply(new).add(kept)
}
