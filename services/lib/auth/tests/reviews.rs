//! Answers to questions about users and rights, in the form of kube-apiserver's.

mod support;

use catena_auth::Auth;
use catena_objects::{Value, json, obj, user::User};
use support::World;

fn jane() -> User {
    User {
        name: "jane".to_owned(),
        uid: "u".to_owned(),
        groups: vec!["g".to_owned(), "system:authenticated".to_owned()],
        extra: [("scopes".to_owned(), vec!["a".to_owned()])].into(),
    }
}

async fn world() -> World {
    let world = World::new();
    let version = "rbac.authorization.k8s.io/v1";
    world.put("clusterroles/r", &obj!({
        "kind": "ClusterRole", "apiVersion": version, "metadata": {"name": "r"},
        "rules": [
            {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"]},
            {"verbs": ["get"], "nonResourceURLs": ["/x"]}
        ]
    }));
    world.put("clusterrolebindings/b", &obj!({
        "kind": "ClusterRoleBinding", "apiVersion": version, "metadata": {"name": "b"},
        "roleRef": {"kind": "ClusterRole", "name": "r"}, "subjects": [{"kind": "Group", "name": "g"}]
    }));
    world.put("rolebindings/ns/gone", &obj!({
        "kind": "RoleBinding", "apiVersion": version, "metadata": {"name": "gone", "namespace": "ns"},
        "roleRef": {"kind": "Role", "name": "absent"}, "subjects": [{"kind": "User", "name": "jane"}]
    }));
    world
}

async fn auth(world: &World) -> Auth {
    world.file("tokens.csv", "secret,ann,1,g1\n");
    let file = format!("--token-auth-file={}", world.path("tokens.csv"));
    world.auth(&[&file, "--authorization-mode=RBAC"]).await
}

fn text(v: &Value) -> String {
    json::to_string(v)
}

fn review(kind: &str, spec: Value) -> Value {
    obj!({"kind": kind, "apiVersion": "authorization.k8s.io/v1", "spec": spec})
}

/// The answer as JSON, or code and message of the failure.
async fn ask(auth: &Auth, namespace: &str, body: Value) -> Result<Value, (u16, String)> {
    let kind = body.str_at(&["kind"]).to_owned();
    auth.review(&kind, &jane(), namespace, body)
        .await
        .map_err(|s| (s.code, s.message))
}

#[tokio::test]
async fn access_reviews_say_whether_and_why() {
    let world = world().await;
    let auth = auth(&world).await;
    let by = "RBAC: allowed by ClusterRoleBinding \"b\" of ClusterRole \"r\" to Group \"g\"";
    let pod =
        |name: &str| obj!({"verb": "get", "resource": "pods", "namespace": "ns", "name": name});
    let sar = "SubjectAccessReview";
    let missing = "RBAC: role.rbac.authorization.k8s.io \"absent\" not found";
    let cases = [
        (
            sar,
            obj!({"groups": ["g"], "resourceAttributes": (pod("a"))}),
            obj!({"allowed": true, "reason": by}),
        ),
        (
            sar,
            obj!({"groups": ["g"], "resourceAttributes": (pod("b"))}),
            obj!({"allowed": false}),
        ),
        (
            sar,
            obj!({"user": "jane", "resourceAttributes": (pod("a"))}),
            obj!({"allowed": false, "reason": missing}),
        ),
        (
            sar,
            obj!({"user": "x", "groups": ["g"], "nonResourceAttributes": {"path": "/x", "verb": "get"}}),
            obj!({"allowed": true, "reason": by}),
        ),
        (
            sar,
            obj!({"user": "x", "groups": ["system:masters"], "resourceAttributes": {}}),
            obj!({"allowed": true}),
        ),
        (
            "SelfSubjectAccessReview",
            obj!({"resourceAttributes": (pod("a"))}),
            obj!({"allowed": true, "reason": by}),
        ),
        (
            "LocalSubjectAccessReview",
            obj!({"groups": ["g"], "resourceAttributes": (pod("a"))}),
            obj!({"allowed": true, "reason": by}),
        ),
        (
            sar,
            obj!({"user": "x", "resourceAttributes": {
                "fieldSelector": {"requirements": [{"key": "a", "operator": "Exists"}]},
                "labelSelector": {"requirements": [{"key": "a", "operator": "In", "values": ["b"]}, {"key": "a", "operator": "Near"}]}
            }}),
            obj!({"allowed": false, "evaluationError": "spec.resourceAttributes.fieldSelector ignored due to parse error; spec.resourceAttributes.labelSelector partially ignored due to parse error"}),
        ),
    ];
    for (kind, spec, status) in cases {
        let body = review(kind, spec);
        let mut expected = body.clone();
        expected.set(&["metadata"], Value::object());
        if kind == "LocalSubjectAccessReview" {
            expected.set(&["metadata", "namespace"], "ns");
        }
        expected.set(&["status"], status);
        let got = ask(&auth, "ns", body).await;
        assert_eq!(got.map(|v| text(&v)), Ok(text(&expected)));
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn wrong_questions_are_refused() {
    let world = world().await;
    let auth = auth(&world).await;
    let kinds = [
        "SubjectAccessReview",
        "SelfSubjectAccessReview",
        "LocalSubjectAccessReview",
    ];
    let [sar, own, local] = kinds;
    let path = || obj!({"path": "/x", "verb": "get"});
    let selector = |v: Value| obj!({"user": "u", "resourceAttributes": {"fieldSelector": v}});
    let labels = |v: Value| obj!({"user": "u", "resourceAttributes": {"labelSelector": v}});
    let cases = [
        (
            sar,
            obj!({"user": "u"}),
            "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
        ),
        (
            own,
            obj!({}),
            "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
        ),
        (
            sar,
            obj!({"resourceAttributes": {"verb": "get"}}),
            "spec.user: Invalid value: \"\": at least one of user or group must be specified",
        ),
        (
            sar,
            obj!({"user": "u", "resourceAttributes": {}, "nonResourceAttributes": {}}),
            "spec.nonResourceAttributes: Invalid value: {\"Path\":\"\",\"Verb\":\"\"}: cannot be specified in combination with resourceAttributes",
        ),
        (
            local,
            obj!({"user": "u", "resourceAttributes": {"namespace": "other"}}),
            "spec.resourceAttributes.namespace: Invalid value: \"other\": must match metadata.namespace",
        ),
        (
            local,
            obj!({"user": "u", "nonResourceAttributes": (path())}),
            "spec.nonResourceAttributes: Invalid value: {\"Path\":\"/x\",\"Verb\":\"get\"}: disallowed on this kind of request",
        ),
        (
            sar,
            selector(obj!({})),
            "spec.resourceAttributes.fieldSelector.requirements: Required value: when spec.resourceAttributes.fieldSelector is specified, requirements or rawSelector is required",
        ),
        (
            sar,
            selector(
                obj!({"rawSelector": "a=b", "requirements": [{"key": "a", "operator": "In", "values": ["b"]}]}),
            ),
            "spec.resourceAttributes.fieldSelector.rawSelector: Invalid value: \"a=b\": may not specified at the same time as requirements",
        ),
        (
            sar,
            selector(obj!({"requirements": [{"operator": "In"}]})),
            "[spec.resourceAttributes.fieldSelector.requirements[0].key: Required value: must be specified, spec.resourceAttributes.fieldSelector.requirements[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn']",
        ),
        (
            sar,
            labels(obj!({"requirements": [{"key": "a", "operator": "Exists", "values": ["b"]}]})),
            "spec.resourceAttributes.labelSelector.requirements[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        ),
    ];
    for (kind, spec, why) in cases {
        let got = ask(&auth, "ns", review(kind, spec)).await;
        let message = format!(".authorization.k8s.io \"\" is invalid: {why}");
        assert_eq!(got, Err((422, message)));
    }
    let mut named = review(sar, obj!({"user": "u", "nonResourceAttributes": (path())}));
    named.set(&["metadata", "name"], "x");
    let why = ".authorization.k8s.io \"\" is invalid: metadata: Invalid value: {\"name\":\"x\"}: must be empty";
    assert_eq!(
        ask(&auth, "", named.clone()).await,
        Err((422, why.to_owned()))
    );
    named.unset(&["metadata", "name"]);
    named.set(&["metadata", "managedFields"], obj!([{}]));
    assert!(ask(&auth, "", named).await.is_ok());
    let mut elsewhere = review(
        local,
        obj!({"user": "u", "resourceAttributes": {"namespace": "ns"}}),
    );
    elsewhere.set(&["metadata", "namespace"], "other");
    assert_eq!(
        ask(&auth, "ns", elsewhere).await.err().map(|e| e.0),
        Some(400)
    );
}

#[tokio::test]
async fn one_may_ask_about_oneself() {
    let world = world().await;
    let auth = auth(&world).await;
    let body = obj!({"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"});
    let mut got = ask(&auth, "", body).await.expect("answered");
    assert!(got.unset(&["metadata", "creationTimestamp"]).is_some());
    assert_eq!(
        text(&got),
        r#"{"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1","metadata":{},"status":{"userInfo":{"username":"jane","uid":"u","groups":["g","system:authenticated"],"extra":{"scopes":["a"]}}}}"#
    );
    let body = review("SelfSubjectRulesReview", obj!({"namespace": "ns"}));
    assert_eq!(
        text(&ask(&auth, "", body).await.expect("answered")),
        r#"{"kind":"SelfSubjectRulesReview","apiVersion":"authorization.k8s.io/v1","metadata":{},"spec":{},"status":{"resourceRules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"],"resourceNames":["a"]}],"nonResourceRules":[{"verbs":["get"],"nonResourceURLs":["/x"]}],"incomplete":false,"evaluationError":"role.rbac.authorization.k8s.io \"absent\" not found"}}"#
    );
    let none = ask(&auth, "", review("SelfSubjectRulesReview", obj!({}))).await;
    assert_eq!(none, Err((400, "no namespace on request".to_owned())));
}

#[tokio::test]
async fn tokens_are_reviewed() {
    let world = world().await;
    let auth = auth(&world).await;
    let token = |token: &str| obj!({"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "spec": {"token": token}});
    let status = |v: Value| v.get("status").map(text).unwrap_or_default();
    let good = ask(&auth, "", token("secret")).await.expect("answered");
    assert_eq!(
        status(good),
        r#"{"authenticated":true,"user":{"username":"ann","uid":"1","groups":["g1","system:authenticated"]}}"#
    );
    let bad = ask(&auth, "", token("bogus")).await.expect("answered");
    assert_eq!(status(bad), r#"{"user":{},"error":"invalid bearer token"}"#);
    let why = "token is required for TokenReview in authentication";
    assert_eq!(ask(&auth, "", token("")).await, Err((400, why.to_owned())));
}
