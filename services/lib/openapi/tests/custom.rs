//! Documents of custom resources, and what is made of documents.

use bytes::Bytes;
use catena_objects::{Value, json};
use catena_openapi::{CustomKind, V2, custom_v3, document, index, merge_v2, v2_protobuf};

fn value(text: &str) -> Value {
    json::parse(text.as_bytes()).expect("JSON")
}

const LIST: &str = r#"{"resources":[
 {"name":"crontabs","namespaced":true,"kind":"CronTab","verbs":["create","delete","deletecollection","get","list","patch","update","watch"]},
 {"name":"crontabs/status","namespaced":true,"kind":"CronTab","verbs":["get","patch","update"]},
 {"name":"crontabs/scale","namespaced":true,"kind":"Scale","group":"autoscaling","version":"v1","verbs":["get","patch","update"]}]}"#;

const SCHEMA: &str = r#"{"type":"object","description":"Runs things.","properties":{
 "spec":{"type":"object","properties":{
  "port":{"anyOf":[{"type":"integer"},{"type":"string"}],"x-kubernetes-int-or-string":true},
  "maybe":{"type":"string","nullable":true},
  "template":{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}}}}}"#;

fn custom() -> Value {
    let schema = value(SCHEMA);
    let kind = CustomKind {
        kind: "CronTab",
        list_kind: "CronTabList",
        schema: &schema,
    };
    let text = custom_v3("stable.example.com", "v1", &value(LIST), &[kind]);
    json::parse(&text).expect("JSON")
}

const NAME: &str = "com.example.stable.v1.CronTab";

#[test]
fn a_custom_kind_has_what_clients_look_for() {
    let d = custom();
    let schema = d.at(&["components", "schemas", NAME]).expect("defined");
    let gvk = &schema.items_at(&["x-kubernetes-group-version-kind"])[0];
    assert_eq!(gvk.str_at(&["kind"]), "CronTab");
    assert_eq!(schema.str_at(&["description"]), "Runs things.");
    let meta = &schema.items_at(&["properties", "metadata", "allOf"])[0];
    assert!(meta.str_at(&["$ref"]).ends_with(".meta.v1.ObjectMeta"));
    let template = schema.at(&["properties", "spec", "properties", "template", "properties"]);
    assert!(template.is_some_and(|t| t.get("metadata").is_some()));
    let one = "/apis/stable.example.com/v1/namespaces/{namespace}/crontabs/{name}";
    let patch = d.at(&["paths", one, "patch"]).expect("a patch");
    assert_eq!(patch.str_at(&["x-kubernetes-action"]), "patch");
    assert_eq!(
        patch.str_at(&["x-kubernetes-group-version-kind", "kind"]),
        "CronTab"
    );
    let named = |n: &str| {
        let all = patch.items_at(&["parameters"]);
        all.iter().any(|p| p.str_at(&["name"]) == n)
    };
    assert!(named("dryRun") && named("fieldValidation"));
    let strategic = "application/strategic-merge-patch+json";
    assert!(patch.at(&["requestBody", "content", strategic]).is_none());
    let scale = d.at(&["paths", &format!("{one}/scale"), "get"]);
    assert!(scale.is_some());
}

#[test]
fn references_of_every_document_lead_somewhere() {
    let mut documents = vec![custom()];
    for r in catena_facts::resources() {
        let text = catena_openapi::builtin_v3(r.group, r.version);
        if documents.len() < 12 {
            documents.push(json::parse(&text.expect("resources")).expect("JSON"));
        }
    }
    for d in &documents {
        let schemas = d.at(&["components", "schemas"]).expect("schemas");
        let mut wanted = Vec::new();
        references(d, &mut wanted);
        for name in wanted {
            assert!(schemas.get(&name).is_some(), "{name} is not defined");
        }
    }
}

fn references(v: &Value, out: &mut Vec<String>) {
    match v {
        Value::Object(m) => {
            if let Some(r) = m.get("$ref").and_then(Value::as_str)
                && let Some(name) = r.strip_prefix("#/components/schemas/")
            {
                out.push(name.to_owned());
            }
            m.values().for_each(|v| references(v, out));
        }
        Value::Array(a) => a.iter().for_each(|v| references(v, out)),
        _ => {}
    }
}

#[test]
fn v2_leaves_out_what_it_cannot_say() {
    let mut all = V2::default();
    all.add_v3(&custom());
    let d = all.into_value();
    let spec = ["definitions", NAME, "properties", "spec", "properties"];
    let spec = d.at(&spec).expect("defined");
    assert!(spec.at(&["maybe", "type"]).is_none());
    assert!(spec.at(&["port", "anyOf"]).is_none());
    let metadata = d.at(&["definitions", NAME, "properties", "metadata"]);
    assert!(metadata.is_some_and(|m| m.str_at(&["$ref"]).starts_with("#/definitions/")));
    let text: Bytes = json::to_vec(&d).into();
    assert!(v2_protobuf(&text).expect("encoded").len() > 1000);
    assert!(v2_protobuf(&Bytes::from_static(b"{")).is_err());
}

#[test]
fn the_first_document_wins() {
    let doc = |text: &str| {
        let body = format!(
            r#"{{"swagger":"2.0","paths":{{"/a":"{text}"}},"definitions":{{"{text}":{{}}}}}}"#
        );
        Bytes::from(body)
    };
    let all = [doc("one"), doc("two"), Bytes::from_static(b"broken")];
    let merged = json::parse(&merge_v2(&all)).expect("JSON");
    assert_eq!(merged.str_at(&["paths", "/a"]), "one");
    assert!(merged.at(&["definitions", "two"]).is_some());
    let text = index([("apis/apps/v1", "5A")]);
    assert_eq!(
        text,
        br#"{"paths":{"apis/apps/v1":{"serverRelativeURL":"/openapi/v3/apis/apps/v1?hash=5A"}}}"#
    );
    let empty = document("nobody.example.com", "v1", &Value::object(), &[]);
    assert_eq!(empty.str_at(&["openapi"]), "3.0.0");
}
