//! Ranges and compares, over any source of values.

use std::cmp::Ordering;

use bytes::Bytes;
use catena_proto::{
    etcdserverpb::{
        self as pb,
        compare::{CompareResult, CompareTarget, TargetUnion},
        range_request::{SortOrder, SortTarget},
    },
    mvccpb::KeyValue,
};

use super::{
    Error,
    index::{Index, Span, Version},
    record::{Record, Rev},
};

/// Gives what was written at a revision; None when it was compacted meanwhile.
pub(super) trait Values {
    fn value(&self, rev: Rev) -> Result<Option<Record>, Error>;
}

/// Keys that answer a range, before their values are read.
pub(super) struct Selected {
    versions: Vec<(Bytes, Version)>,
    count: usize,
    more: bool,
    at: i64,
}

/// Chooses keys of a range at a revision that is neither compacted nor in the future.
pub(super) fn select(index: &Index, request: &pb::RangeRequest, at: i64) -> Selected {
    let span = Span::new(request.key.clone(), request.range_end.clone());
    let mut out = Selected {
        versions: Vec::new(),
        count: 0,
        more: false,
        at,
    };
    if request.count_only {
        out.count = index.live(&span, at).count();
        return out;
    }
    let filter = Filter::of(request);
    let limit = limit(request);
    // What is filtered or sorted is limited afterwards; but where the order is
    // not said, only what comes first is sorted, as etcd does.
    let early = if filter.any() || request.sort_order() != SortOrder::None {
        usize::MAX
    } else {
        limit.saturating_add(1)
    };
    for (key, version) in index.live(&span, at) {
        out.count += 1;
        if out.versions.len() < early && filter.admits(version) {
            out.versions.push((key.clone(), *version));
        }
    }
    let sorting = sorting(request);
    if matches!(sorting, Some((SortTarget::Value, _))) {
        // Sorted and cut when the values are there.
        return out;
    }
    if let Some((target, order)) = sorting {
        sort(&mut out.versions, order, |a, b| by_version(target, a, b));
    }
    cut(&mut out.versions, limit, &mut out.more);
    out
}

/// Reads the values of what was chosen.
pub(super) fn answer(
    selected: Selected,
    request: &pb::RangeRequest,
    values: &impl Values,
    compacted: impl FnOnce() -> i64,
) -> Result<pb::RangeResponse, Error> {
    let sorting = sorting(request);
    let by_value = matches!(sorting, Some((SortTarget::Value, _)));
    let mut kvs = Vec::with_capacity(selected.versions.len());
    for (key, version) in selected.versions {
        if request.keys_only && !by_value {
            kvs.push(header_of(key, &version));
            continue;
        }
        let Some(record) = values.value(version.rev)? else {
            let oldest = compacted();
            return Err(if selected.at < oldest {
                Error::Compacted { oldest }
            } else {
                Error::corrupt("a revision that is needed is missing")
            });
        };
        kvs.push(record.into_kv(version.rev));
    }
    let mut more = selected.more;
    if let Some((SortTarget::Value, order)) = sorting {
        sort(&mut kvs, order, |a, b| a.value.cmp(&b.value));
        cut(&mut kvs, limit(request), &mut more);
        if request.keys_only {
            kvs.iter_mut().for_each(|kv| kv.value = Bytes::new());
        }
    }
    Ok(pb::RangeResponse {
        header: None,
        kvs,
        more,
        count: i64::try_from(selected.count).unwrap_or(i64::MAX),
    })
}

fn header_of(key: Bytes, version: &Version) -> KeyValue {
    KeyValue {
        key,
        create_revision: version.create,
        mod_revision: version.rev.main,
        version: version.version,
        value: Bytes::new(),
        lease: version.lease,
    }
}

fn limit(request: &pb::RangeRequest) -> usize {
    match usize::try_from(request.limit) {
        Ok(0) | Err(_) => usize::MAX,
        Ok(n) => n,
    }
}

fn cut<T>(items: &mut Vec<T>, limit: usize, more: &mut bool) {
    *more = items.len() > limit;
    items.truncate(limit);
}

