use std::collections::HashSet;

use super::graph::{Graph, Node, Owner};

fn node(uid: &str, owners: &[&str]) -> Node {
    Node {
        uid: uid.to_owned(),
        resource: "v1/configmaps".to_owned(),
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        namespace: Some("ns".to_owned()),
        name: uid.to_owned(),
        owners: owners
            .iter()
            .map(|o| Owner {
                api_version: "v1".to_owned(),
                kind: "ConfigMap".to_owned(),
                name: (*o).to_owned(),
                uid: (*o).to_owned(),
                blocks: true,
            })
            .collect(),
        deleting: false,
        foreground: false,
        orphan: false,
    }
}

fn drain(g: &mut Graph) -> Vec<String> {
    std::iter::from_fn(|| g.next()).collect()
}

#[test]
fn nothing_is_concluded_before_every_resource_is_listed() {
    let mut g = Graph::default();
    assert!(!g.synced());
    g.expect("v1/configmaps");
    assert!(!g.synced());
    g.listed("v1/configmaps", &HashSet::new());
    assert!(g.synced());
}

#[test]
fn dependents_are_looked_at_when_their_owner_goes() {
    let mut g = Graph::default();
    g.observe(node("owner", &[]));
    g.observe(node("child", &["owner"]));
    drain(&mut g);
    g.forget("owner");
    assert_eq!(drain(&mut g), ["child"]);
}

#[test]
fn a_relist_finds_what_was_deleted_unseen() {
    let mut g = Graph::default();
    g.observe(node("owner", &[]));
    g.observe(node("child", &["owner"]));
    drain(&mut g);
    g.listed("v1/configmaps", &HashSet::from(["child".to_owned()]));
    assert!(g.get("owner").is_none());
    assert_eq!(drain(&mut g), ["child"]);
}

#[test]
fn a_resource_that_is_away_condemns_nothing() {
    let mut g = Graph::default();
    g.observe(node("owner", &[]));
    let mut other = node("child", &["owner"]);
    other.resource = "v1/secrets".to_owned();
    g.observe(other);
    drain(&mut g);
    g.drop_resource("v1/configmaps");
    assert!(drain(&mut g).is_empty());
}

#[test]
fn an_owner_in_foreground_deletion_looks_again_when_a_dependent_changes() {
    let mut g = Graph::default();
    let mut owner = node("owner", &[]);
    owner.deleting = true;
    owner.foreground = true;
    g.observe(owner);
    drain(&mut g);
    g.observe(node("child", &["owner"]));
    assert_eq!(drain(&mut g), ["owner", "child"]);
}

#[test]
fn an_owner_that_went_before_its_kind_was_watched_is_looked_for() {
    let mut g = Graph::default();
    g.observe(node("child", &["owner"]));
    // Judged while the owner was there, as a read of it showed.
    drain(&mut g);
    g.expect("example.com/v1/owners");
    g.listed("example.com/v1/owners", &HashSet::new());
    assert_eq!(drain(&mut g), ["child"]);
    // Told once: a watch that lists again has missed nothing of other kinds.
    g.listed("example.com/v1/owners", &HashSet::new());
    assert!(drain(&mut g).is_empty());
}
