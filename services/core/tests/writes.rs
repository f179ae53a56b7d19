//! Writes through the generic store with core's rules, admission and allocation.

mod support;

use std::{net::IpAddr, sync::Arc};

use catena_core::{Extras, Options, assemble};
use catena_objects::{Reason, Value, obj};
use catena_registry::{
    Context, Resource, Store,
    options::{DeleteOptions, Preconditions},
};
use catena_storage::{RangeRequest, Storage};
use support::Memory;

fn options() -> Options {
    Options {
        admission: catena_core::AdmissionFlags::default(),
        services: catena_core::Services {
            service_cluster_ip_range: vec!["10.0.0.0/28".parse().expect("a range")],
            service_node_port_range: (30000, 30003),
        },
        advertise_address: Some(IpAddr::from([192, 0, 2, 1])),
        secure_port: 6443,
        pods: catena_core::Pods::default(),
        kubelet: catena_core::KubeletFlags::default(),
        egress: Default::default(),
    }
}

struct World {
    resources: Vec<Arc<Resource>>,
    storage: Arc<dyn Storage>,
}

async fn world() -> World {
    let storage: Arc<dyn Storage> = Arc::new(Memory::default());
    let assembled = assemble::prepare(&options(), &storage, Extras::default())
        .await
        .expect("bootstrap");
    let resources = assembled.resources;
    World { resources, storage }
}

impl World {
    fn store(&self, group: &str, plural: &str) -> Store {
        let r = self
            .resources
            .iter()
            .find(|r| r.group == group && r.plural == plural);
        Store::new(r.expect("registered").clone(), self.storage.clone())
    }

    async fn create(
        &self,
        group: &str,
        plural: &str,
        ctx: &Context,
        o: Value,
    ) -> Result<Value, catena_objects::Status> {
        self.store(group, plural)
            .create(ctx, o)
            .await
            .map(|w| w.object)
    }

    async fn keys(&self, prefix: &str) -> usize {
        let answer = self
            .storage
            .range(RangeRequest::prefix(prefix))
            .await
            .expect("memory");
        answer.kvs.len()
    }
}

fn ctx(namespace: &str) -> Context {
    Context {
        namespace: namespace.into(),
        version: "v1".into(),
        now: "2026-01-02T03:04:05Z".into(),
        ..Context::default()
    }
}

fn service(name: &str, ty: &str) -> Value {
    obj!({
        "kind": "Service", "apiVersion": "v1", "metadata": {"name": name},
        "spec": {"type": ty, "ports": [{"port": 80i64}]}
    })
}

#[tokio::test]
async fn bootstrap_is_complete_and_changes_nothing_the_second_time() {
    let w = world().await;
    assert_eq!(w.keys("/registry/namespaces/").await, 4);
    assert!(w.keys("/registry/clusterroles/").await > 60);
    assert_eq!(w.keys("/registry/priorityclasses/").await, 2);
    assert_eq!(
        w.keys("/registry/services/specs/default/kubernetes").await,
        1
    );
    assert_eq!(w.keys("/registry/ipaddresses/10.0.0.1").await, 1);
    let before = w
        .storage
        .range(RangeRequest::prefix("/"))
        .await
        .expect("memory")
        .revision;
    assemble::prepare(&options(), &w.storage, Extras::default())
        .await
        .expect("bootstrap");
    let after = w
        .storage
        .range(RangeRequest::prefix("/"))
        .await
        .expect("memory")
        .revision;
    assert_eq!(before, after);
}

