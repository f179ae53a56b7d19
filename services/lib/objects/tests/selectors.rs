//! What must hold of every selector, whatever its text.

use std::collections::BTreeMap;

use catena_objects::{fields, labels};
use proptest::prelude::*;

/// Labels of an object: few names, so that selectors meet them.
fn objects() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop::collection::btree_map("[a-c]", "[x-z]|[0-9]{1,2}", 0..4)
}

/// A term, and what it means.
fn terms() -> impl Strategy<Value = (String, labels::Operator, Vec<String>)> {
    let key = "[a-c]";
    let values = prop::collection::btree_set("[x-z]|[0-9]{1,2}", 1..4);
    (key, values, 0..9_usize, -20..120_i64).prop_map(|(key, values, which, n)| {
        use labels::Operator::*;
        let values: Vec<String> = values.into_iter().collect();
        let (first, n) = (vec![values[0].clone()], vec![n.abs().to_string()]);
        let (operator, values) = match which {
            0 => (Exists, Vec::new()),
            1 => (DoesNotExist, Vec::new()),
            2 => (Equals, first),
            3 => (DoubleEquals, first),
            4 => (NotEquals, first),
            5 => (In, values),
            6 => (NotIn, values),
            7 => (GreaterThan, n),
            _ => (LessThan, n),
        };
        (key, operator, values)
    })
}

/// The meaning of a term in the words of the API reference.
fn holds(
    labels: &BTreeMap<String, String>,
    (key, operator, values): &(String, labels::Operator, Vec<String>),
) -> bool {
    use labels::Operator::*;
    let value = labels.get(key);
    let number = |s: &String| s.parse::<i64>().ok();
    match operator {
        Exists => value.is_some(),
        DoesNotExist => value.is_none(),
        Equals | DoubleEquals | In => value.is_some_and(|v| values.contains(v)),
        NotEquals | NotIn => value.is_none_or(|v| !values.contains(v)),
        GreaterThan => {
            value.and_then(number) > number(&values[0]) && value.and_then(number).is_some()
        }
        LessThan => value
            .and_then(number)
            .is_some_and(|v| Some(v) < number(&values[0])),
    }
}

fn text(term: &(String, labels::Operator, Vec<String>)) -> String {
    let (key, operator, values) = term;
    labels::Requirement::new(key, *operator, values.clone())
        .expect("a requirement")
        .to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_selector_of_labels_holds_where_all_its_terms_hold(
        object in objects(),
        all in prop::collection::vec(terms(), 0..4),
        space in "[ \t]{0,2}",
    ) {
        let words: Vec<_> = all.iter().map(text).collect();
        let written = words.join(&format!("{space},{space}"));
        let selector = labels::Selector::parse(&written).expect("a selector");
        let matches = selector.matches(|k| object.get(k).map(String::as_str));
        prop_assert_eq!(matches, all.iter().all(|t| holds(&object, t)), "{}", written);
    }

    #[test]
    fn a_selector_of_labels_prints_as_it_reads(all in prop::collection::vec(terms(), 0..5)) {
        let words: Vec<_> = all.iter().map(text).collect();
        let selector = labels::Selector::parse(&words.join(",")).expect("a selector");
        let again = labels::Selector::parse(&selector.to_string()).expect("its own text");
        prop_assert_eq!(again, selector);
    }

    #[test]
    fn any_text_is_a_selector_of_labels_or_an_error(
        text in r"([a-c!=<>(), \t\n\x0b\x0c\x00]|in|notin|\PC){0,24}"
    ) {
        if let Ok(selector) = labels::Selector::parse(&text) {
            let printed = selector.to_string();
            let again = labels::Selector::parse(&printed);
            prop_assert!(again.is_ok_and(|s| s == selector), "{:?} prints as {:?}", text, printed);
        }
    }

    #[test]
    fn a_selector_of_fields_survives_printing(
        all in prop::collection::vec(("[a-c]{1,3}(\\.[a-c])?", any::<bool>(), r"[a-z\\,=! ]{0,6}"), 0..4)
    ) {
        let mut wanted: Vec<_> = all
            .into_iter()
            .map(|(field, negated, value)| fields::Requirement { field, value, negated })
            .collect();
        let printed = fields::Selector::new(wanted.clone()).to_string();
        let read = fields::Selector::parse(&printed).expect("its own text");
        let order = |r: &fields::Requirement| (r.field.clone(), r.negated, r.value.clone());
        let mut read = read.requirements().to_vec();
        wanted.sort_by_key(order);
        read.sort_by_key(order);
        prop_assert_eq!(read, wanted);
    }

    #[test]
    fn any_text_is_a_selector_of_fields_or_an_error(text in r"([a-c=!,\\]|\PC){0,16}") {
        if let Ok(selector) = fields::Selector::parse(&text) {
            let again = fields::Selector::parse(&selector.to_string()).expect("its own text");
            let lookup = |f: &str| (f == "a").then_some("b");
            prop_assert_eq!(again.matches(lookup), selector.matches(lookup));
        }
    }
}
