//! Roles and bindings: what they allow, with which words, and how soon.

mod support;

use catena_auth::{
    Auth,
    authz::{Attributes, Decision, forbidden_status},
};
use catena_delegate::RequestInfo;
use catena_objects::{Value, json, obj, user::User};
use support::{World, eventually};

fn user(name: &str, groups: &[&str]) -> User {
    User {
        name: name.to_owned(),
        groups: groups.iter().map(|g| (*g).to_owned()).collect(),
        ..User::default()
    }
}

/// `verb group/resource/subresource namespace name`, "-" for nothing.
fn on(user: &User, text: &str) -> Attributes {
    let mut parts = text.split(' ').map(|p| {
        if p == "-" {
            String::new()
        } else {
            p.to_owned()
        }
    });
    let mut next = || parts.next().unwrap_or_default();
    let (verb, what) = (next(), next());
    let mut what = what.splitn(3, '/').map(str::to_owned);
    let mut part = || what.next().unwrap_or_default();
    Attributes {
        user: user.clone(),
        verb,
        api_group: part(),
        resource: part(),
        subresource: part(),
        namespace: next(),
        name: next(),
        resource_request: true,
        ..Attributes::default()
    }
}

fn path(user: &User, verb: &str, path: &str) -> Attributes {
    Attributes {
        user: user.clone(),
        verb: verb.to_owned(),
        path: path.to_owned(),
        ..Attributes::default()
    }
}

fn role(namespace: &str, name: &str, rules: Value) -> (String, Value) {
    let (key, kind) = match namespace {
        "" => (format!("clusterroles/{name}"), "ClusterRole"),
        _ => (format!("roles/{namespace}/{name}"), "Role"),
    };
    let object = obj!({"kind": kind, "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": name, "namespace": namespace}, "rules": rules});
    (key, object)
}

fn binding(namespace: &str, name: &str, role: (&str, &str), subjects: Value) -> (String, Value) {
    let (key, kind) = match namespace {
        "" => (format!("clusterrolebindings/{name}"), "ClusterRoleBinding"),
        _ => (format!("rolebindings/{namespace}/{name}"), "RoleBinding"),
    };
    let object = obj!({
        "kind": kind, "apiVersion": "rbac.authorization.k8s.io/v1",
        "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": (role.0), "name": (role.1)},
        "subjects": subjects
    });
    (key, object)
}

fn put(world: &World, objects: &[(String, Value)]) {
    for (key, object) in objects {
        world.put(key, object);
    }
}

async fn allowed(auth: &Auth, a: &Attributes) -> bool {
    auth.authorize(a).await.0 == Decision::Allow
}

