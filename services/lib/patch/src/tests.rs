use catena_objects::{Value, json, obj};
use catena_schema::node::{Field, Node, NodeRef};
use catena_schema::{PatchStrategy, Type};
use proptest::prelude::*;

use crate::*;

fn value(text: &str) -> Value {
    json::parse(text.as_bytes()).expect(text)
}

fn field(name: &str, node: Node, merge: bool, retain_keys: bool, key: Option<&str>) -> Field {
    Field {
        name: name.into(),
        node: NodeRef::new(node),
        always_printed: false,
        patch: PatchStrategy { merge, retain_keys },
        patch_merge_key: key.map(Into::into),
    }
}

fn list(items: Node) -> Node {
    Node {
        items: Some(NodeRef::new(items)),
        ..Node::of(Type::Array)
    }
}

fn container() -> Node {
    Node {
        go_type: "v1.Container".into(),
        fields: vec![
            field("name", Node::of(Type::String), false, false, None),
            field("image", Node::of(Type::String), false, false, None),
            field("args", list(Node::of(Type::String)), false, false, None),
        ],
        ..Node::of(Type::Object)
    }
}

fn pod_spec() -> Node {
    let labels = Node {
        additional: Some(NodeRef::new(Node::of(Type::String))),
        ..Node::of(Type::Object)
    };
    Node {
        go_type: "v1.PodSpec".into(),
        fields: vec![
            field("containers", list(container()), true, false, Some("name")),
            field(
                "finalizers",
                list(Node::of(Type::String)),
                true,
                false,
                None,
            ),
            field("tolerations", list(container()), false, false, None),
            field("labels", labels, false, false, None),
            field(
                "strategy",
                Node {
                    fields: vec![
                        field("type", Node::of(Type::String), false, false, None),
                        field("x", Node::of(Type::Any), false, false, None),
                    ],
                    ..Node::of(Type::Object)
                },
                false,
                true,
                None,
            ),
        ],
        ..Node::of(Type::Object)
    }
}