/// How to sort, unless the order of keys will do.
fn sorting(request: &pb::RangeRequest) -> Option<(SortTarget, SortOrder)> {
    match (request.sort_target(), request.sort_order()) {
        (SortTarget::Key, SortOrder::None | SortOrder::Ascend) => None,
        (target, SortOrder::None) => Some((target, SortOrder::Ascend)),
        (target, order) => Some((target, order)),
    }
}

fn sort<T>(items: &mut [T], order: SortOrder, by: impl Fn(&T, &T) -> Ordering) {
    items.sort_by(|a, b| match order {
        SortOrder::Descend => by(b, a),
        SortOrder::None | SortOrder::Ascend => by(a, b),
    });
}

fn by_version(target: SortTarget, a: &(Bytes, Version), b: &(Bytes, Version)) -> Ordering {
    match target {
        SortTarget::Key | SortTarget::Value => a.0.cmp(&b.0),
        SortTarget::Version => a.1.version.cmp(&b.1.version),
        SortTarget::Create => a.1.create.cmp(&b.1.create),
        SortTarget::Mod => a.1.rev.main.cmp(&b.1.rev.main),
    }
}

/// Bounds on revisions; 0 is no bound.
struct Filter {
    modified: (i64, i64),
    created: (i64, i64),
}

impl Filter {
    fn of(r: &pb::RangeRequest) -> Self {
        Self {
            modified: (r.min_mod_revision, r.max_mod_revision),
            created: (r.min_create_revision, r.max_create_revision),
        }
    }

    fn any(&self) -> bool {
        self.modified != (0, 0) || self.created != (0, 0)
    }

    fn admits(&self, version: &Version) -> bool {
        let within = |n: i64, (min, max): (i64, i64)| n >= min && (max == 0 || n <= max);
        within(version.rev.main, self.modified) && within(version.create, self.created)
    }
}

/// Whether a condition holds at a revision, for every key of its range.
pub(super) fn holds(
    index: &Index,
    compare: &pb::Compare,
    at: i64,
    values: &impl Values,
) -> Result<bool, Error> {
    let span = Span::new(compare.key.clone(), compare.range_end.clone());
    let by_value = compare.target() == CompareTarget::Value;
    let mut empty = true;
    for (_, version) in index.live(&span, at) {
        empty = false;
        let value = if by_value {
            let record = values.value(version.rev)?;
            record
                .ok_or_else(|| Error::corrupt("the value of a live key is missing"))?
                .value
        } else {
            Bytes::new()
        };
        if !compare_one(compare, version, &value) {
            return Ok(false);
        }
    }
    // A key that is not there has no value, but its numbers are zero.
    Ok(!empty || (!by_value && compare_one(compare, &Version::default(), &Bytes::new())))
}

fn compare_one(compare: &pb::Compare, version: &Version, value: &Bytes) -> bool {
    let union = compare.target_union.as_ref();
    let number = |given: i64| {
        let wanted = match union {
            Some(
                TargetUnion::Version(n)
                | TargetUnion::CreateRevision(n)
                | TargetUnion::ModRevision(n)
                | TargetUnion::Lease(n),
            ) => *n,
            Some(TargetUnion::Value(_)) | None => 0,
        };
        given.cmp(&wanted)
    };
    let ordering = match compare.target() {
        CompareTarget::Value => match union {
            Some(TargetUnion::Value(wanted)) => value.cmp(wanted),
            _ => value.cmp(&Bytes::new()),
        },
        CompareTarget::Version => number(version.version),
        CompareTarget::Create => number(version.create),
        CompareTarget::Mod => number(version.rev.main),
        CompareTarget::Lease => number(version.lease),
    };
    match compare.result() {
        CompareResult::Equal => ordering == Ordering::Equal,
        CompareResult::NotEqual => ordering != Ordering::Equal,
        CompareResult::Greater => ordering == Ordering::Greater,
        CompareResult::Less => ordering == Ordering::Less,
    }
}
