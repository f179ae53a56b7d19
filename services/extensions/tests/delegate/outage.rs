//! What is answered while storage is away: never that something does not exist.

use std::sync::Arc;

use crate::support::{World, condition, request};
use catena_storage::testing::Memory;

const CRD: &str = r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"things.example.com"},"spec":{"group":"example.com","scope":"Cluster","names":{"plural":"things","kind":"Thing"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]}}"#;
const THING: &str = r#"{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a"}}"#;
const THINGS: &str = "/apis/example.com/v1/things";

#[tokio::test]
async fn an_outage_is_no_absence() {
    let memory = Arc::new(Memory::default());
    let w = World::on(memory.clone()).await;
    w.define(CRD).await;
    assert_eq!(w.ask("POST", THINGS, THING).await.code, 201);
    memory.set_down(true);
    for url in [
        "/apis/example.com/v1/things/a",
        "/apis/other.com/v1/others/a",
    ] {
        let answer = w.ask("GET", url, "").await;
        assert_eq!(answer.code, 503, "{url}: {}", answer.text);
    }
    memory.set_down(false);
    assert_eq!(w.ask("GET", &format!("{THINGS}/a"), "").await.code, 200);
    let unknown = request("GET", "/apis/other.com/v1/others/a", "");
    assert!(w.send(unknown).await.is_none());
    // The watch of definitions comes back by itself.
    let more = CRD.replace("things", "others").replace("Thing", "Other");
    let crd = w.define(&more).await.body;
    assert_eq!(condition(&crd, "NamesAccepted"), "True");
}

#[tokio::test]
async fn a_changed_schema_holds_for_stored_objects() {
    let w = World::new().await;
    let old = CRD.replace(
        r#""type":"object"}"#,
        r#""type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}}}"#,
    );
    let made = w.define(&old).await.body;
    let thing = THING.replace(r#""metadata""#, r#""a":"1","b":"2","metadata""#);
    assert_eq!(w.ask("POST", THINGS, &thing).await.code, 201);
    let mut new = made.clone();
    let mut version = new.items_at(&["spec", "versions"])[0].clone();
    version.set(&["schema", "openAPIV3Schema", "properties"], {
        let mut p = catena_objects::Value::object();
        p.set(&["a", "type"], "string");
        p.set(&["c", "type"], "integer");
        p.set(&["c", "default"], 7i64);
        p
    });
    new.set(&["spec", "versions"], vec![version]);
    let url = format!("{}/things.example.com", crate::support::CRDS);
    let put = w
        .ask("PUT", &url, &catena_objects::json::to_string(&new))
        .await;
    assert_eq!(put.code, 200, "{}", put.text);
    for url in [format!("{THINGS}/a"), THINGS.to_owned()] {
        let text = w.ask("GET", &url, "").await.text;
        assert!(
            text.contains(r#""c":7"#) && !text.contains(r#""b":"2""#),
            "{text}"
        );
    }
}
