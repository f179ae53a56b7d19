use std::{collections::BTreeMap, sync::Arc};

use catena_storage::KeyValue;
use proptest::prelude::*;

use super::Tree;
use crate::entry::Entry;

fn entry(key: u16, revision: i64) -> Arc<Entry<()>> {
    Arc::new(Entry::new(&KeyValue {
        key: key.to_be_bytes().to_vec().into(),
        mod_revision: revision,
        ..KeyValue::default()
    }))
}

fn content(tree: &Tree<()>) -> Vec<(Vec<u8>, i64)> {
    tree.from(b"")
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
            if i % 500 == 0 {
                kept.push((tree.clone(), expected(&map)));
            }
        }
        prop_assert_eq!(content(&tree), expected(&map));
        for probe in [0u16, 7, 512, 1999, 2500] {
            let key = probe.to_be_bytes();
            prop_assert_eq!(tree.get(&key).map(|e| e.mod_revision), map.get(&probe).copied());
            prop_assert_eq!(tree.rank(&key), map.range(..probe).count());
            let first = tree.from(&key).next().map(|e| e.key().to_vec());
            let in_map = map.range(probe..).next().map(|(k, _)| k.to_be_bytes().to_vec());
            prop_assert_eq!(first, in_map);
        }
        for (old, was) in kept {
            prop_assert_eq!(content(&old), was, "a copy does not change");
        }
    }
}
