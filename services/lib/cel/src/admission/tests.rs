//! What kube-apiserver 1.36 says of expressions of admission.

use super::*;

const ALL: Names = Names {
    params: true,
    authorizer: true,
    patches: true,
};

fn said(text: &str, names: Names, wanted: Wanted) -> String {
    match Compiler::new().check(text, names, wanted) {
        Ok(()) => String::new(),
        Err(Problem::Invalid(why) | Problem::Internal(why)) => why,
    }
}

#[test]
fn what_expressions_can_name() {
    for text in [
        "object.spec.replicas > 5 && oldObject == null",
        "request.namespace == 'a' && request.userInfo.extra['k'].exists(x, x == 'y')",
        "namespaceObject.metadata.labels['a'] == 'b' && namespaceObject.metadata.UID != ''",
        "params.max > 3",
        "authorizer.group('apps').resource('deployments').check('get').allowed()",
        "authorizer.requestResource.check('create').allowed()",
    ] {
        assert_eq!(said(text, ALL, Wanted::Condition), "", "{text}");
    }
    let none = Names::default();
    assert_eq!(
        said("params.x", none, Wanted::Condition),
        "compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in container '')\n | params.x\n | ^"
    );
    assert_eq!(
        said("request.uid == ''", none, Wanted::Condition),
        "compilation failed: ERROR: <input>:1:8: undefined field 'uid'\n | request.uid == ''\n | .......^"
    );
}

#[test]
fn what_expressions_come_to() {
    let none = Names::default();
    for (text, wanted, why) in [
        (
            "object.a",
            Wanted::Condition,
            "must evaluate to bool but got dyn",
        ),
        ("'a'", Wanted::Text, ""),
        ("null", Wanted::TextOrNull, ""),
        (
            "[1]",
            Wanted::TextOrNull,
            "must evaluate to one of [string null_type] but got list(int)",
        ),
        (
            "namespaceObject.metadata.creationTimestamp",
            Wanted::Text,
            "must evaluate to string but got google.protobuf.Timestamp",
        ),
    ] {
        assert_eq!(said(text, none, wanted), why, "{text}");
    }
}

#[test]
fn patches_are_made() {
    for (text, wanted) in [
        (
            "Object{spec: Object.spec{replicas: 3, a: {'b': object.c}}}",
            Wanted::Object,
        ),
        (
            "[JSONPatch{op: 'add', path: '/a/' + jsonpatch.escapeKey('b/c'), value: {'x': 1}}]",
            Wanted::Patches,
        ),
    ] {
        assert_eq!(said(text, ALL, wanted), "", "{text}");
    }
    let without = Names {
        patches: false,
        ..ALL
    };
    assert_eq!(
        said("Object{}", without, Wanted::Object),
        "compilation failed: ERROR: <input>:1:7: undeclared reference to 'Object' (in container '')\n | Object{}\n | ......^"
    );
    assert_eq!(
        said("Object.spec{}", ALL, Wanted::Object),
        "must evaluate to Object but got Object.spec"
    );
}

#[test]
fn expressions_are_composed() {
    let mut compiler = Compiler::composed();
    compiler
        .variable("a", "object.spec.replicas", false)
        .expect("a variable");
    compiler
        .variable("b", "variables.a > 3 ? [1, 2] : []", false)
        .expect("another");
    let names = Names::default();
    let check = |text: &str| compiler.check(text, names, Wanted::Condition);
    assert_eq!(check("variables.b.all(x, x > 0)"), Ok(()));
    assert_eq!(
        check("variables.c == 1"),
        Err(Problem::Invalid(
            "compilation failed: ERROR: <input>:1:10: undefined field 'c'\n | variables.c == 1\n | .........^".into()
        ))
    );
}
