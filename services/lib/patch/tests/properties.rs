//! What must hold of every patch, whatever the documents.

use catena_objects::{Map, Value, json};
use catena_patch::{create_merge_patch, json_patch, merge_patch};
use proptest::prelude::*;

fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i16>().prop_map(|n| Value::from(i64::from(n))),
        "[a-c~/ ]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            members(inner),
        ]
    })
}

fn members(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-c]|~|/|a/b|~1", inner, 0..4).prop_map(|kv| {
        let map: Map = kv.into_iter().map(|(k, v)| (k.into(), v)).collect();
        map.into()
    })
}

/// RFC 6901.
fn pointer(path: &[String]) -> String {
    path.iter()
        .map(|p| format!("/{}", p.replace('~', "~0").replace('/', "~1")))
        .collect()
}

/// Every place of a document, parents first.
fn places(doc: &Value, at: &mut Vec<String>, out: &mut Vec<(Vec<String>, Value)>) {
    if !at.is_empty() {
        out.push((at.clone(), doc.clone()));
    }
    let children: Vec<(String, &Value)> = match doc {
        Value::Object(m) => m.iter().map(|(k, v)| (k.to_string(), v)).collect(),
        Value::Array(a) => a
            .iter()
            .enumerate()
            .map(|(i, v)| (i.to_string(), v))
            .collect(),
        _ => Vec::new(),
    };
    for (name, child) in children {
        at.push(name);
        places(child, at, out);
        at.pop();
    }
}

fn all_places(doc: &Value) -> Vec<(Vec<String>, Value)> {
    let mut out = Vec::new();
    places(doc, &mut Vec::new(), &mut out);
    out
}

fn operation(op: &str, path: &[String], value: Option<&Value>) -> String {
    let path = json::to_string(&Value::from(pointer(path).as_str()));
    let value = value.map_or(String::new(), |v| {
        format!(",\"value\":{}", json::to_string(v))
    });
    format!("{{\"op\":\"{op}\",\"path\":{path}{value}}}")
}

fn patched(doc: &Value, operations: &[String]) -> Result<Value, String> {
    let patch = format!("[{}]", operations.join(","));
    let patch = json::parse(patch.as_bytes()).expect("a patch");
    json_patch(doc, &patch).map_err(|s| s.message)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// RFC 7386: a patch says what it says, however often.
    #[test]
    fn merging_twice_is_merging_once(doc in documents(), patch in members(documents())) {
        let once = merge_patch(&doc, &patch);
        prop_assert_eq!(merge_patch(&once, &patch), once);
    }

    #[test]
    fn nothing_to_say_is_an_empty_patch(doc in members(documents())) {
        let patch = create_merge_patch(&doc, &doc);
        prop_assert_eq!(json::to_string(&patch), "{}");
    }

    /// What a patch does not name stays.
    #[test]
    fn a_merge_patch_leaves_the_rest_alone(doc in members(documents()), patch in members(documents())) {
        let new = merge_patch(&doc, &patch);
        let named = patch.as_object().expect("an object");
        for (key, value) in doc.as_object().expect("an object").iter() {
            if !named.contains_key(key.as_str()) {
                prop_assert_eq!(new.get(key), Some(value));
            }
        }
    }

    #[test]
    fn every_place_passes_its_own_test(doc in members(documents())) {
        let tests: Vec<_> = all_places(&doc)
            .iter()
            .map(|(path, value)| operation("test", path, Some(value)))
            .collect();
        prop_assert_eq!(patched(&doc, &tests), Ok(doc));
    }

    /// Taking something out and putting it back changes nothing.
    #[test]
    fn what_is_removed_can_be_added_again(doc in members(documents()), which: prop::sample::Index) {
        let all = all_places(&doc);
        prop_assume!(!all.is_empty());
        let (path, value) = &all[which.index(all.len())];
        let there_and_back = [
            operation("remove", path, None),
            operation("add", path, Some(value)),
        ];
        prop_assert_eq!(patched(&doc, &there_and_back), Ok(doc));
    }

    #[test]
    fn what_is_copied_is_there_twice(doc in members(documents()), which: prop::sample::Index) {
        let all = all_places(&doc);
        prop_assume!(!all.is_empty());
        let (path, value) = &all[which.index(all.len())];
        let from = json::to_string(&Value::from(pointer(path).as_str()));
        let copy = format!("{{\"op\":\"copy\",\"from\":{from},\"path\":\"/new\"}}");
        let new = patched(&doc, &[copy]).expect("a place for it");
        prop_assert_eq!(new.get("new"), Some(value));
        let back = patched(&new, &[operation("remove", &["new".to_owned()], None)]);
        prop_assert_eq!(back, Ok(doc));
    }

    /// A patch that fails at its end has done nothing.
    #[test]
    fn a_patch_is_done_wholly_or_not_at_all(doc in members(documents()), value in documents()) {
        let add = operation("add", &["new".to_owned()], Some(&value));
        let fail = operation("remove", &["absent".to_owned()], None);
        let before = json::to_string(&doc);
        prop_assert!(patched(&doc, &[add, fail]).is_err());
        prop_assert_eq!(json::to_string(&doc), before);
    }
}
