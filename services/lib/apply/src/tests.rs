use std::sync::Arc;

use catena_objects::{Value, json, obj};
use catena_schema::{Node, Type, builtin};
use proptest::prelude::*;

use crate::*;

fn value(text: &str) -> Value {
    json::parse(text.as_bytes()).expect(text)
}

fn deployment() -> Arc<Node> {
    builtin("apps", "v1", "Deployment").expect("built-in")
}

fn request<'a>(node: &'a Arc<Node>, manager: &'a str) -> Request<'a> {
    Request {
        node,
        group_version: "apps/v1".to_owned(),
        manager,
        time: "2026-01-01T00:00:00Z",
        subresource: "",
        force: false,
        reset_fields: &[&["status"]],
    }
}

fn config(spec: &str) -> Value {
    let mut v = value(&format!(
        r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"s"}},"spec":{spec}}}"#
    ));
    if v.at(&["spec"]).is_some_and(Value::is_null) {
        v.unset(&["spec"]);
    }
    v
}

fn sets(object: &Value) -> Vec<(String, String)> {
    object
        .items_at(&["metadata", "managedFields"])
        .iter()
        .map(|e| {
            let fields = e.get("fieldsV1").cloned().unwrap_or_default();
            (e.str_at(&["manager"]).to_owned(), json::to_string(&fields))
        })
        .collect()
}

