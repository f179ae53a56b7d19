//! What must hold between managers of one object, whatever they apply.

use std::{collections::BTreeMap, sync::Arc};

use catena_apply::{Request, apply};
use catena_objects::{Map, Value, json};
use catena_schema::{Node, builtin};
use proptest::prelude::*;

fn deployment() -> Arc<Node> {
    builtin("apps", "v1", "Deployment").expect("built-in")
}

fn request<'a>(node: &'a Arc<Node>, manager: &'a str, force: bool) -> Request<'a> {
    Request {
        node,
        group_version: "apps/v1".to_owned(),
        manager,
        time: "2026-01-01T00:00:00Z",
        subresource: "",
        force,
        reset_fields: &[&["status"]],
    }
}

/// A wish of a manager: leaves of a Deployment by path, where `name=a` stands for
/// the item of a list with that key.
type Wish = BTreeMap<Vec<&'static str>, u8>;

const PLACES: [&[&str]; 9] = [
    &["spec", "replicas"],
    &["spec", "minReadySeconds"],
    &["metadata", "labels", "a"],
    &["metadata", "labels", "b"],
    &["spec", "template", "metadata", "annotations", "a"],
    &["spec", "template", "spec", "containers", "name=a", "image"],
    &["spec", "template", "spec", "containers", "name=b", "image"],
    &[
        "spec",
        "template",
        "spec",
        "containers",
        "name=a",
        "env",
        "name=x",
        "value",
    ],
    &[
        "spec",
        "template",
        "spec",
        "containers",
        "name=a",
        "env",
        "name=y",
        "value",
    ],
];

fn wishes() -> impl Strategy<Value = Wish> {
    prop::collection::btree_map(0..PLACES.len(), 0..3_u8, 0..6).prop_map(|w| {
        w.into_iter()
            .map(|(i, v)| (PLACES[i].to_vec(), v))
            .collect()
    })
}

fn leaf(path: &[&str], value: u8) -> Value {
    if matches!(path.last(), Some(&("replicas" | "minReadySeconds"))) {
        return Value::from(i64::from(value));
    }
    format!("v{value}").as_str().into()
}

/// The document of the leaves below `depth` that share their path so far.
fn build(leaves: &[(&[&str], u8)], depth: usize) -> Value {
    if let [(path, value)] = leaves
        && path.len() == depth
    {
        return leaf(path, *value);
    }
    let mut groups: BTreeMap<&str, Vec<(&[&str], u8)>> = BTreeMap::new();
    for (path, value) in leaves {
        groups.entry(path[depth]).or_default().push((path, *value));
    }
    let keyed = groups.keys().any(|k| k.contains('='));
    let children = groups.iter().map(|(k, g)| (*k, build(g, depth + 1)));
    if !keyed {
        let map: Map = children.map(|(k, v)| (k.into(), v)).collect();
        return map.into();
    }
    let items: Vec<Value> = children
        .map(|(k, mut item)| {
            item.set(&["name"], k.trim_start_matches("name="));
            item
        })
        .collect();
    items.into()
}

fn config(wish: &Wish) -> Value {
    let leaves: Vec<_> = wish.iter().map(|(p, v)| (p.as_slice(), *v)).collect();
    let mut out = if leaves.is_empty() {
        Map::default().into()
    } else {
        build(&leaves, 0)
    };
    out.set(&["apiVersion"], "apps/v1");
    out.set(&["kind"], "Deployment");
    out.set(&["metadata", "name"], "d");
    out
}

/// The leaves of the places that an object has.
fn found(object: &Value) -> Wish {
    let value = |path: &[&str]| {
        let mut at = object.clone();
        for step in path {
            at = match step.strip_prefix("name=") {
                Some(name) => {
                    let items = at.as_array()?;
                    items.iter().find(|i| i.str_at(&["name"]) == name)?.clone()
                }
                None => at.get(step)?.clone(),
            };
        }
        let text = json::to_string(&at);
        text.trim_matches('"').trim_start_matches('v').parse().ok()
    };
    PLACES
        .iter()
        .filter_map(|p| Some((p.to_vec(), value(p)?)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_forced_apply_gets_what_it_wishes(first in wishes(), second in wishes()) {
        let node = deployment();
        let live = apply(None, &config(&first), &request(&node, "one", false)).expect("a create");
        prop_assert_eq!(found(&live), first.clone());
        let live = apply(Some(&live), &config(&second), &request(&node, "two", true)).expect("a force");
        let mut both = first;
        both.extend(second);
        prop_assert_eq!(found(&live), both);
    }

    /// Without force it fails exactly where both wish something else.
    #[test]
    fn only_a_difference_is_a_conflict(first in wishes(), second in wishes()) {
        let node = deployment();
        let live = apply(None, &config(&first), &request(&node, "one", false)).expect("a create");
        let out = apply(Some(&live), &config(&second), &request(&node, "two", false));
        let differ = second.iter().filter(|(p, v)| first.get(*p).is_some_and(|f| f != *v)).count();
        match out {
            Ok(_) => prop_assert_eq!(differ, 0),
            Err(status) => {
                prop_assert_eq!(status.code, 409);
                let causes = status.details.map_or(0, |d| d.causes.len());
                prop_assert_eq!(causes, differ, "{}", status.message);
            }
        }
    }

    /// What a manager no longer wishes goes, unless another wishes it too.
    #[test]
    fn a_wish_withdrawn_leaves_what_others_wish(first in wishes(), second in wishes(), third in wishes()) {
        let node = deployment();
        let live = apply(None, &config(&first), &request(&node, "one", false)).expect("a create");
        let live = apply(Some(&live), &config(&second), &request(&node, "two", true)).expect("a force");
        let live = apply(Some(&live), &config(&third), &request(&node, "two", true)).expect("a force");
        // Where the second took a field over, the first does not own it any more.
        let mut want: Wish = first
            .into_iter()
            .filter(|(p, v)| second.get(p).is_none_or(|s| s == v))
            .collect();
        want.extend(third);
        prop_assert_eq!(found(&live), want);
    }

    /// Managers that wish different things do not see one another.
    #[test]
    fn order_does_not_matter_without_conflict(first in wishes(), second in wishes()) {
        prop_assume!(second.iter().all(|(p, v)| first.get(p).is_none_or(|f| f == v)));
        let node = deployment();
        let run = |wishes: [(&Wish, &str); 2]| {
            wishes.into_iter().fold(None, |live: Option<Value>, (wish, manager)| {
                Some(apply(live.as_ref(), &config(wish), &request(&node, manager, false)).expect("no conflict"))
            })
        };
        let one = run([(&first, "one"), (&second, "two")]).expect("an object");
        let two = run([(&second, "two"), (&first, "one")]).expect("an object");
        prop_assert_eq!(found(&one), found(&two));
        // An apply that changes nothing has no time, so the times may differ.
        let owners = |o: &Value| {
            let entries = o.items_at(&["metadata", "managedFields"]).iter();
            let sets = entries.map(|e| {
                let fields = e.get("fieldsV1").map(json::to_string);
                (e.str_at(&["manager"]).to_owned(), fields)
            });
            sets.collect::<BTreeMap<_, _>>()
        };
        prop_assert_eq!(owners(&one), owners(&two));
    }
}
