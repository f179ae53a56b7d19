//! Acting as someone else.

mod support;

use catena_auth::{Auth, authz::Attributes, impersonate};
use catena_objects::{Value, obj, user::User};
use support::{World, headers};

/// Who asks, the verb, the headers, and who acts then or why not.
type Case<'a> = (
    User,
    &'a str,
    &'a [(&'a str, &'a str)],
    Result<&'a str, &'a str>,
);

/// Rules of the user of each name.
#[expect(clippy::too_many_lines, reason = "a table of roles")]
async fn world() -> (World, Auth) {
    let world = World::new();
    let rule = |verbs: Value, group: &str, resources: Value| obj!({"verbs": verbs, "apiGroups": [group], "resources": resources});
    let here = "authentication.k8s.io";
    let roles = [
        (
            "legacy",
            obj!([
                (rule(
                    obj!(["impersonate"]),
                    "",
                    obj!(["users", "groups", "serviceaccounts"])
                )),
                (rule(
                    obj!(["impersonate"]),
                    here,
                    obj!(["userextras/scopes", "uids"])
                ))
            ]),
        ),
        (
            "limited",
            obj!([
                (rule(
                    obj!(["impersonate:user-info"]),
                    here,
                    obj!(["users", "groups"])
                )),
                (rule(obj!(["impersonate-on:user-info:list"]), "", obj!(["pods"])))
            ]),
        ),
        (
            "accounts",
            obj!([
                (rule(
                    obj!(["impersonate:serviceaccount"]),
                    here,
                    obj!(["serviceaccounts"])
                )),
                (rule(
                    obj!(["impersonate-on:serviceaccount:list"]),
                    "",
                    obj!(["pods"])
                ))
            ]),
        ),
        (
            "nodes",
            obj!([
                (rule(obj!(["impersonate:arbitrary-node"]), here, obj!(["nodes"]))),
                (rule(
                    obj!(["impersonate-on:arbitrary-node:list"]),
                    "",
                    obj!(["pods"])
                ))
            ]),
        ),
        (
            "system:serviceaccount:ns:agent",
            obj!([
                (rule(obj!(["impersonate:associated-node"]), here, obj!(["nodes"]))),
                (rule(
                    obj!(["impersonate-on:associated-node:list"]),
                    "",
                    obj!(["pods"])
                ))
            ]),
        ),
    ];
    for (i, (user, rules)) in roles.into_iter().enumerate() {
        let name = format!("r{i}");
        world.put(
            &format!("clusterroles/{name}"),
            &obj!({"metadata": {"name": (name.as_str())}, "rules": rules}),
        );
        world.put(
            &format!("clusterrolebindings/{name}"),
            &obj!({
                "metadata": {"name": (name.as_str())},
                "roleRef": {"kind": "ClusterRole", "name": (name.as_str())},
                "subjects": [{"kind": "User", "name": user}]
            }),
        );
    }
    let auth = world.auth(&["--authorization-mode=RBAC"]).await;
    (world, auth)
}

fn user(name: &str) -> User {
    User {
        name: name.to_owned(),
        ..User::default()
    }
}

fn request(user: User, verb: &str) -> Attributes {
    Attributes {
        user,
        verb: verb.to_owned(),
        api_version: "v1".to_owned(),
        resource: "pods".to_owned(),
        namespace: "ns".to_owned(),
        resource_request: true,
        ..Attributes::default()
    }
}

