//! Decoding of built-in kinds, without recordings.

use std::sync::Arc;

use catena_objects::{Value, json, obj};
use catena_schema::{Node, Type, builtin, canonical, decode};

fn node(group: &str, version: &str, kind: &str) -> Arc<Node> {
    builtin(group, version, kind).unwrap_or_else(|| panic!("{group}/{version} {kind}"))
}

fn decoded(n: &Node, text: &str) -> Result<(String, Vec<String>), String> {
    let value = json::parse(text.as_bytes()).expect("JSON");
    decode(n, value)
        .map(|d| (json::to_string(&d.value), d.unknown))
        .map_err(|e| e.to_string())
}

#[test]
fn every_listed_resource_has_a_schema_and_a_list() {
    for r in catena_facts::resources()
        .iter()
        .filter(|r| r.verbs.contains(&"list"))
    {
        node(r.group, r.version, r.kind);
        node(r.group, r.version, &format!("{}List", r.kind));
    }
    for (group, kind) in [
        ("", "Status"),
        ("", "DeleteOptions"),
        ("meta.k8s.io", "DeleteOptions"),
        ("meta.k8s.io", "PartialObjectMetadata"),
        ("", "APIResourceList"),
        ("autoscaling", "Scale"),
        ("apps", "DeleteOptions"),
        ("policy", "Eviction"),
    ] {
        node(group, "v1", kind);
    }
}

#[test]
fn members_are_ordered_and_zero_values_follow_go() {
    let pod = node("", "v1", "Pod");
    let (text, unknown) = decoded(
        &pod,
        r#"{"spec":{"containers":[{"image":"i","name":"c","foo":1,"args":[]}],"volumes":null,"hostNetwork":false},
            "metadata":{"labels":{"b":"1","a":"2"},"name":"x","Name":"y"},"apiVersion":"v1","kind":"Pod","bar":{}}"#,
    )
    .expect("decodes");
    assert_eq!(
        text,
        r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x","labels":{"a":"2","b":"1"}},"spec":{"containers":[{"name":"c","image":"i","resources":{}}]},"status":{}}"#
    );
    assert_eq!(unknown, ["spec.containers[0].foo", "metadata.Name", "bar"]);
}

