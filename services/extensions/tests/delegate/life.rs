//! The life of a definition and its resources.

use crate::support::{CRDS, NS, World, condition, request};

const CRON: &str = r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
"metadata":{"name":"crontabs.stable.example.com"},
"spec":{"group":"stable.example.com","scope":"Namespaced",
 "names":{"plural":"crontabs","singular":"crontab","kind":"CronTab","shortNames":["ct"],"categories":["all"]},
 "versions":[
  {"name":"v1","served":true,"storage":true,
   "schema":{"openAPIV3Schema":{"type":"object","properties":{
     "spec":{"type":"object","required":["cron"],"properties":{
       "cron":{"type":"string","pattern":"^[0-9* ]+$"},
       "image":{"type":"string","default":"busybox"},
       "replicas":{"type":"integer","minimum":1},
       "any":{"x-kubernetes-preserve-unknown-fields":true},
       "tags":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"set"}}},
     "status":{"type":"object","properties":{"replicas":{"type":"integer"},"selector":{"type":"string"}}}}}},
   "subresources":{"status":{},"scale":{"specReplicasPath":".spec.replicas","statusReplicasPath":".status.replicas","labelSelectorPath":".status.selector"}},
   "selectableFields":[{"jsonPath":".spec.image"}],
   "additionalPrinterColumns":[{"name":"Cron","type":"string","jsonPath":".spec.cron"},{"name":"Replicas","type":"integer","jsonPath":".spec.replicas"}]},
  {"name":"v1beta1","served":true,"storage":false,"deprecated":true,
   "schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}]}}"#;

const V1: &str = "/apis/stable.example.com/v1/namespaces/default/crontabs";
const BETA: &str = "/apis/stable.example.com/v1beta1/namespaces/default/crontabs";

fn cron(name: &str, spec: &str) -> String {
    format!(
        r#"{{"apiVersion":"stable.example.com/v1","kind":"CronTab","metadata":{{"name":"{name}"}},"spec":{spec},"status":{{"replicas":9}}}}"#
    )
}

#[tokio::test]
async fn a_definition_is_established_and_serves() {
    let w = World::new().await;
    assert!(
        w.send(request("GET", V1, "")).await.is_none(),
        "nobody's yet"
    );
    let crd = w.define(CRON).await.body;
    assert_eq!(condition(&crd, "NamesAccepted"), "True");
    assert_eq!(
        crd.str_at(&["status", "acceptedNames", "listKind"]),
        "CronTabList"
    );
    assert_eq!(crd.items_at(&["status", "storedVersions"]).len(), 1);

    let made = w
        .ask("POST", V1, &cron("a", r#"{"cron":"* *","odd":1}"#))
        .await;
    assert_eq!(made.code, 201, "{}", made.text);
    assert_eq!(made.body.str_at(&["spec", "image"]), "busybox");
    assert!(made.body.at(&["spec", "odd"]).is_none(), "pruned");
    assert!(made.body.get("status").is_none(), "has its own endpoint");
    assert_eq!(made.body.i64_at(&["metadata", "generation"]), Some(1));
    assert_eq!(made.warnings, [r#"unknown field "spec.odd""#]);

    let strict = format!("{V1}?fieldValidation=Strict");
    let refused = w
        .ask("POST", &strict, &cron("b", r#"{"cron":"* *","odd":1}"#))
        .await;
    assert_eq!(refused.code, 400, "{}", refused.text);
    let refused = w
        .ask(
            "POST",
            V1,
            &cron("b", r#"{"cron":"x","replicas":0,"tags":["a","a"]}"#),
        )
        .await;
    assert_eq!(refused.code, 422);
    for part in [
        "spec.cron in body should match",
        "spec.replicas in body should be greater",
        "spec.tags[1]: Duplicate value",
    ] {
        assert!(refused.message().contains(part), "{}", refused.text);
    }
    let elsewhere = V1.replace(NS, "absent");
    assert_eq!(
        w.ask("POST", &elsewhere, &cron("b", r#"{"cron":"*"}"#))
            .await
            .code,
        404
    );
    assert!(
        w.send(request("GET", &V1.replace("crontabs", "others"), ""))
            .await
            .is_none()
    );
    assert!(
        w.send(request("GET", &V1.replace("/v1/", "/v7/"), ""))
            .await
            .is_none()
    );
    let odd = w.ask("GET", &format!("{V1}/a/odd"), "").await;
    assert_eq!(
        (odd.code, odd.message()),
        (404, r#"crontabs.stable.example.com "a" not found"#)
    );
}

#[tokio::test]
async fn subresources_and_versions() {
    let w = World::new().await;
    w.define(CRON).await;
    w.ask("POST", V1, &cron("a", r#"{"cron":"*","replicas":2}"#))
        .await;
    w.ask("POST", V1, &cron("b", r#"{"cron":"*","image":"own"}"#))
        .await;

    let status = w
        .ask(
            "PATCH",
            &format!("{V1}/a/status"),
            r#"{"status":{"replicas":2,"selector":"x=y"},"spec":{"cron":"1"}}"#,
        )
        .await;
    assert_eq!(status.code, 200, "{}", status.text);
    assert_eq!(status.body.str_at(&["spec", "cron"]), "*");
    assert_eq!(status.body.i64_at(&["metadata", "generation"]), Some(1));
    let scale = w
        .ask(
            "PATCH",
            &format!("{V1}/a/scale"),
            r#"{"spec":{"replicas":5}}"#,
        )
        .await;
    assert_eq!(scale.code, 200, "{}", scale.text);
    assert_eq!(scale.body.str_at(&["status", "selector"]), "x=y");
    let a = w.ask("GET", &format!("{V1}/a"), "").await.body;
    assert_eq!(a.i64_at(&["spec", "replicas"]), Some(5));
    assert_eq!(a.i64_at(&["metadata", "generation"]), Some(2));

    let beta = w.ask("GET", &format!("{BETA}/a"), "").await;
    assert_eq!(
        beta.body.str_at(&["apiVersion"]),
        "stable.example.com/v1beta1"
    );
    assert_eq!(
        beta.warnings,
        ["stable.example.com/v1beta1 CronTab is deprecated; use stable.example.com/v1 CronTab"]
    );
    assert_eq!(
        w.ask("GET", &format!("{BETA}/a/status"), "").await.code,
        404
    );
}

#[tokio::test]
async fn selectors_tables_and_patches() {
    let w = World::new().await;
    w.define(CRON).await;
    w.ask("POST", V1, &cron("a", r#"{"cron":"*","replicas":5}"#))
        .await;
    w.ask("POST", V1, &cron("b", r#"{"cron":"*","image":"own"}"#))
        .await;
    let own = w
        .ask("GET", &format!("{V1}?fieldSelector=spec.image%3Down"), "")
        .await;
    assert_eq!(own.body.items_at(&["items"]).len(), 1, "{}", own.text);
    let bad = w
        .ask("GET", &format!("{V1}?fieldSelector=spec.cron%3Down"), "")
        .await;
    assert_eq!(
        (bad.code, bad.message()),
        (400, "field label not supported: spec.cron")
    );

    let mut table = request("GET", V1, "");
    table.headers.insert(
        "accept",
        "application/json;as=Table;v=v1;g=meta.k8s.io"
            .parse()
            .expect("a header"),
    );
    let table = w.send(table).await.expect("served").body;
    let cells = table.items_at(&["rows"])[0].items_at(&["cells"]).to_vec();
    assert_eq!(cells, vec!["a".into(), "*".into(), 5i64.into()]);

    let mut strategic = request("PATCH", &format!("{V1}/a"), "{}");
    strategic.headers.insert(
        "content-type",
        "application/strategic-merge-patch+json"
            .parse()
            .expect("a header"),
    );
    assert_eq!(w.send(strategic).await.expect("served").code, 415);
    let mut apply = request(
        "PATCH",
        &format!("{V1}/c?fieldManager=me"),
        &cron("c", r#"{"cron":"1","any":1}"#),
    );
    apply.headers.insert(
        "content-type",
        "application/apply-patch+yaml".parse().expect("a header"),
    );
    let applied = w.send(apply).await.expect("served");
    assert_eq!(applied.code, 201, "{}", applied.text);
    let owned = &applied.body.items_at(&["metadata", "managedFields"])[0];
    assert!(
        owned.at(&["fieldsV1", "f:spec", "f:cron"]).is_some(),
        "{}",
        applied.text
    );
}

#[tokio::test]
async fn a_deleted_definition_takes_its_instances_along() {
    let w = World::new().await;
    w.define(CRON).await;
    w.ask("POST", V1, &cron("a", r#"{"cron":"*"}"#)).await;
    let held = cron("b", r#"{"cron":"*"}"#).replace(
        r#""name":"b""#,
        r#""name":"b","finalizers":["example.com/x"]"#,
    );
    assert_eq!(w.ask("POST", V1, &held).await.code, 201);
    let name = "crontabs.stable.example.com";
    let gone = w.ask("DELETE", &format!("{CRDS}/{name}"), "").await;
    assert_eq!(gone.code, 200, "{}", gone.text);
    let crd = w
        .wait(name, |a| a.text.contains("InstanceDeletionInProgress"))
        .await
        .body;
    assert_eq!(condition(&crd, "Terminating"), "True");
    let refused = w.ask("POST", V1, &cron("c", r#"{"cron":"*"}"#)).await;
    assert_eq!(refused.code, 403, "{}", refused.text);
    assert!(
        refused
            .message()
            .ends_with("create not allowed while custom resource definition is terminating")
    );
    w.ask(
        "PATCH",
        &format!("{V1}/b"),
        r#"{"metadata":{"finalizers":null}}"#,
    )
    .await;
    w.wait(name, |a| a.code == 404).await;
    assert!(w.send(request("GET", V1, "")).await.is_none());
}

#[tokio::test]
async fn names_belong_to_the_first_that_asks() {
    let w = World::new().await;
    w.define(CRON).await;
    let other = CRON.replace("crontabs", "crontimes");
    let made = w.ask("POST", CRDS, &other).await;
    assert_eq!(made.code, 201, "{}", made.text);
    let name = "crontimes.stable.example.com";
    let crd = w
        .wait(name, |a| condition(&a.body, "NamesAccepted") == "False")
        .await;
    assert!(
        crd.text.contains(r#""reason":"ListKindConflict""#),
        "{}",
        crd.text
    );
    assert_eq!(condition(&crd.body, "Established"), "False");
    assert!(
        w.send(request("GET", &V1.replace("crontabs", "crontimes"), ""))
            .await
            .is_none()
    );
    w.ask("DELETE", &format!("{CRDS}/crontabs.stable.example.com"), "")
        .await;
    w.wait(name, |a| condition(&a.body, "Established") == "True")
        .await;
}

#[tokio::test]
async fn replicas_serve_what_the_others_define() {
    let one = World::new().await;
    let two = World::on(one.storage.clone()).await;
    one.define(CRON).await;
    let made = two.ask("POST", V1, &cron("a", r#"{"cron":"*"}"#)).await;
    assert_eq!(made.code, 201, "{}", made.text);
    one.ask("DELETE", &format!("{CRDS}/crontabs.stable.example.com"), "")
        .await;
    two.wait("crontabs.stable.example.com", |a| a.code == 404)
        .await;
}

#[tokio::test]
async fn a_watch_ends_with_its_definition() {
    let w = World::new().await;
    w.define(CRON).await;
    let watch = w.open(request("GET", &format!("{V1}?watch=true"), ""));
    let watch = watch.await.expect("served");
    w.ask("POST", V1, &cron("a", r#"{"cron":"*"}"#)).await;
    w.ask("DELETE", &format!("{CRDS}/crontabs.stable.example.com"), "")
        .await;
    let text = World::read(watch).await.text;
    let kinds: Vec<&str> = text.lines().filter_map(|l| l.split('"').nth(3)).collect();
    assert_eq!(kinds, ["ADDED", "DELETED"], "{text}");
}

/// Definitions of the size of real ones: many fields, nested, with lists by key.
fn bulky(name: &str) -> String {
    let mut fields = String::new();
    for i in 0..80 {
        fields.push_str(&format!(
            r#""f{i}":{{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],"description":"Field {i}.","items":{{"type":"object","required":["name"],"properties":{{"name":{{"type":"string"}},"value":{{"anyOf":[{{"type":"integer"}},{{"type":"string"}}],"x-kubernetes-int-or-string":true}}}}}}}},"#
        ));
    }
    let fields = fields.trim_end_matches(',');
    format!(
        r#"{{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{{"name":"{name}s.bulk.example.com"}},"spec":{{"group":"bulk.example.com","scope":"Cluster","names":{{"plural":"{name}s","kind":"{name}"}},"versions":[{{"name":"v1","served":true,"storage":true,"schema":{{"openAPIV3Schema":{{"type":"object","properties":{{"spec":{{"type":"object","properties":{{{fields}}}}}}}}}}}}}]}}}}"#
    )
}

#[tokio::test]
async fn many_large_definitions_are_established_and_described() {
    let w = World::new().await;
    let names: Vec<String> = (0..40).map(|i| format!("kind{i}")).collect();
    for n in &names {
        let made = w.ask("POST", CRDS, &bulky(n)).await;
        assert_eq!(made.code, 201, "{}", made.text);
    }
    for n in &names {
        let name = format!("{n}s.bulk.example.com");
        w.wait(&name, |a| condition(&a.body, "Established") == "True")
            .await;
    }
    let list = w.ask("GET", "/apis/bulk.example.com/v1", "").await.body;
    assert_eq!(list.items_at(&["resources"]).len(), names.len());
    let doc = w
        .ask("GET", "/openapi/v3/apis/bulk.example.com/v1", "")
        .await
        .body;
    let words = doc.str_at(&[
        "components",
        "schemas",
        "com.example.bulk.v1.kind7",
        "properties",
        "spec",
        "properties",
        "f3",
        "description",
    ]);
    assert_eq!(words, "Field 3.");
    let all = w.ask("GET", "/openapi/v2", "").await.body;
    let value = all.at(&["definitions", "com.example.bulk.v1.kind7"]);
    assert!(value.is_some(), "in the merged document too");
}