#[test]
fn sets_read_and_print_in_order() {
    let text = r#"{"f:a":{},"f:b":{".":{},"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:x":{}},"v:1":{},"v:\"a\"":{},"i:0":{}}}"#;
    let set = Set::from_value(&value(text)).expect("good");
    assert_eq!(json::to_string(&set.to_value()), text);
    let paths: Vec<String> = set
        .paths()
        .iter()
        .map(|p| p.iter().map(ToString::to_string).collect())
        .collect();
    assert_eq!(
        paths,
        [
            ".a",
            ".b",
            ".b[containerPort=80,protocol=\"TCP\"]",
            ".b[=1]",
            ".b[=\"a\"]",
            ".b[0]",
            ".b[containerPort=80,protocol=\"TCP\"].x"
        ]
    );
    assert!(Set::from_value(&value(r#"{"x":{}}"#)).is_err());
}

#[test]
fn set_algebra() {
    let a = Set::of_fields(&[&["a"], &["b", "c"], &["b", "d"]]);
    let b = Set::of_fields(&[&["b"], &["b", "c"]]);
    let text = |s: Set| json::to_string(&s.to_value());
    assert_eq!(
        text(a.union(&b)),
        r#"{"f:a":{},"f:b":{".":{},"f:c":{},"f:d":{}}}"#
    );
    assert_eq!(text(a.intersection(&b)), r#"{"f:b":{"f:c":{}}}"#);
    assert_eq!(text(a.difference(&b)), r#"{"f:a":{},"f:b":{"f:d":{}}}"#);
    assert_eq!(text(a.recursive_difference(&b)), r#"{"f:a":{}}"#);
}

#[test]
fn create_is_booked() {
    let node = deployment();
    let new = config(
        r#"{"replicas":1,"selector":{"matchLabels":{"app":"a"}},"strategy":{},"template":{"metadata":{"labels":{"app":"a"}},"spec":{"containers":[{"name":"a","image":"i","resources":{},"ports":[{"containerPort":80,"protocol":"TCP"}]}]}}}"#,
    );
    let out = track_update(None, new, &request(&node, "kubectl")).expect("tracked");
    assert_eq!(
        sets(&out),
        [("kubectl".to_owned(), r#"{"f:spec":{"f:replicas":{},"f:selector":{},"f:template":{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:image":{},"f:name":{},"f:ports":{".":{},"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:protocol":{}}},"f:resources":{}}}}}}}"#.to_owned())]
    );
}

#[test]
fn conflicts_force_and_removal() {
    let node = deployment();
    let first = apply(None, &config(r#"{"replicas":5}"#), &request(&node, "m1")).expect("create");
    assert_eq!(
        sets(&first),
        [(
            "m1".to_owned(),
            r#"{"f:spec":{"f:replicas":{}}}"#.to_owned()
        )]
    );
    let e = apply(
        Some(&first),
        &config(r#"{"replicas":6}"#),
        &request(&node, "m2"),
    )
    .expect_err("conflict");
    assert_eq!(e.code, 409);
    assert_eq!(
        e.message,
        "Apply failed with 1 conflict: conflict with \"m1\": .spec.replicas"
    );
    let forced = Request {
        force: true,
        ..request(&node, "m2")
    };
    let second = apply(Some(&first), &config(r#"{"replicas":6}"#), &forced).expect("forced");
    assert_eq!(second.i64_at(&["spec", "replicas"]), Some(6));
    assert_eq!(sets(&second).len(), 1);
    let third = apply(Some(&second), &config("null"), &request(&node, "m2")).expect("removal");
    assert_eq!(third.i64_at(&["spec", "replicas"]), None);
    assert_eq!(sets(&third), []);
}

#[test]
fn several_conflicts_are_listed() {
    let node = deployment();
    let mut live = config(r#"{"replicas":5,"paused":true}"#);
    live.set(&["metadata", "uid"], "u");
    let live = track_update(None, live, &request(&node, "up")).expect("tracked");
    let e = apply(
        Some(&live),
        &config(r#"{"replicas":6,"paused":false}"#),
        &request(&node, "m"),
    )
    .expect_err("conflict");
    assert_eq!(
        e.message,
        "Apply failed with 2 conflicts: conflicts with \"up\" using apps/v1:\n- .spec.paused\n- .spec.replicas"
    );
    assert_eq!(e.details.map(|d| d.causes.len()), Some(2));
}

#[test]
fn shared_fields_have_two_owners() {
    let node = deployment();
    let first = apply(None, &config(r#"{"replicas":5}"#), &request(&node, "m1")).expect("create");
    let second = apply(
        Some(&first),
        &config(r#"{"replicas":5}"#),
        &request(&node, "m2"),
    )
    .expect("same");
    assert_eq!(sets(&second).len(), 2);
    let third = apply(Some(&second), &config("null"), &request(&node, "m1")).expect("gives up");
    assert_eq!(third.i64_at(&["spec", "replicas"]), Some(5));
    assert_eq!(sets(&third).len(), 1);
}

#[test]
fn bad_configurations() {
    let node = deployment();
    for (spec, why) in [
        (
            r#"{"bogus":1}"#,
            "failed to create typed patch object (/s; apps/v1, Kind=Deployment): .spec.bogus: field not declared in schema",
        ),
        (
            r#"{"replicas":"x"}"#,
            "failed to create typed patch object (/s; apps/v1, Kind=Deployment): .spec.replicas: expected numeric (int or float), got string",
        ),
        (
            r#"{"template":{"spec":{"containers":[{"name":"b","ports":[{"containerPort":80},{"containerPort":80}]}]}}}"#,
            "failed to create typed patch object (/s; apps/v1, Kind=Deployment): .spec.template.spec.containers[name=\"b\"].ports: duplicate entries for key [containerPort=80,protocol=\"TCP\"]",
        ),
    ] {
        let e = apply(None, &config(spec), &request(&node, "m")).expect_err(spec);
        assert_eq!((e.code, e.message.as_str()), (500, why));
    }
    let e = check_type(&obj!({"kind": "Deployment"}), "apps/v1", "Deployment").expect_err("type");
    assert_eq!(e.message, "invalid object type: /, Kind=Deployment");
}

#[test]
fn untracked_objects_and_resets() {
    let node = deployment();
    let mut live = config(r#"{"replicas":5}"#);
    live.set(&["metadata", "uid"], "u");
    let mut new = live.clone();
    new.set(&["spec", "replicas"], 6i64);
    let out = track_update(Some(&live), new.clone(), &request(&node, "up")).expect("tracked");
    assert_eq!(sets(&out), []);
    // The first apply books what was there before.
    let e = apply(
        Some(&live),
        &config(r#"{"replicas":7}"#),
        &request(&node, "m"),
    )
    .expect_err("conflict");
    assert_eq!(
        e.message,
        "Apply failed with 1 conflict: conflict with \"before-first-apply\" using apps/v1: .spec.replicas"
    );
    let tracked = apply(None, &config(r#"{"replicas":5}"#), &request(&node, "m")).expect("create");
    let mut reset = tracked.clone();
    reset.set(&["metadata", "uid"], "u");
    let live = reset.clone();
    reset.set(&["metadata", "managedFields"], Value::array());
    assert_eq!(
        sets(&track_update(Some(&live), reset, &request(&node, "up")).expect("tracked")),
        []
    );
}

#[test]
fn client_side_apply_moves_over() {
    let node = deployment();
    let mut live = config(r#"{"replicas":5}"#);
    live.set(&["metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"],
        r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"s"},"spec":{"replicas":5}}"#);
    let live =
        track_update(None, live, &request(&node, "kubectl-client-side-apply")).expect("tracked");
    let out = apply(
        Some(&live),
        &config(r#"{"replicas":7}"#),
        &request(&node, "kubectl"),
    )
    .expect("moves");
    assert_eq!(out.i64_at(&["spec", "replicas"]), Some(7));
    let text =
        catena_objects::meta::annotation(&out, "kubectl.kubernetes.io/last-applied-configuration");
    assert!(text.is_some_and(|t| t.contains("\"replicas\":7") && t.ends_with('\n')));
}

#[test]
fn timestamps_alone_are_no_change() {
    let node = deployment();
    let first = apply(None, &config(r#"{"replicas":5}"#), &request(&node, "m1")).expect("create");
    let later = Request {
        time: "2027-01-01T00:00:00Z",
        ..request(&node, "m1")
    };
    let again = apply(Some(&first), &config(r#"{"replicas":5}"#), &later).expect("same");
    assert_eq!(again, first);
}

#[test]
fn update_managers_are_capped() {
    let node = deployment();
    let mut live =
        track_update(None, config(r#"{"replicas":0}"#), &request(&node, "first")).expect("tracked");
    live.set(&["metadata", "uid"], "u");
    for i in 0..20i64 {
        let mut new = live.clone();
        new.set(&["metadata", "labels", &format!("l{i}")], "x");
        let (name, time) = (format!("m{i}"), format!("2026-01-01T00:00:{:02}Z", i + 1));
        live = track_update(
            Some(&live),
            new,
            &Request {
                manager: &name,
                time: &time,
                ..request(&node, "")
            },
        )
        .expect("tracked");
    }
    let all = sets(&live);
    assert_eq!(all.len(), 10);
    assert!(all.iter().any(|(m, _)| m == "ancient-changes"));
}

#[test]
fn without_schema_shapes_are_deduced() {
    let node = Arc::new(Node::of(Type::Any));
    let r = Request {
        group_version: "x/v1".to_owned(),

        reset_fields: &[],
        ..request(&node, "m")
    };
    let c = value(
        r#"{"apiVersion":"x/v1","kind":"K","metadata":{"name":"a"},"spec":{"l":[{"a":1}],"m":{"n":1}}}"#,
    );
    let out = apply(None, &c, &r).expect("create");
    assert_eq!(
        sets(&out)[0].1,
        r#"{"f:spec":{".":{},"f:l":{},"f:m":{".":{},"f:n":{}}}}"#
    );
}

/// A case of the recordings, one JSON text a line; `None` where they are absent.
fn recorded(file: &str) -> Option<Vec<Value>> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../../shared/data/recorded")
        .join(file);
    let text = std::fs::read_to_string(&path)
        .inspect_err(|_| eprintln!("skipped: {} is absent", path.display()))
        .ok()?;
    Some(text.lines().map(value).collect())
}

fn find_node(object: &Value) -> Option<Arc<Node>> {
    let gvk = catena_objects::gvk::GroupVersionKind::of(object).ok()?;
    builtin(&gvk.group, &gvk.version, &gvk.kind)
}

#[test]
fn recorded_apply_conversation() {
    let Some(cases) = recorded("machinery.jsonl") else {
        return;
    };
    let mut checked = 0;
    for case in cases
        .iter()
        .filter(|c| c.str_at(&["id"]) == "machinery/apply")
    {
        let mut live: Option<Value> = None;
        for step in case.items_at(&["steps"]) {
            let answer = step.get("r").cloned().unwrap_or_default();
            let good = step.i64_at(&["s"]).is_some_and(|s| s < 300);
            let path = step.str_at(&["p"]);
            let body = step.get("b").cloned().unwrap_or_default();
            let apply_patch =
                json::to_string(step).contains("apply-patch") && path.contains("/deployments/s?");
            let manager = path
                .split("fieldManager=")
                .nth(1)
                .and_then(|m| m.split('&').next())
                .unwrap_or_default();
            if apply_patch
                && body.as_object().is_some()
                && !manager.is_empty()
                && body.str_at(&["metadata", "name"]) == "s"
                && body.at(&["metadata", "resourceVersion"]).is_none()
            {
                let node = deployment();
                let r = Request {
                    force: path.contains("force=true"),
                    time: "<time>",
                    ..request(&node, manager)
                };
                match apply(live.as_ref(), &body, &r) {
                    Ok(v) => {
                        assert!(good, "{path}: {}", json::to_string(&answer));
                        assert_eq!(
                            v.at(&["metadata", "managedFields"]).map(json::to_string),
                            answer
                                .at(&["metadata", "managedFields"])
                                .map(json::to_string),
                            "{path}"
                        );
                        checked += 1;
                    }
                    Err(e) => {
                        assert_eq!(e.message, answer.str_at(&["message"]), "{path}");
                        checked += 1;
                    }
                }
            }
            if good && answer.str_at(&["kind"]) == "Deployment" {
                live = Some(answer);
            }
        }
    }
    assert!(checked > 12, "only {checked} steps compared");
}

/// What a client sent, with the defaults the answer shows: the answer itself.
#[test]
fn recorded_creates() {
    let Some(cases) = recorded("rich.jsonl") else {
        return;
    };
    let (mut same, mut differ) = (0, Vec::new());
    for case in &cases {
        let Some(step) = case
            .items_at(&["steps"])
            .iter()
            .find(|s| s.i64_at(&["s"]) == Some(201))
        else {
            continue;
        };
        let answer = step.get("r").cloned().unwrap_or_default();
        let Some(node) = find_node(&answer) else {
            continue;
        };
        let Some(want) = answer
            .at(&["metadata", "managedFields"])
            .map(json::to_string)
        else {
            continue;
        };
        let mut new = answer.clone();
        new.unset(&["metadata", "managedFields"]);
        let r = Request {
            group_version: answer.str_at(&["apiVersion"]).to_owned(),
            time: "<time>",
            ..request(&node, "unknown")
        };
        let out = track_update(None, new, &r).expect("tracked");
        let got = out
            .at(&["metadata", "managedFields"])
            .map(json::to_string)
            .unwrap_or_default();
        if got == want {
            same += 1;
        } else {
            differ.push(format!("{}\n got {got}\nwant {want}", case.str_at(&["id"])));
        }
    }
    // Of these the answer shows what the server set after the booking.
    differ.retain(|d: &String| {
        ![
            "Service",
            "PersistentVolumeClaim",
            "PersistentVolume",
            "Namespace",
            "Job",
        ]
        .iter()
        .any(|kind| {
            d.split('\n')
                .next()
                .is_some_and(|id| id.ends_with(&format!("-{kind}")))
        })
    });
    assert!(
        differ.is_empty() && same > 20,
        "{same} the same, these differ:\n{}",
        differ.join("\n")
    );
}

/// Updates, patches and applies of the recordings: what the answer holds was
/// written over the answer before, by the manager of the request.
#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn recorded_updates() {
    let Some(cases) = recorded("rich.jsonl") else {
        return;
    };
    let (mut same, mut differ) = (0, Vec::new());
    // A controller writes definitions between the steps.
    for case in cases
        .iter()
        .filter(|c| !c.str_at(&["id"]).ends_with("CustomResourceDefinition"))
    {
        let mut live: Option<Value> = None;
        for step in case.items_at(&["steps"]) {
            let answer = step.get("r").cloned().unwrap_or_default();
            let good = step.i64_at(&["s"]).is_some_and(|s| s < 300);
            let Some(node) =
                find_node(&answer).filter(|_| good && answer.get("metadata").is_some())
            else {
                continue;
            };
            let (method, path) = (step.str_at(&["m"]), step.str_at(&["p"]));
            let kind_changes = live
                .as_ref()
                .is_some_and(|l| l.str_at(&["kind"]) != answer.str_at(&["kind"]));
            if kind_changes || answer.at(&["metadata", "uid"]).is_none() || path.contains("dryRun")
            {
                continue;
            }
            if let (Some(before), true) = (&live, matches!(method, "PUT" | "PATCH")) {
                let want = answer
                    .at(&["metadata", "managedFields"])
                    .map(json::to_string);
                let manager = path
                    .split("fieldManager=")
                    .nth(1)
                    .and_then(|m| m.split('&').next())
                    .unwrap_or_default();
                let r = Request {
                    group_version: answer.str_at(&["apiVersion"]).to_owned(),
                    time: "<time>",
                    force: path.contains("force=true"),
                    subresource: if path.contains("/status") {
                        "status"
                    } else {
                        ""
                    },
                    reset_fields: if path.contains("/status") {
                        &[&["spec"]]
                    } else {
                        &[&["status"]]
                    },
                    ..request(&node, manager)
                };
                let out = if json::to_string(step).contains("apply-patch") {
                    apply(
                        live.as_ref(),
                        &step.get("b").cloned().unwrap_or_default(),
                        &r,
                    )
                    .unwrap_or_default()
                } else {
                    let mut new = answer.clone();
                    match before.at(&["metadata", "managedFields"]) {
                        Some(m) => new.set(&["metadata", "managedFields"], m.clone()),
                        None => drop(new.unset(&["metadata", "managedFields"])),
                    }
                    track_update(live.as_ref(), new, &r).expect("tracked")
                };
                let got = out.at(&["metadata", "managedFields"]).map(json::to_string);
                if got == want {
                    same += 1;
                } else {
                    let show = |v: Option<String>| v.unwrap_or_default();
                    differ.push(format!(
                        "{} {method} {path}\n got {}\nwant {}",
                        case.str_at(&["id"]),
                        show(got),
                        show(want)
                    ));
                }
            }
            live = Some(answer);
        }
    }
    assert!(
        differ.is_empty() && same > 40,
        "{same} the same, {} differ:\n{}",
        differ.len(),
        differ.join("\n")
    );
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 32, 4, |inner| {
        let key =
            "[a-c]|name|spec|template|containers|ports|containerPort|replicas|metadata|labels|env";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..4).prop_map(|kv| {
                kv.into_iter()
                    .map(|(k, v)| (k.into(), v))
                    .collect::<catena_objects::Map>()
                    .into()
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn applying_twice_is_applying_once(live in any_value(), config in any_value()) {
        let node = deployment();
        let mut live = live;
        live.set(&["metadata", "uid"], "u");
        live.unset(&["metadata", "managedFields"]);
        let r = Request { force: true, ..request(&node, "m") };
        if let Ok(once) = apply(Some(&live), &config, &r) {
            let twice = apply(Some(&once), &config, &r).expect("again");
            prop_assert_eq!(twice, once);
        }
    }

    #[test]
    fn sets_survive_printing(a in any_value()) {
        let node = Arc::new(Node::of(Type::Any));
        let tracked = track_update(None, a, &request(&node, "m")).expect("tracked");
        for e in tracked.items_at(&["metadata", "managedFields"]) {
            let fields = e.get("fieldsV1").cloned().unwrap_or_default();
            prop_assert_eq!(Set::from_value(&fields).expect("own output").to_value(), fields);
        }
    }
}