#[test]
fn types_with_an_own_form_are_normalised() {
    let pvc = node("", "v1", "PersistentVolumeClaim");
    let (text, _) = decoded(&pvc, r#"{"metadata":{"creationTimestamp":"2026-01-02T03:04:05.6+01:00"},"spec":{"resources":{"requests":{"storage":"1024Ki","x":0.5}}}}"#).expect("decodes");
    assert_eq!(
        text,
        r#"{"metadata":{"creationTimestamp":"2026-01-02T02:04:05Z"},"spec":{"resources":{"requests":{"storage":"1Mi","x":"500m"}}},"status":{}}"#
    );
    let secret = node("", "v1", "Secret");
    assert_eq!(
        decoded(&secret, r#"{"data":{"a":"YWI!"}}"#),
        Err("illegal base64 data at input byte 3".to_owned())
    );
}

#[test]
fn wrong_types_are_refused_in_words_of_go() {
    let pod = node("", "v1", "Pod");
    for (text, why) in [
        (
            r#"{"spec":{"containers":"x"}}"#,
            "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container",
        ),
        (
            r#"{"spec":{"priority":1.5}}"#,
            "json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.priority of type int32",
        ),
        (
            r#"{"spec":{"restartPolicy":1,"containers":[{"name":2}]}}"#,
            "json: cannot unmarshal number into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy",
        ),
        (
            r#"{"metadata":{"labels":{"a":1}}}"#,
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
        ),
        (
            r#"{"spec":1,"metadata":{"creationTimestamp":"x"}}"#,
            r#"parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006""#,
        ),
    ] {
        assert_eq!(decoded(&pod, text).expect_err(text), why);
    }
}

#[test]
fn canonical_form_is_stable() {
    let service = node("", "v1", "Service");
    let value = obj!({"spec": {"ports": [{"targetPort": "x", "port": 80}], "type": "ClusterIP"}, "metadata": {"name": "a"}});
    let once = canonical(&service, value);
    let twice = canonical(&service, once.clone());
    assert_eq!(json::to_string(&once), json::to_string(&twice));
    assert_eq!(once.at(&["status", "loadBalancer"]), Some(&Value::object()));
}

#[test]
fn recursive_types_are_linked() {
    let crd = node("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let text = r#"{"spec":{"group":"g","names":{"plural":"a","kind":"A"},"scope":"Cluster","versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"x":{"items":{"type":"string"},"type":"array","default":{"b":1,"a":2}}},"additionalProperties":false}}}]}}"#;
    let (out, unknown) = decoded(&crd, text).expect("decodes");
    assert!(unknown.is_empty());
    assert!(
        out.contains(r#""default":{"a":2,"b":1},"items":{"type":"string"}"#)
            || out
                .contains(r#"{"type":"array","default":{"a":2,"b":1},"items":{"type":"string"}}"#),
        "{out}"
    );
    assert!(out.contains(r#""additionalProperties":false"#));
}

#[test]
fn facts_reach_the_nodes() {
    let pod = node("", "v1", "Pod");
    let spec = pod.member("spec").expect("spec");
    let containers = spec.field("containers").expect("containers");
    assert!(containers.patch.merge);
    assert_eq!(containers.patch_merge_key.as_deref(), Some("name"));
    let container = containers
        .node
        .get()
        .items
        .as_ref()
        .expect("items")
        .get()
        .clone();
    let port = container
        .member("ports")
        .expect("ports")
        .items
        .clone()
        .expect("items");
    assert_eq!(
        port.get().member("protocol").expect("protocol").default,
        Some(Value::from("TCP"))
    );
    assert_eq!(
        spec.member("overhead")
            .expect("overhead")
            .additional
            .clone()
            .expect("map")
            .get()
            .ty,
        Type::Quantity
    );
}

/// Every walk must fit the stack of a worker thread, also unoptimised.
#[test]
fn deep_trees_do_not_overflow_the_stack() {
    let deep = |n: usize| format!("{}{{}}{}", r#"{"not":"#.repeat(n), "}".repeat(n));
    let run = move || {
        let crd = node("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
        let text = format!(
            r#"{{"kind":"CustomResourceDefinition","apiVersion":"apiextensions.k8s.io/v1","spec":{{"versions":[{{"schema":{{"openAPIV3Schema":{}}}}}]}}}}"#,
            deep(400)
        );
        let value = json::parse(text.as_bytes()).expect("within the limit of JSON");
        assert_eq!(
            decode(&crd, value)
                .map(|d| d.value)
                .expect_err("too deep")
                .0,
            "exceeded max depth"
        );
        let schema = json::parse(deep(140).as_bytes()).expect("JSON");
        let root = catena_objects::field::Path::new("s");
        assert!(
            !catena_schema::structural::check(&schema, &root)
                .all()
                .is_empty()
        );
        let parsed = catena_schema::structural::parse(&schema).expect("parses");
        let _ = catena_schema::structural::validate(&parsed, &Value::object(), None);
        let worse = json::parse(deep(400).as_bytes()).expect("JSON");
        assert!(catena_schema::structural::parse(&worse).is_err());
        let foo = node_of_maps(120);
        let text = format!("{}1{}", r#"{"a":"#.repeat(400), "}".repeat(400));
        let value = json::parse(text.as_bytes()).expect("JSON");
        let _ = catena_schema::structural::decode(&foo, value);
    };
    std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(run)
        .expect("thread")
        .join()
        .expect("no overflow");
}

fn node_of_maps(depth: usize) -> Node {
    let text = format!(
        "{}{{}}{}",
        r#"{"type":"object","x-kubernetes-preserve-unknown-fields":true,"additionalProperties":"#
            .repeat(depth),
        "}".repeat(depth)
    );
    catena_schema::structural::parse(&json::parse(text.as_bytes()).expect("JSON")).expect("schema")
}