#[tokio::test]
async fn services_get_addresses_and_give_them_back() {
    let w = world().await;
    let made = w
        .create("", "services", &ctx("default"), service("a", "NodePort"))
        .await
        .expect("created");
    let ip = made.str_at(&["spec", "clusterIP"]).to_owned();
    let port = made.items_at(&["spec", "ports"])[0]
        .i64_at(&["nodePort"])
        .expect("a node port");
    assert!(ip.starts_with("10.0.0."));
    assert!((30000..=30003).contains(&port));
    assert_eq!(w.keys("/registry/ipaddresses/").await, 2);
    let mut other = service("b", "NodePort");
    other.set(&["spec", "clusterIP"], ip.as_str());
    let refused = w
        .create("", "services", &ctx("default"), other)
        .await
        .expect_err("taken");
    assert!(
        refused.message.contains("provided IP is already allocated"),
        "{}",
        refused.message
    );
    let store = w.store("", "services");
    store
        .delete(&ctx("default"), "a", &DeleteOptions::default())
        .await
        .expect("deleted");
    assert_eq!(w.keys("/registry/ipaddresses/").await, 1);
    for name in ["c", "d", "e", "f"] {
        w.create("", "services", &ctx("default"), service(name, "NodePort"))
            .await
            .expect("four ports are free");
    }
    let full = w
        .create("", "services", &ctx("default"), service("g", "NodePort"))
        .await
        .expect_err("full");
    assert!(full.message.contains("range is full"), "{}", full.message);
    assert_eq!(w.keys("/registry/ipaddresses/").await, 5);
}

#[tokio::test]
async fn a_dry_run_takes_nothing() {
    let w = world().await;
    let dry = Context {
        dry_run: true,
        ..ctx("default")
    };
    w.create("", "services", &dry, service("a", "NodePort"))
        .await
        .expect("would be created");
    assert_eq!(w.keys("/registry/ipaddresses/").await, 1);
    assert_eq!(w.keys("/registry/ranges/").await, 0);
}

#[tokio::test]
async fn another_type_gives_ports_back() {
    let w = world().await;
    w.create("", "services", &ctx("default"), service("a", "NodePort"))
        .await
        .expect("created");
    let store = w.store("", "services");
    let change = |old: Option<&Value>| {
        let mut o = old.cloned().unwrap_or_default();
        o.set(&["spec", "type"], "ClusterIP");
        Ok(o)
    };
    let written = store
        .update(
            &ctx("default"),
            "a",
            &Preconditions::default(),
            false,
            &change,
        )
        .await
        .expect("updated");
    assert!(
        written.object.items_at(&["spec", "ports"])[0]
            .i64_at(&["nodePort"])
            .is_none()
    );
    for name in ["c", "d", "e", "f"] {
        w.create("", "services", &ctx("default"), service(name, "NodePort"))
            .await
            .expect("four ports are free");
    }
}

#[tokio::test]
async fn namespaces_must_exist_and_terminate_in_two_steps() {
    let w = world().await;
    let map = obj!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "m"}});
    let missing = w
        .create("", "configmaps", &ctx("nope"), map.clone())
        .await
        .expect_err("absent");
    assert_eq!(
        (missing.reason, missing.message.as_str()),
        (Reason::NotFound, "namespaces \"nope\" not found")
    );
    let ns = obj!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "n"}});
    w.create("", "namespaces", &ctx(""), ns)
        .await
        .expect("created");
    w.create("", "configmaps", &ctx("n"), map.clone())
        .await
        .expect("created");
    let store = w.store("", "namespaces");
    let gone = store
        .delete(&ctx(""), "n", &DeleteOptions::default())
        .await
        .expect("marked");
    assert!(!gone.gone);
    assert_eq!(gone.object.str_at(&["status", "phase"]), "Terminating");
    let mut second = map;
    second.set(&["metadata", "name"], "m2");
    let refused = w
        .create("", "configmaps", &ctx("n"), second)
        .await
        .expect_err("terminating");
    assert_eq!(refused.reason, Reason::Forbidden);
    assert!(refused.message.contains("because it is being terminated"));
}

