use super::*;
use crate::obj;

#[test]
fn prints_what_it_parsed_sorted_by_key() {
    for (text, canonical) in [
        ("", ""),
        ("b=1, a in (y,x) ,!c", "a in (x,y),b=1,!c"),
        ("a==1", "a==1"),
        ("a!=", "a!="),
        ("a", "a"),
        ("in=notin", "in=notin"),
        ("a notin ()", "a notin ()"),
        ("a in (,x)", "a in (,x)"),
        ("a>5,b<6", "a>5,b<6"),
    ] {
        assert_eq!(Selector::parse(text).expect(text).to_string(), canonical);
    }
}

#[test]
fn errors_are_those_of_go() {
    for (text, why) in [
        (
            "=",
            "found '=', expected: !, identifier, or 'end of string'",
        ),
        ("a=b,", "found '', expected: identifier after ','"),
        (
            "a b",
            "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
        ),
        (
            "a in b",
            "unable to parse requirement: found 'b' expected: '('",
        ),
        (
            "a in (b",
            "unable to parse requirement: found '', expected: ',' or ')'",
        ),
        (
            "a>x",
            "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
        ),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        (
            "a=!",
            "unable to parse requirement: found '!', expected: identifier",
        ),
    ] {
        assert_eq!(Selector::parse(text).expect_err(text), why, "{text}");
    }
    let e = Selector::parse("-x=1").expect_err("bad key");
    assert!(
        e.starts_with("unable to parse requirement: <nil>: Invalid value: \"-x\": name part must"),
        "{e}"
    );
    let e = Selector::parse("a=-").expect_err("bad value");
    assert!(
        e.starts_with(
            "unable to parse requirement: values[0][a]: Invalid value: \"-\": a valid label"
        ),
        "{e}"
    );
}

#[test]
fn matching() {
    let labels = obj!({"a": "1", "b": ""});
    for (text, hit) in [
        ("", true),
        ("a", true),
        ("!a", false),
        ("c", false),
        ("!c", true),
        ("a=1", true),
        ("b=", true),
        ("c!=1", true),
        ("a!=1", false),
        ("a in (1,2)", true),
        ("c notin (1)", true),
        ("a>0", true),
        ("a<1", false),
        ("b>0", false),
    ] {
        let s = Selector::parse(text).expect(text);
        assert_eq!(s.matches_labels(Some(&labels)), hit, "{text}");
    }
    assert!(!Selector::nothing().matches_labels(Some(&labels)));
}

#[test]
fn label_selector_objects() {
    let s = obj!({"matchLabels": {"b": "1"}, "matchExpressions": [
        {"key": "a", "operator": "NotIn", "values": ["x"]}]});
    assert_eq!(
        Selector::from_label_selector(Some(&s))
            .expect("good")
            .to_string(),
        "a notin (x),b=1"
    );
    assert!(
        Selector::from_label_selector(None)
            .expect("absent")
            .is_nothing()
    );
    let bad = obj!({"matchExpressions": [{"key": "a", "operator": "Is", "values": ["x"]}]});
    let e = validate_label_selector(Some(&bad), Tolerance::default(), &Path::new("selector"));
    assert_eq!(
        e.aggregate(),
        "selector.matchExpressions[0].operator: Invalid value: \"Is\": not a valid selector operator"
    );
}
