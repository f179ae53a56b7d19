use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use catena_storage::KeyValue;
use proptest::prelude::*;

use super::Tree;
use crate::entry::{Entry, Extra};

/// Keeps the revisions of a group beside it.
#[derive(Default)]
struct Noted;

impl Extra for Noted {
    type Group = OnceLock<Vec<i64>>;
}

fn entry(key: u16, revision: i64) -> Arc<Entry<Noted>> {
    Arc::new(Entry::new(&KeyValue {
        key: key.to_be_bytes().to_vec().into(),
        mod_revision: revision,
        ..KeyValue::default()
    }))
}

fn from<'a>(tree: &'a Tree<Noted>, start: &[u8]) -> impl Iterator<Item = &'a Arc<Entry<Noted>>> {
    tree.leaves(start).flat_map(|l| l.entries)
}

/// What is kept beside groups is true of the entries in them.
fn true_beside(tree: &Tree<Noted>) -> bool {
    tree.leaves(b"").all(|leaf| {
        let now: Vec<i64> = leaf.all.iter().map(|e| e.mod_revision).collect();
        *leaf.group.get_or_init(|| now.clone()) == now
    })
}

fn content(tree: &Tree<Noted>) -> Vec<(Vec<u8>, i64)> {
    from(tree, b"")
        .map(|e| (e.key().to_vec(), e.mod_revision))
        .collect()
}

fn expected(map: &BTreeMap<u16, i64>) -> Vec<(Vec<u8>, i64)> {
    map.iter()
        .map(|(k, r)| (k.to_be_bytes().to_vec(), *r))
        .collect()
}

proptest! {
    #[test]
    fn like_a_map(
        start in prop::collection::btree_map(0u16..2000, 0i64..1, 0..600),
        steps in prop::collection::vec((0u16..2000, prop::bool::weighted(0.4)), 1..3000),
    ) {
        let mut map: BTreeMap<u16, i64> = start;
        let entries: Vec<_> = map.iter().map(|(k, r)| entry(*k, *r)).collect();
        let mut tree = Tree::from_sorted(&entries);
        let mut kept = Vec::new();
        for (i, (key, put)) in steps.into_iter().enumerate() {
            if put {
                let revision = i as i64 + 1;
                let old = tree.insert(entry(key, revision)).map(|e| e.mod_revision);
                prop_assert_eq!(old, map.insert(key, revision));
            } else {
                let old = tree.remove(&key.to_be_bytes()).map(|e| e.mod_revision);
                prop_assert_eq!(old, map.remove(&key));
            }
            prop_assert_eq!(tree.len(), map.len());
            prop_assert!(i % 7 != 0 || true_beside(&tree));
            if i % 500 == 0 {
                kept.push((tree.clone(), expected(&map)));
            }
        }
        prop_assert_eq!(content(&tree), expected(&map));
        for probe in [0u16, 7, 512, 1999, 2500] {
            let key = probe.to_be_bytes();
            prop_assert_eq!(tree.get(&key).map(|e| e.mod_revision), map.get(&probe).copied());
            prop_assert_eq!(tree.rank(&key), map.range(..probe).count());
            let first = from(&tree, &key).next().map(|e| e.key().to_vec());
            let in_map = map.range(probe..).next().map(|(k, _)| k.to_be_bytes().to_vec());
            prop_assert_eq!(first, in_map);
        }
        for (old, was) in kept {
            prop_assert_eq!(content(&old), was, "a copy does not change");
        }
    }
}