#[tokio::test]
async fn pods_get_account_tolerations_and_priority() {
    let w = world().await;
    let account =
        obj!({"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": "default"}});
    w.create("", "serviceaccounts", &ctx("default"), account)
        .await
        .expect("created");
    let pod = obj!({
        "kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "registry.example/app:v1"}]}
    });
    let made = w
        .create("", "pods", &ctx("default"), pod.clone())
        .await
        .expect("created");
    assert_eq!(made.str_at(&["spec", "serviceAccountName"]), "default");
    assert_eq!(made.items_at(&["spec", "tolerations"]).len(), 2);
    assert_eq!(made.i64_at(&["spec", "priority"]), Some(0));
    assert!(
        made.items_at(&["spec", "volumes"])[0]
            .str_at(&["name"])
            .starts_with("kube-api-access-")
    );
    let mut critical = pod;
    critical.set(&["metadata", "name"], "q");
    critical.set(&["spec", "priorityClassName"], "system-node-critical");
    let made = w
        .create("", "pods", &ctx("default"), critical)
        .await
        .expect("created");
    assert_eq!(made.i64_at(&["spec", "priority"]), Some(2_000_001_000));
}

#[tokio::test]
async fn quota_counts_and_refuses() {
    let w = world().await;
    let quota = obj!({
        "kind": "ResourceQuota", "apiVersion": "v1", "metadata": {"name": "rq"},
        "spec": {"hard": {"configmaps": "1"}}
    });
    w.create("", "resourcequotas", &ctx("default"), quota)
        .await
        .expect("created");
    let status = |old: Option<&Value>| {
        let mut o = old.cloned().unwrap_or_default();
        o.set(
            &["status"],
            obj!({"hard": {"configmaps": "1"}, "used": {"configmaps": "0"}}),
        );
        Ok(o)
    };
    let on_status = Context {
        subresource: "status".into(),
        ..ctx("default")
    };
    let store = w.store("", "resourcequotas");
    store
        .update(&on_status, "rq", &Preconditions::default(), false, &status)
        .await
        .expect("updated");
    let map =
        |name: &str| obj!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name}});
    w.create("", "configmaps", &ctx("default"), map("a"))
        .await
        .expect("created");
    let refused = w
        .create("", "configmaps", &ctx("default"), map("b"))
        .await
        .expect_err("exceeded");
    assert!(
        refused.message.ends_with(
            "exceeded quota: rq, requested: configmaps=1, used: configmaps=1, limited: configmaps=1"
        ),
        "{}",
        refused.message
    );
}

#[tokio::test]
async fn nobody_grants_more_than_they_have() {
    let w = world().await;
    let role = |name: &str, resource: &str| {
        obj!({
            "kind": "Role", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": name},
            "rules": [{"apiGroups": [""], "resources": [resource], "verbs": ["get"]}]
        })
    };
    let group = "rbac.authorization.k8s.io";
    let mut root = ctx("default");
    root.user.groups = vec!["system:masters".into()];
    w.create(group, "roles", &root, role("maps", "configmaps"))
        .await
        .expect("masters may");
    let binding = obj!({
        "kind": "RoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "b"},
        "subjects": [{"kind": "User", "name": "jane"}],
        "roleRef": {"kind": "Role", "name": "maps"}
    });
    w.create(group, "rolebindings", &root, binding)
        .await
        .expect("masters may");
    let mut jane = ctx("default");
    jane.user.name = "jane".into();
    jane.user.groups = vec!["system:authenticated".into()];
    w.create(group, "roles", &jane, role("same", "configmaps"))
        .await
        .expect("she has that");
    let refused = w
        .create(group, "roles", &jane, role("more", "secrets"))
        .await
        .expect_err("she has not");
    assert_eq!(
        refused.message,
        "roles.rbac.authorization.k8s.io \"more\" is forbidden: user \"jane\" (groups=[\"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\"]}"
    );
}