fn smp(doc: &str, patch: &str) -> String {
    match strategic_merge(&value(doc), &value(patch), &pod_spec()) {
        Ok(v) => json::to_string(&v),
        Err(s) => format!("{}: {}", s.code, s.message),
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn json_patch_operations() {
    for (doc, patch, want) in [
        (
            r#"{"a":1}"#,
            r#"[{"op":"add","path":"/b","value":2}]"#,
            r#"{"a":1,"b":2}"#,
        ),
        (
            r#"{"a":[1,3]}"#,
            r#"[{"op":"add","path":"/a/1","value":2}]"#,
            r#"{"a":[1,2,3]}"#,
        ),
        (
            r#"{"a":[1]}"#,
            r#"[{"op":"add","path":"/a/-","value":2}]"#,
            r#"{"a":[1,2]}"#,
        ),
        (
            r#"{"a":[1]}"#,
            r#"[{"op":"add","path":"/a/-1","value":2}]"#,
            r#"{"a":[1,2]}"#,
        ),
        (
            r#"{"a":[1,2]}"#,
            r#"[{"op":"remove","path":"/a/-1"}]"#,
            r#"{"a":[1]}"#,
        ),
        (
            r#"{"a":1}"#,
            r#"[{"op":"replace","path":"/z","value":2}]"#,
            r#"{"a":1,"z":2}"#,
        ),
        (
            r#"{"a":{"x/y":1}}"#,
            r#"[{"op":"remove","path":"/a/x~1y"}]"#,
            r#"{"a":{}}"#,
        ),
        (
            r#"{"a":1}"#,
            r#"[{"op":"move","from":"/a","path":"/b"}]"#,
            r#"{"b":1}"#,
        ),
        (
            r#"{"a":{"k":1}}"#,
            r#"[{"op":"copy","from":"/a","path":"/b"}]"#,
            r#"{"a":{"k":1},"b":{"k":1}}"#,
        ),
        (
            r#"{"a":1}"#,
            r#"[{"op":"test","path":"/nope"}]"#,
            r#"{"a":1}"#,
        ),
        (
            r#"{"a":1}"#,
            r#"[{"op":"replace","path":"","value":{}}]"#,
            "{}",
        ),
    ] {
        let got = json_patch(&value(doc), &value(patch)).expect(patch);
        assert_eq!(json::to_string(&got), want, "{patch}");
    }
    for patch in [
        r#"[{"op":"remove","path":"/nope"}]"#,
        r#"[{"op":"add","path":"/x/y","value":1}]"#,
        r#"[{"op":"test","path":"/a","value":2}]"#,
        r#"[{"op":"bogus","path":"/a"}]"#,
        r#"[{"op":"add","path":"","value":1}]"#,
        r#"[{"op":"add"}]"#,
        r#"[{"op":"add","path":"/l/9","value":1}]"#,
    ] {
        let e = json_patch(&value(r#"{"a":1,"l":[]}"#), &value(patch)).expect_err(patch);
        assert_eq!(
            (e.code, e.message.as_str()),
            (
                422,
                "the server rejected our request due to an error in our request"
            )
        );
    }
}

#[test]
fn copies_are_bounded() {
    let doc = obj!({"a": ("x".repeat(1024 * 1024))});
    let op = |i: usize| value(&format!(r#"{{"op":"copy","from":"/a","path":"/c{i}"}}"#));
    assert!(json_patch(&doc, &vec![op(0), op(1)].into()).is_ok());
    assert!(json_patch(&doc, &vec![op(0), op(1), op(2)].into()).is_err());
}

#[test]
fn merge_patches() {
    for (doc, patch, want) in [
        (
            r#"{"a":{"b":1,"c":2}}"#,
            r#"{"a":{"b":null,"d":3}}"#,
            r#"{"a":{"c":2,"d":3}}"#,
        ),
        (r#"{"a":[1,2]}"#, r#"{"a":[3]}"#, r#"{"a":[3]}"#),
        (
            r#"{}"#,
            r#"{"a":{"b":null,"c":[{"x":null}]}}"#,
            r#"{"a":{"c":[{}]}}"#,
        ),
        (r#"{"a":1}"#, r#"{"a":{"b":null}}"#, r#"{"a":{}}"#),
    ] {
        assert_eq!(
            json::to_string(&merge_patch(&value(doc), &value(patch))),
            want
        );
    }
}

#[test]
fn bodies_are_checked() {
    let e = |body: &str, format| {
        decode(body.as_bytes(), format, true)
            .expect_err(body)
            .message
    };
    assert_eq!(
        e(r#"{"op":"add"}"#, Format::Json),
        "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
    );
    assert_eq!(
        e("[]", Format::Merge),
        "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"
    );
    assert_eq!(e("null", Format::Merge), "Invalid JSON Patch");
    assert_eq!(
        e("nonsense", Format::Json),
        "error decoding patch: invalid character 'o' in literal null (expecting 'u')"
    );
    let d = decode(br#"[{"op":"test","path":"/a","x":1}]"#, Format::Json, true).expect("good");
    assert_eq!(d.strict_errors, ["json patch unknown field \"[0].x\""]);
    let many = format!("[{}]", vec!["{}"; MAX_OPERATIONS + 1].join(","));
    assert_eq!(
        decode(many.as_bytes(), Format::Json, true)
            .expect_err("many")
            .code,
        413
    );
}

#[test]
fn lists_merge_by_key() {
    let doc = r#"{"containers":[{"name":"a","image":"1"},{"name":"b","image":"2"}]}"#;
    for (patch, want) in [
        (
            r#"{"containers":[{"name":"b","image":"3"}]}"#,
            r#"{"containers":[{"name":"a","image":"1"},{"name":"b","image":"3"}]}"#,
        ),
        (
            r#"{"containers":[{"name":"c"}]}"#,
            r#"{"containers":[{"name":"c"},{"name":"a","image":"1"},{"name":"b","image":"2"}]}"#,
        ),
        (
            r#"{"containers":[{"name":"a","$patch":"delete"}]}"#,
            r#"{"containers":[{"name":"b","image":"2"}]}"#,
        ),
        (
            r#"{"containers":[{"$patch":"replace"},{"name":"z"}]}"#,
            r#"{"containers":[{"name":"z"}]}"#,
        ),
        (
            r#"{"containers":[{"image":"noname"}]}"#,
            "500: map: map[image:noname] does not contain declared merge key: name",
        ),
        (r#"{"containers":null}"#, "{}"),
        (
            r#"{"$patch":"replace","labels":{"a":"b"}}"#,
            r#"{"labels":{"a":"b"}}"#,
        ),
        (
            r#"{"$patch":"bogus"}"#,
            "500: unknown patch type: bogus in map: map[$patch:bogus]",
        ),
        (
            r#"{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]}"#,
            r#"{"containers":[{"name":"b","image":"2"},{"name":"a","image":"1"}]}"#,
        ),
        (
            r#"{"$setElementOrder/containers":[{"name":"b"},{"name":"c"}],"containers":[{"name":"c","image":"9"}]}"#,
            r#"{"containers":[{"name":"a","image":"1"},{"name":"b","image":"2"},{"name":"c","image":"9"}]}"#,
        ),
        (
            r#"{"containers":[5]}"#,
            "500: list element types are not identical: [[map[image:1 name:a] map[image:2 name:b]] [5]]",
        ),
    ] {
        assert_eq!(smp(doc, patch), want, "{patch}");
    }
}

#[test]
fn scalars_maps_and_directives() {
    for (doc, patch, want) in [
        (
            r#"{"finalizers":["a","b"]}"#,
            r#"{"finalizers":["c","a"]}"#,
            r#"{"finalizers":["c","a","b"]}"#,
        ),
        (
            r#"{"finalizers":["a","b"]}"#,
            r#"{"$deleteFromPrimitiveList/finalizers":["a"]}"#,
            r#"{"finalizers":["b"]}"#,
        ),
        (
            r#"{"tolerations":[{"name":"a"}]}"#,
            r#"{"tolerations":[{"name":"b"}]}"#,
            r#"{"tolerations":[{"name":"b"}]}"#,
        ),
        (
            r#"{"labels":{"a":"1","b":"2"}}"#,
            r#"{"labels":{"a":null,"c":"3"}}"#,
            r#"{"labels":{"b":"2","c":"3"}}"#,
        ),
        (
            r#"{"labels":{"a":"1"}}"#,
            r#"{"labels":{"$patch":"replace","c":"3"}}"#,
            r#"{"labels":{"c":"3"}}"#,
        ),
        (
            r#"{"strategy":{"type":"a"},"labels":{}}"#,
            r#"{"$retainKeys":["strategy"],"strategy":{"type":"b"}}"#,
            r#"{"strategy":{"type":"b"}}"#,
        ),
        (
            r#"{"strategy":{"type":"a","x":1}}"#,
            r#"{"strategy":{"type":"b"}}"#,
            r#"{"strategy":{"type":"b","x":1}}"#,
        ),
        (
            r#"{"strategy":{"type":"a","x":1}}"#,
            r#"{"strategy":{"$retainKeys":["type"],"type":"b"}}"#,
            r#"{"strategy":{"type":"b"}}"#,
        ),
        (
            r#"{}"#,
            r#"{"$retainKeys":["x"],"strategy":{"type":"b"}}"#,
            "400: invalid patch format of retainKeys",
        ),
        (
            r#"{}"#,
            r#"{"containers":[{"name":"a","image":null,"$patch":"delete"},{"name":"b","image":null}]}"#,
            r#"{"containers":[{"name":"b"}]}"#,
        ),
        (
            r#"{"nope":{}}"#,
            r#"{"nope":{"a":1}}"#,
            "500: unable to find api field in struct PodSpec for the json field \"nope\"",
        ),
    ] {
        assert_eq!(smp(doc, patch), want, "{patch}");
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-c]|name|containers|finalizers|\\$patch", inner), 0..4)
                .prop_map(|kv| {
                    kv.into_iter()
                        .map(|(k, v)| (k.into(), v))
                        .collect::<catena_objects::Map>()
                        .into()
                }),
        ]
    })
}

fn no_nulls(v: &Value) -> bool {
    match v {
        Value::Null => false,
        Value::Array(a) => a.iter().all(no_nulls),
        Value::Object(m) => m.values().all(no_nulls),
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_panics(doc in any_value(), patch in any_value()) {
        let _ = strategic_merge(&doc, &patch, &pod_spec());
        let _ = json_patch(&doc, &patch);
        let _ = merge_patch(&doc, &patch);
    }

    #[test]
    fn a_made_merge_patch_leads_to_the_new_object(old in any_value(), new in any_value()) {
        prop_assume!(old.as_object().is_some() && new.as_object().is_some() && no_nulls(&old) && no_nulls(&new));
        prop_assert_eq!(merge_patch(&old, &create_merge_patch(&old, &new)), new);
    }
}