#[tokio::test]
async fn rules_allow_what_they_name() {
    let world = World::new();
    let rules = obj!([
        {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "pods/log", "*/scale"]},
        {"verbs": ["*"], "apiGroups": ["apps"], "resources": ["*"]},
        {"verbs": ["get"], "apiGroups": ["*"], "resources": ["configmaps"], "resourceNames": ["a", "b"]},
        {"verbs": ["get"], "nonResourceURLs": ["/healthz", "/logs/*"]}
    ]);
    let subjects = obj!([{"kind": "User", "name": "jane"}]);
    put(
        &world,
        &[
            role("", "r", rules),
            binding("", "b", ("ClusterRole", "r"), subjects),
        ],
    );
    let auth = world.auth(&["--authorization-mode=RBAC"]).await;
    let jane = user("jane", &[]);
    let yes = [
        "get /pods ns x",
        "list /pods - -",
        "get /pods/log ns x",
        "get /anything/scale ns x",
        "delete apps/deployments ns x",
        "patch apps/deployments/status ns x",
        "get /configmaps ns a",
        "get other/configmaps ns b",
    ];
    let no = [
        "delete /pods ns x",
        "get /pods/exec ns x",
        "get apps.x/deployments ns x",
        "get /configmaps ns c",
        "list /configmaps ns -",
        "get /secrets ns x",
        "* /pods ns x",
    ];
    for text in yes {
        assert!(allowed(&auth, &on(&jane, text)).await, "{text}");
    }
    for text in no {
        assert!(!allowed(&auth, &on(&jane, text)).await, "{text}");
    }
    for (verb, at, expected) in [
        ("get", "/healthz", true),
        ("get", "/logs/a/b", true),
        ("get", "/logs/", true),
        ("get", "/healthz/x", false),
        ("post", "/healthz", false),
        ("get", "/", false),
    ] {
        assert_eq!(
            allowed(&auth, &path(&jane, verb, at)).await,
            expected,
            "{verb} {at}"
        );
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn the_reason_names_binding_role_and_subject() {
    let world = World::new();
    let pods = || obj!([{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]);
    let mixed = obj!([
        {"kind": "Group", "name": "g2"}, {"kind": "Group", "name": "g1"}, {"kind": "User", "name": "jane"}
    ]);
    put(
        &world,
        &[
            role("", "r", pods()),
            role("ns", "r", pods()),
            binding("", "mixed", ("ClusterRole", "r"), mixed),
            binding(
                "ns",
                "local",
                ("Role", "r"),
                obj!([{"kind": "ServiceAccount", "name": "s"}]),
            ),
            binding(
                "ns",
                "far",
                ("ClusterRole", "r"),
                obj!([{"kind": "ServiceAccount", "name": "s", "namespace": "other"}]),
            ),
            binding(
                "",
                "nowhere",
                ("ClusterRole", "r"),
                obj!([{"kind": "ServiceAccount", "name": "s"}]),
            ),
            binding(
                "ns",
                "gone",
                ("Role", "absent"),
                obj!([{"kind": "User", "name": "joe"}]),
            ),
            binding(
                "",
                "odd",
                ("Rule", "r"),
                obj!([{"kind": "User", "name": "joe"}]),
            ),
        ],
    );
    let auth = world.auth(&["--authorization-mode=RBAC"]).await;
    let yes = |text: &str| (Decision::Allow, format!("RBAC: allowed by {text}"));
    let cases = [
        (user("jane", &[]), yes("ClusterRoleBinding \"mixed\" of ClusterRole \"r\" to User \"jane\"")),
        (user("jane", &["g1", "g2"]), yes("ClusterRoleBinding \"mixed\" of ClusterRole \"r\" to Group \"g2\"")),
        (
            user("system:serviceaccount:ns:s", &[]),
            yes("RoleBinding \"local/ns\" of Role \"r\" to ServiceAccount \"s/ns\""),
        ),
        (
            user("system:serviceaccount:other:s", &[]),
            yes("RoleBinding \"far/ns\" of ClusterRole \"r\" to ServiceAccount \"s/other\""),
        ),
        (user("root", &["system:masters"]), (Decision::Allow, String::new())),
        (user("kim", &[]), (Decision::NoOpinion, String::new())),
        (user("system:serviceaccount::s", &[]), (Decision::NoOpinion, String::new())),
        (
            user("joe", &[]),
            (
                Decision::NoOpinion,
                "RBAC: [unsupported role reference kind: \"Rule\", role.rbac.authorization.k8s.io \"absent\" not found]".to_owned(),
            ),
        ),
    ];
    for (who, expected) in cases {
        let got = auth.authorize(&on(&who, "get /pods ns x")).await;
        assert_eq!(got, expected, "{who:?}");
    }
    let elsewhere = on(
        &user("system:serviceaccount:ns:s", &[]),
        "get /pods other x",
    );
    assert!(!allowed(&auth, &elsewhere).await);
}

#[tokio::test]
async fn changes_are_seen_and_outages_survived() {
    let world = World::new();
    let auth = world.auth(&["--authorization-mode=RBAC"]).await;
    let a = on(&user("jane", &[]), "get /pods ns x");
    assert!(!allowed(&auth, &a).await);
    let pods = obj!([{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]);
    let subjects = obj!([{"kind": "User", "name": "jane"}]);
    let given = binding("ns", "b", ("Role", "r"), subjects);
    put(&world, &[given.clone(), role("ns", "r", pods)]);
    eventually(async || allowed(&auth, &a).await).await;
    world.storage.set_down(true);
    assert!(allowed(&auth, &a).await);
    world.delete(&given.0);
    assert!(allowed(&auth, &a).await);
    world.storage.set_down(false);
    eventually(async || !allowed(&auth, &a).await).await;
    put(&world, &[given]);
    eventually(async || allowed(&auth, &a).await).await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn bootstrap_roles_do_what_components_need() {
    let world = World::new();
    let all = json::parse(catena_facts::bootstrap_rbac().as_bytes()).expect("JSON");
    for object in all.as_array().expect("a list") {
        let meta = |f: &str| object.str_at(&["metadata", f]).to_owned();
        let resource = format!("{}s", object.str_at(&["kind"]).to_ascii_lowercase());
        let key = match meta("namespace").as_str() {
            "" => format!("{resource}/{}", meta("name")),
            ns => format!("{resource}/{ns}/{}", meta("name")),
        };
        world.put(&key, object);
    }
    let auth = world.auth(&["--authorization-mode=Node,RBAC"]).await;
    let cases = [
        (
            user("system:kube-scheduler", &[]),
            "create /pods/binding ns x",
            true,
        ),
        (
            user("system:kube-controller-manager", &[]),
            "list /pods - -",
            true,
        ),
        (
            user("admin", &["system:masters"]),
            "delete /nodes - n",
            true,
        ),
        (
            user(
                "system:serviceaccount:kube-system:namespace-controller",
                &[],
            ),
            "deletecollection apps/deployments ns -",
            true,
        ),
        (
            user("jane", &["system:authenticated"]),
            "create authorization.k8s.io/selfsubjectaccessreviews - -",
            true,
        ),
        (
            user("jane", &["system:authenticated"]),
            "list /pods ns -",
            false,
        ),
        (
            user("system:bootstrap:x", &["system:bootstrappers"]),
            "list /secrets ns -",
            false,
        ),
        (
            user("system:anonymous", &["system:unauthenticated"]),
            "list /pods ns -",
            false,
        ),
    ];
    for (who, text, expected) in cases {
        assert_eq!(
            allowed(&auth, &on(&who, text)).await,
            expected,
            "{} {text}",
            who.name
        );
    }
    let nobody = user("system:anonymous", &["system:unauthenticated"]);
    for (at, expected) in [("/healthz", true), ("/version", true), ("/metrics", false)] {
        assert_eq!(
            allowed(&auth, &path(&nobody, "get", at)).await,
            expected,
            "{at}"
        );
    }
}

#[tokio::test]
async fn modes_are_asked_in_order() {
    let world = World::new();
    let jane = user("jane", &[]);
    let a = on(&jane, "get /pods ns x");
    let denied = (Decision::NoOpinion, "Everything is forbidden.".to_owned());
    let cases = [
        ("AlwaysAllow", (Decision::Allow, String::new())),
        ("AlwaysDeny", denied),
        ("AlwaysDeny,AlwaysAllow", (Decision::Allow, String::new())),
        ("Node,RBAC", (Decision::NoOpinion, String::new())),
    ];
    for (modes, expected) in cases {
        let auth = world
            .auth(&[&format!("--authorization-mode={modes}")])
            .await;
        assert_eq!(auth.authorize(&a).await, expected, "{modes}");
    }
}

#[test]
fn refusals_have_the_words_of_kube_apiserver() {
    let jane = user("ja\"ne", &[]);
    let cases = [
        (
            on(&jane, "list /pods ns -"),
            "why",
            "pods is forbidden: User \"ja\\\"ne\" cannot list resource \"pods\" in API group \"\" in the namespace \"ns\": why",
        ),
        (
            on(&jane, "get /pods/log ns x"),
            "",
            "pods \"x\" is forbidden: User \"ja\\\"ne\" cannot get resource \"pods/log\" in API group \"\" in the namespace \"ns\"",
        ),
        (
            on(&jane, "list apps/deployments - -"),
            "",
            "deployments.apps is forbidden: User \"ja\\\"ne\" cannot list resource \"deployments\" in API group \"apps\" at the cluster scope",
        ),
        (
            path(&jane, "get", "/a<b>&c"),
            "",
            "forbidden: User \"ja\\\"ne\" cannot get path \"/a&lt;b&gt;&amp;c\"",
        ),
    ];
    for (a, reason, expected) in cases {
        let status = forbidden_status(&a, reason);
        assert_eq!((status.code, status.message.as_str()), (403, expected));
    }
}

#[test]
fn attributes_are_those_of_the_request() {
    let info = RequestInfo {
        is_resource: true,
        verb: "list".to_owned(),
        api_version: "v1".to_owned(),
        namespace: "ns".to_owned(),
        resource: "pods".to_owned(),
        ..RequestInfo::default()
    };
    let of = |info: &RequestInfo, query: &str| {
        Attributes::from_request(&User::default(), info, "/api/v1/namespaces/ns/pods", query)
    };
    let a = of(
        &info,
        "limit=5&fieldSelector=spec.nodeName%3Dn,status.phase!%3DFailed&labelSelector=a+in+(x,y),!b",
    );
    let shown = |list: &[catena_auth::authz::Requirement]| -> Vec<String> {
        let text = |r: &catena_auth::authz::Requirement| {
            format!("{} {} {}", r.key, r.operator, r.values.join("|"))
        };
        list.iter().map(text).collect()
    };
    assert_eq!(
        shown(&a.field_selector),
        ["spec.nodeName In n", "status.phase NotIn Failed"]
    );
    assert_eq!(shown(&a.label_selector), ["a In x|y", "b DoesNotExist "]);
    let broken = of(&info, "fieldSelector=a&labelSelector=%28");
    assert!(broken.field_selector_broken && broken.label_selector_broken);
    let get = RequestInfo {
        verb: "get".to_owned(),
        ..info
    };
    assert!(of(&get, "fieldSelector=a%3Db").field_selector.is_empty());
    let plain = of(
        &RequestInfo {
            verb: "get".to_owned(),
            ..RequestInfo::default()
        },
        "",
    );
    assert!(!plain.resource_request && plain.namespace.is_empty());
}