/// Name and groups of the user that acts, or the words of the refusal.
async fn acts(auth: &Auth, who: User, verb: &str, list: &[(&str, &str)]) -> Result<String, String> {
    let mut headers = headers(list);
    let wanted = impersonate::wanted(&mut headers)
        .expect("named")
        .expect("asked");
    assert!(headers.is_empty());
    let got = auth.impersonate(&wanted, &request(who, verb)).await;
    got.map(|u| format!("{} {}", u.name, u.groups.join(",")))
        .map_err(|s| s.message)
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn each_mode_takes_its_own_rights() {
    let (_world, auth) = world().await;
    let as_jane = [("impersonate-user", "jane"), ("impersonate-group", "devs")];
    let as_account = [("impersonate-user", "system:serviceaccount:ns:robot")];
    let as_node = [("impersonate-user", "system:node:n1")];
    let mut agent = user("system:serviceaccount:ns:agent");
    agent.extra.insert(
        "authentication.kubernetes.io/node-name".to_owned(),
        vec!["n1".to_owned()],
    );
    let mut elsewhere = agent.clone();
    elsewhere.extra.insert(
        "authentication.kubernetes.io/node-name".to_owned(),
        vec!["n2".to_owned()],
    );
    let masters = User {
        groups: vec!["system:masters".to_owned()],
        ..user("root")
    };
    let account = "system:serviceaccount:ns:robot system:serviceaccounts,system:serviceaccounts:ns,system:authenticated";
    let cases: Vec<Case<'_>> = vec![
        (
            user("legacy"),
            "delete",
            &as_jane,
            Ok("jane devs,system:authenticated"),
        ),
        (user("legacy"), "list", &as_account, Ok(account)),
        (
            user("legacy"),
            "list",
            &as_node,
            Ok("system:node:n1 system:authenticated"),
        ),
        (
            user("legacy"),
            "list",
            &[("impersonate-user", "system:anonymous")],
            Ok("system:anonymous system:unauthenticated"),
        ),
        (
            user("legacy"),
            "list",
            &[
                ("impersonate-user", "x"),
                ("impersonate-group", "system:unauthenticated"),
            ],
            Ok("x system:unauthenticated"),
        ),
        (
            user("legacy"),
            "list",
            &[
                ("impersonate-user", "x"),
                ("impersonate-uid", "u"),
                ("impersonate-extra-scopes", "a"),
            ],
            Ok("x system:authenticated"),
        ),
        (
            user("limited"),
            "list",
            &as_jane,
            Ok("jane devs,system:authenticated"),
        ),
        (
            user("limited"),
            "delete",
            &as_jane,
            Err(
                "pods is forbidden: User \"limited\" cannot impersonate-on:user-info:delete resource \"pods\" in API group \"\" in the namespace \"ns\"",
            ),
        ),
        (
            user("limited"),
            "list",
            &[
                ("impersonate-user", "jane"),
                ("impersonate-group", "system:masters"),
            ],
            Err(
                "groups.authentication.k8s.io \"system:masters\" is forbidden: User \"limited\" cannot impersonate:user-info resource \"groups\" in API group \"authentication.k8s.io\" at the cluster scope: impersonating the system:masters group is not allowed",
            ),
        ),
        (
            user("limited"),
            "list",
            &[
                ("impersonate-user", "jane"),
                ("impersonate-extra-scopes", "a"),
            ],
            Err(
                "userextras.authentication.k8s.io is forbidden: User \"limited\" cannot impersonate:user-info resource \"userextras\" in API group \"authentication.k8s.io\" at the cluster scope: impersonating an invalid key in extra is not allowed: extra.key: Invalid value: \"scopes\": must be a domain-prefixed path (such as \"acme.io/foo\")",
            ),
        ),
        (
            user("limited"),
            "list",
            &as_account,
            Err(
                "pods is forbidden: User \"limited\" cannot impersonate-on:serviceaccount:list resource \"pods\" in API group \"\" in the namespace \"ns\"",
            ),
        ),
        (user("accounts"), "list", &as_account, Ok(account)),
        (
            user("nodes"),
            "list",
            &as_node,
            Ok("system:node:n1 system:nodes,system:authenticated"),
        ),
        (
            agent,
            "list",
            &as_node,
            Ok("system:node:n1 system:nodes,system:authenticated"),
        ),
        (
            elsewhere,
            "list",
            &as_node,
            Err(
                "pods is forbidden: User \"system:serviceaccount:ns:agent\" cannot impersonate-on:arbitrary-node:list resource \"pods\" in API group \"\" in the namespace \"ns\"",
            ),
        ),
        (
            masters,
            "list",
            &[
                ("impersonate-user", "x"),
                ("impersonate-group", "system:masters"),
            ],
            Ok("x system:masters,system:authenticated"),
        ),
    ];
    for (who, verb, list, expected) in cases {
        let got = acts(&auth, who.clone(), verb, list).await;
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(got, expected, "{} {verb} {list:?}", who.name);
    }
}

#[test]
fn headers_name_whom() {
    let mut none = headers(&[("accept", "*/*")]);
    assert_eq!(impersonate::wanted(&mut none), Ok(None));
    let mut all = headers(&[
        ("Impersonate-User", "jane"),
        ("Impersonate-Uid", "u"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-Acme.com%2Fscopes", "x"),
        ("Impersonate-Extra-Acme.com%2Fscopes", "y"),
        ("accept", "*/*"),
    ]);
    let user = impersonate::wanted(&mut all).expect("fine").expect("asked");
    assert_eq!((user.name.as_str(), user.uid.as_str()), ("jane", "u"));
    assert_eq!(user.groups, ["a", "b"]);
    assert_eq!(user.extra["acme.com/scopes"], ["x", "y"]);
    assert_eq!(all, none);
    let cases = [
        (
            ("impersonate-group", "g"),
            "requested &user.DefaultInfo{Name:\"\", UID:\"\", Groups:[]string{\"g\"}, Extra:map[string][]string(nil)} without impersonating a user name",
        ),
        (
            ("impersonate-extra-a", "b"),
            "requested &user.DefaultInfo{Name:\"\", UID:\"\", Groups:[]string(nil), Extra:map[string][]string{\"a\":[]string{\"b\"}}} without impersonating a user name",
        ),
    ];
    for (header, why) in cases {
        let refused = impersonate::wanted(&mut headers(&[header])).expect_err("no name");
        assert_eq!((refused.code, refused.message.as_str()), (400, why));
    }
}
