use super::*;

fn version(main: i64, tombstone: bool) -> Version {
    Version {
        rev: Rev { main, sub: 0 },
        tombstone,
        ..Version::default()
    }
}

fn index(versions: &[(&'static str, i64, bool)]) -> Index {
    let mut index = Index::default();
    for &(key, main, tombstone) in versions {
        index.push(&Bytes::from(key), version(main, tombstone));
    }
    index
}

fn live(index: &Index, at: i64) -> Vec<(String, i64)> {
    index
        .live(&Span::all(), at)
        .map(|(k, v)| (String::from_utf8_lossy(k).into_owned(), v.rev.main))
        .collect()
}

#[test]
fn spans_contain_what_ranges_find() {
    let index = index(&[("a", 2, false), ("ab", 3, false), ("b", 4, false)]);
    for (key, end, found) in [
        ("a", "", 1),
        ("a", "b", 2),
        ("a", "\0", 3),
        ("b", "a", 0),
        ("a", "a", 0),
        ("x", "", 0),
    ] {
        let span = Span::new(key.into(), end.into());
        assert_eq!(index.live(&span, 9).count(), found, "{key} {end}");
        let contained = ["a", "ab", "b"]
            .iter()
            .filter(|k| span.contains(k.as_bytes()));
        assert_eq!(contained.count(), found, "{key} {end}");
    }
}

#[test]
fn states_of_every_revision() {
    let index = index(&[
        ("a", 2, false),
        ("b", 3, false),
        ("a", 4, true),
        ("a", 5, false),
    ]);
    let names = |at| {
        live(&index, at)
            .into_iter()
            .map(|(k, _)| k)
            .collect::<String>()
    };
    assert_eq!([1, 2, 3, 4, 5].map(names), ["", "a", "ab", "b", "ab"]);
    assert_eq!(index.before(b"a", 4), Some(&version(2, false)));
    assert_eq!(index.before(b"a", 5), None);
}

#[test]
fn compaction_in_steps_keeps_later_states() {
    let versions = [
        ("a", 2, false),
        ("b", 3, false),
        ("a", 4, false),
        ("b", 5, true),
        ("c", 6, false),
        ("c", 7, true),
        ("a", 8, false),
    ];
    for revision in 1..=8 {
        let (whole, mut compacted) = (index(&versions), index(&versions));
        let (mut from, mut gone) = (None, Vec::new());
        loop {
            let (some, next) = compacted.compact(from.as_ref(), revision, 1);
            gone.extend(some);
            match next {
                Some(key) => from = Some(key),
                None => break,
            }
        }
        for at in revision..=9 {
            assert_eq!(live(&compacted, at), live(&whole, at), "{revision} {at}");
        }
        // Nothing that a watch from there would report is gone.
        assert!(
            gone.iter().all(|r| r.main < revision),
            "{revision}: {gone:?}"
        );
        // Nothing is left of keys that were deleted before.
        assert_eq!(compacted.keys.contains_key(&b"b"[..]), revision <= 5);
    }
}
