use super::*;
use crate::obj;

fn check(meta: &Value) -> String {
    let f = |n: &str, p: bool| names::dns1123_subdomain(n, p);
    validate_object_meta(meta, true, &f, &Path::new("metadata")).aggregate()
}

#[test]
fn good_metadata() {
    let m = obj!({"name": "a", "namespace": "b", "labels": {"x": "y"}, "finalizers": ["a/b"]});
    assert_eq!(check(&m), "[]");
}

#[test]
fn complaints() {
    assert_eq!(
        check(&obj!({"namespace": "b"})),
        "metadata.name: Required value: name or generateName is required"
    );
    assert!(check(&obj!({"name": "a"})).starts_with("metadata.namespace: Required value"));
    let m = obj!({"name": "a", "namespace": "b", "ownerReferences": [
        {"apiVersion": "v1", "kind": "A", "name": "x", "uid": "1", "controller": true},
        {"apiVersion": "v1", "kind": "B", "name": "y", "uid": "2", "controller": true}
    ]});
    assert!(check(&m).ends_with("Found \"true\" in references for A/x and B/y"));
    let m = obj!({"name": "a", "namespace": "b", "managedFields": [{"operation": "x"}]});
    assert_eq!(
        check(&m),
        "metadata.managedFields[0].operation: Invalid value: \"x\": must be `Apply` or `Update`"
    );
}

#[test]
fn annotations_have_a_total_size() {
    let big = "x".repeat(ANNOTATIONS_MAX_BYTES);
    let m = obj!({"name": "a", "namespace": "b", "annotations": {"k": big}});
    assert_eq!(
        check(&m),
        "metadata.annotations: Too long: may not be more than 262144 bytes"
    );
}

#[test]
fn updates() {
    let path = Path::new("metadata");
    let old = obj!({"name": "a", "uid": "1", "resourceVersion": "5", "deletionTimestamp": "x",
        "creationTimestamp": "t"});
    let mut new = old.clone();
    assert!(validate_object_meta_update(&new, &old, &path).is_empty());
    new.set(&["finalizers"], obj!(["b/x", "a/x"]));
    assert_eq!(
        validate_object_meta_update(&new, &old, &path).aggregate(),
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{\"a/x\", \"b/x\"}"
    );
    let mut new = old.clone();
    new.set(&["uid"], "2");
    new.unset(&["creationTimestamp"]);
    assert_eq!(
        validate_object_meta_update(&new, &old, &path).aggregate(),
        "[metadata.uid: Invalid value: \"2\": field is immutable, metadata.creationTimestamp: Invalid value: null: field is immutable]"
    );
}

#[test]
fn generated_names_fit_a_label() {
    let name = generate_name(&"é".repeat(40));
    assert!(name.len() <= names::LABEL_MAX);
    assert_eq!(generate_name("a-").len(), 7);
}

#[test]
fn delete_options() {
    let bad = obj!({"propagationPolicy": "x"});
    assert_eq!(
        validate_delete_options(&bad).aggregate(),
        "propagationPolicy: Unsupported value: \"x\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
    );
}

#[test]
fn conditions() {
    let good = obj!({"type": "Ready", "status": "True", "reason": "Ok", "lastTransitionTime": "t"});
    let path = Path::new("status.conditions");
    assert!(validate_conditions(std::slice::from_ref(&good), &path).is_empty());
    let bad = obj!({"type": "Ready", "status": "Yes", "reason": "Ok", "lastTransitionTime": "t"});
    assert_eq!(
        validate_conditions(&[good, bad], &path).aggregate(),
        "[status.conditions[1].type: Duplicate value: \"Ready\", status.conditions[1].status: Unsupported value: \"Yes\": supported values: \"False\", \"True\", \"Unknown\"]"
    );
}