#[tokio::test]
async fn escalate_and_bind_let_grant_more_but_gathering_takes_everything() {
    let w = world().await;
    let group = "rbac.authorization.k8s.io";
    let version = "rbac.authorization.k8s.io/v1";
    let mut root = ctx("");
    root.user.groups = vec!["system:masters".into()];
    let role = |name: &str, rules: Value| obj!({"kind": "ClusterRole", "apiVersion": version, "metadata": {"name": name}, "rules": rules});
    let binding = |name: &str, role: &str, user: &str| {
        obj!({
            "kind": "ClusterRoleBinding", "apiVersion": version, "metadata": {"name": name},
            "subjects": [{"kind": "User", "name": user}],
            "roleRef": {"kind": "ClusterRole", "name": role}
        })
    };
    let verbs = |resource: &str, verbs: Value, names: Value| obj!([{"apiGroups": ["*"], "resources": [resource], "verbs": verbs, "resourceNames": names}]);
    let setup = [
        role("maps", verbs("configmaps", obj!(["get"]), obj!([]))),
        role(
            "secrets",
            obj!([
                {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "get"]},
                {"nonResourceURLs": ["/logs/*"], "verbs": ["get"]}
            ]),
        ),
        role(
            "grower",
            verbs("clusterroles", obj!(["escalate"]), obj!(["grown"])),
        ),
        role(
            "binder",
            verbs("clusterroles", obj!(["bind"]), obj!(["secrets"])),
        ),
    ];
    for r in setup {
        w.create(group, "clusterroles", &root, r)
            .await
            .expect("masters may");
    }
    for (i, r) in ["maps", "grower", "binder"].iter().enumerate() {
        let b = binding(&format!("b{i}"), r, "jane");
        w.create(group, "clusterrolebindings", &root, b)
            .await
            .expect("masters may");
    }
    let mut jane = ctx("");
    jane.user.name = "jane".into();
    let cases: [(&str, Value, &str); 6] = [
        (
            "clusterroles",
            role("grown", verbs("secrets", obj!(["get"]), obj!([]))),
            "",
        ),
        (
            "clusterroles",
            role(
                "other",
                verbs("secrets", obj!(["get", "list"]), obj!(["a", "b"])),
            ),
            "clusterroles.rbac.authorization.k8s.io \"other\" is forbidden: user \"jane\" (groups=[]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"*\"], Resources:[\"secrets\"], ResourceNames:[\"a\"], Verbs:[\"get\" \"list\"]}\n{APIGroups:[\"*\"], Resources:[\"secrets\"], ResourceNames:[\"b\"], Verbs:[\"get\" \"list\"]}",
        ),
        ("clusterrolebindings", binding("c1", "secrets", "joe"), ""),
        ("clusterrolebindings", binding("c2", "grower", "joe"), ""),
        (
            "clusterrolebindings",
            binding("c3", "absent", "joe"),
            "clusterrolebindings.rbac.authorization.k8s.io \"absent\" not found",
        ),
        (
            "clusterroles",
            obj!({
                "kind": "ClusterRole", "apiVersion": version, "metadata": {"name": "gather"},
                "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}
            }),
            "clusterroles.rbac.authorization.k8s.io \"gather\" is forbidden: must have cluster-admin privileges to use the aggregationRule",
        ),
    ];
    for (resource, object, refusal) in cases {
        let got = w.create(group, resource, &jane, object).await;
        let message = got.map_or_else(|e| e.message, |_| String::new());
        assert_eq!(message, refusal);
    }
}

#[tokio::test]
async fn events_are_one_kind_in_two_groups() {
    let w = world().await;
    let newer = w.store("events.k8s.io", "events");
    let event = obj!({
        "kind": "Event", "apiVersion": "events.k8s.io/v1", "metadata": {"name": "e"},
        "eventTime": "2026-01-02T03:04:05.000000Z", "reason": "Tested", "action": "Test", "type": "Normal",
        "reportingController": "test.example.com/c", "reportingInstance": "i", "note": "n",
        "regarding": {"kind": "Pod", "name": "p", "namespace": "default"}
    });
    let convert = newer.resource.versions[0]
        .conversion
        .clone()
        .expect("two shapes");
    newer
        .create(&ctx("default"), convert.to_storage(event))
        .await
        .expect("created");
    let seen = w
        .store("", "events")
        .get("default", "e")
        .await
        .expect("the same key");
    assert_eq!(seen.str_at(&["apiVersion"]), "v1");
    assert_eq!(seen.str_at(&["message"]), "n");
    assert_eq!(seen.str_at(&["involvedObject", "name"]), "p");
    let back = convert.from_storage(newer.get("default", "e").await.expect("stored"));
    assert_eq!(back.str_at(&["regarding", "name"]), "p");
}
