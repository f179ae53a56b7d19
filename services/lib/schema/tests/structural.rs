//! Schemas of custom resources, without recordings.

use catena_objects::{Value, field::Path, json};
use catena_schema::{Node, structural};

fn value(text: &str) -> Value {
    json::parse(text.as_bytes()).expect("JSON")
}

fn node(text: &str) -> Node {
    structural::parse(&value(text)).expect("schema")
}

fn errors(schema: &str, text: &str) -> Vec<String> {
    structural::validate(&node(schema), &value(text), None)
        .0
        .iter()
        .map(ToString::to_string)
        .collect()
}

const SCHEMA: &str = r#"{"type":"object","properties":{"spec":{"type":"object","required":["a"],"properties":{
    "a":{"type":"integer","minimum":1,"default":3},
    "b":{"type":"string","pattern":"^[a-z]+$","maxLength":5},
    "ios":{"x-kubernetes-int-or-string":true,"anyOf":[{"type":"integer"},{"type":"string"}]},
    "when":{"type":"string","format":"date-time"},
    "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"k":{"type":"object"}}},
    "map":{"type":"object","additionalProperties":{"type":"string"}},
    "nested":{"type":"object","default":{},"properties":{"x":{"type":"boolean","default":true}}},
    "tags":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
    "one":{"type":"object","properties":{"p":{"type":"string"},"q":{"type":"string"}},"oneOf":[{"required":["p"]},{"required":["q"]}]}
}}}}"#;

#[test]
fn objects_are_defaulted_pruned_and_sorted() {
    let d = structural::decode(
        &node(SCHEMA),
        value(r#"{"kind":"A","spec":{"b":null,"foo":1,"free":{"k":{"z":1},"any":{"y":[1]}}},"apiVersion":"g/v1","metadata":{"name":"x","labels":null,"nope":1}}"#),
    )
    .expect("decodes");
    assert_eq!(
        json::to_string(&d.value),
        r#"{"apiVersion":"g/v1","kind":"A","metadata":{"name":"x"},"spec":{"a":3,"free":{"any":{"y":[1]},"k":{}},"nested":{"x":true}}}"#
    );
    assert_eq!(d.unknown, ["metadata.nope", "spec.foo", "spec.free.k.z"]);
}

#[test]
fn values_are_judged_in_words_of_kube_openapi() {
    for (text, expected) in [
        (r#"{"spec":{}}"#, vec!["spec.a: Required value"]),
        (
            r#"{"spec":{"a":0}}"#,
            vec!["spec.a: Invalid value: 0: spec.a in body should be greater than or equal to 1"],
        ),
        (
            r#"{"spec":{"a":"x"}}"#,
            vec![
                r#"spec.a: Invalid value: "string": spec.a in body must be of type integer: "string""#,
            ],
        ),
        (
            r#"{"spec":{"a":1,"b":"ABC"}}"#,
            vec![r#"spec.b: Invalid value: "ABC": spec.b in body should match '^[a-z]+$'"#],
        ),
        (
            r#"{"spec":{"a":1,"b":"abcdef"}}"#,
            vec!["spec.b: Too long: may not be more than 5 bytes"],
        ),
        (
            r#"{"spec":{"a":1,"when":"now"}}"#,
            vec![
                r#"spec.when: Invalid value: "now": spec.when in body must be of type date-time: "now""#,
            ],
        ),
        (
            r#"{"spec":{"a":1,"when":"2026-01-02T03:04:05.1Z","ios":"x","map":{"k":"v"}}}"#,
            vec![],
        ),
        (
            r#"{"spec":{"a":1,"map":{"k":1}}}"#,
            vec![
                r#"spec.map.k: Invalid value: "integer": spec.map.k in body must be of type string: "integer""#,
            ],
        ),
        (
            r#"{"spec":{"a":1,"one":{}}}"#,
            vec![
                r#"<nil>: Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found none valid"#,
                "spec.one.p: Required value",
            ],
        ),
    ] {
        assert_eq!(errors(SCHEMA, text), expected, "{text}");
    }
}

#[test]
fn unchanged_faults_are_let_through_on_update() {
    let node = node(SCHEMA);
    let old = value(r#"{"spec":{"a":0,"b":"ok"}}"#);
    let new = value(r#"{"spec":{"a":0,"b":"fine"}}"#);
    assert!(structural::validate_update(&node, &new, &old).is_empty());
    let worse = value(r#"{"spec":{"a":-1,"b":"fine"}}"#);
    assert_eq!(structural::validate_update(&node, &worse, &old).0.len(), 1);
}

#[test]
fn repeated_items_of_sets_are_found() {
    let e = structural::validate_lists(
        &node(SCHEMA),
        &value(r#"{"spec":{"tags":["a","b","a","a"]}}"#),
    );
    assert_eq!(e.aggregate(), r#"spec.tags[2]: Duplicate value: "a""#);
}

#[test]
fn schemas_that_are_not_structural_are_refused() {
    let check = |text: &str| {
        structural::check(&value(text), &Path::new("s"))
            .all()
            .aggregate()
    };
    assert_eq!(
        structural::check(&value(SCHEMA), &Path::new("s"))
            .all()
            .aggregate(),
        "[]"
    );
    for (text, expected) in [
        (
            r#"{"properties":{}}"#,
            "s.type: Required value: must not be empty at the root",
        ),
        (
            r#"{"type":"object","properties":{"a":{"type":"array"}}}"#,
            "s.properties[a].items: Required value: must be specified",
        ),
        (
            r#"{"type":"object","anyOf":[{"properties":{"b":{"minimum":1}}}]}"#,
            "s.properties[b]: Required value: because it is defined in s.anyOf[0].properties[b]",
        ),
        (
            r#"{"type":"object","properties":{"a":{"type":"integer","default":"x"}}}"#,
            r#"s.properties[a].default: Invalid value: "string": s.properties[a].default in body must be of type integer: "string""#,
        ),
    ] {
        // The message names the default by its path below itself: not at all.
        let expected = expected.replace("s.properties[a].default in body", " in body");
        assert_eq!(check(text), expected, "{text}");
    }
}

#[test]
fn typed_schemas_have_metadata() {
    let typed = structural::typed(&node(SCHEMA));
    let meta = typed.member("metadata").expect("metadata");
    assert!(meta.field("ownerReferences").is_some());
    assert!(typed.member("spec").is_some());
}
