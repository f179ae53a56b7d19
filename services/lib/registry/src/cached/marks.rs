//! Which labels and fields occur among neighbours in the cache, so that a list or
//! watch with selectors passes by groups in which nothing can match.

use std::{
    hash::{BuildHasher as _, Hash},
    sync::OnceLock,
};

use catena_cache::Neighbours;
use catena_objects::{Status, fields, labels};
use foldhash::fast::FixedState;

use super::Cached;
use crate::Resource;

/// Bits for each value: with two of them set, one in seventy strangers is taken
/// for a member.
const BITS: usize = 16;

/// A Bloom filter.
#[derive(Debug)]
struct Marks(Box<[u64]>);

impl Marks {
    fn of(mut hashes: Vec<u64>) -> Self {
        hashes.sort_unstable();
        hashes.dedup();
        let words = (hashes.len() * BITS / 64).next_power_of_two();
        let mut marks = Self(vec![0; words].into());
        for hash in hashes {
            for bit in marks.bits(hash) {
                marks.0[bit / 64] |= 1 << (bit % 64);
            }
        }
        marks
    }

    fn bits(&self, hash: u64) -> [usize; 2] {
        let mask = self.0.len() * 64 - 1;
        [hash, hash >> 32].map(|h| usize::try_from(h & 0xffff_ffff).unwrap_or_default() & mask)
    }

    fn may_have(&self, hash: u64) -> bool {
        self.bits(hash)
            .iter()
            .all(|bit| self.0[bit / 64] & (1 << (bit % 64)) != 0)
    }
}

fn hash(what: impl Hash) -> u64 {
    FixedState::default().hash_one(what)
}

/// A label of any value.
fn key(key: &str) -> u64 {
    hash(key)
}

fn pair(key: &str, value: &str) -> u64 {
    hash((key, value))
}

/// Marks of a group, made when first wanted; `None`: an object cannot be read.
#[derive(Debug, Default)]
pub struct GroupMarks {
    labels: OnceLock<Option<Marks>>,
    fields: OnceLock<Option<FieldMarks>>,
}

/// The versions of a resource may differ in the fields that can be selected.
#[derive(Debug)]
struct FieldMarks {
    names: Vec<String>,
    marks: Marks,
}

/// What must occur in a group for anything in it to match.
#[derive(Debug, Default)]
pub struct Wanted {
    /// One of each.
    labels: Vec<Vec<u64>>,
    fields: Vec<u64>,
}

impl Wanted {
    pub fn of(resource: &Resource, labels: &labels::Selector, fields: &fields::Selector) -> Self {
        let selectable = |name: &str| resource.selectable_fields.iter().any(|f| f == name);
        let named = fields.requirements().iter();
        Self {
            labels: labels.requirements().iter().filter_map(occurs).collect(),
            fields: named
                .filter(|r| !r.negated && selectable(&r.field))
                .map(|r| pair(&r.field, &r.value))
                .collect(),
        }
    }

    /// Whether a group may have something that matches; wrong only when it says so.
    pub fn may_be_in(&self, resource: &Resource, group: &Neighbours<'_, Cached>) -> bool {
        if !self.labels.is_empty() {
            let made = group
                .group
                .labels
                .get_or_init(|| of_labels(resource, group).ok());
            let all = |marks: &Marks| {
                let mut each = self.labels.iter();
                each.all(|one| one.iter().any(|hash| marks.may_have(*hash)))
            };
            if !made.as_ref().is_none_or(all) {
                return false;
            }
        }
        if self.fields.is_empty() {
            return true;
        }
        let made = group
            .group
            .fields
            .get_or_init(|| of_fields(resource, group).ok());
        made.as_ref().is_none_or(|known| {
            let same = known.names == resource.selectable_fields;
            !same || self.fields.iter().all(|hash| known.marks.may_have(*hash))
        })
    }
}

/// What occurs where a requirement holds; `None`: it may hold anywhere.
fn occurs(requirement: &labels::Requirement) -> Option<Vec<u64>> {
    use labels::Operator as O;
    let labels::Requirement {
        key: name,
        operator,
        values,
    } = requirement;
    match operator {
        O::Equals | O::DoubleEquals | O::In => Some(values.iter().map(|v| pair(name, v)).collect()),
        O::Exists | O::GreaterThan | O::LessThan => Some(vec![key(name)]),
        O::DoesNotExist | O::NotEquals | O::NotIn => None,
    }
}

fn of_labels(resource: &Resource, group: &Neighbours<'_, Cached>) -> Result<Marks, Status> {
    let mut hashes = Vec::new();
    for entry in group.all {
        for (name, value) in Cached::labels(resource, entry)?.iter() {
            hashes.extend([key(name), pair(name, value)]);
        }
    }
    Ok(Marks::of(hashes))
}

fn of_fields(resource: &Resource, group: &Neighbours<'_, Cached>) -> Result<FieldMarks, Status> {
    let mut hashes = Vec::new();
    for entry in group.all {
        Cached::fields(resource, entry, |values| {
            for (i, name) in resource.selectable_fields.iter().enumerate() {
                hashes.push(pair(name, values.get(i).map_or("", String::as_str)));
            }
        })?;
    }
    Ok(FieldMarks {
        names: resource.selectable_fields.clone(),
        marks: Marks::of(hashes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_and_most_strangers_are_not() {
        for members in [0, 1, 5, 300] {
            let marks = Marks::of((0..members).map(|i| pair("app", &i.to_string())).collect());
            assert!((0..members).all(|i| marks.may_have(pair("app", &i.to_string()))));
            let strangers = (1000..2000).filter(|i| marks.may_have(pair("app", &i.to_string())));
            assert!(strangers.count() < 50, "of {members}");
        }
    }
}
