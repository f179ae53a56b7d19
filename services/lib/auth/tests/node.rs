//! What a kubelet may do.

mod support;

use catena_auth::authz::{Attributes, Decision, Requirement};
use catena_objects::{Value, obj, user::User};
use support::{World, eventually};

fn kubelet(node: &str) -> User {
    User {
        name: format!("system:node:{node}"),
        groups: vec!["system:nodes".to_owned()],
        ..User::default()
    }
}

/// `verb group/resource/subresource namespace name`, "-" for nothing.
fn on(text: &str) -> Attributes {
    let parts: Vec<&str> = text.split(' ').collect();
    let what: Vec<&str> = parts[1].split('/').collect();
    let at = |i: usize| parts[i].trim_matches('-').to_owned();
    Attributes {
        user: kubelet("n1"),
        verb: parts[0].to_owned(),
        api_group: what[0].to_owned(),
        resource: what[1].to_owned(),
        subresource: what.get(2).map(|s| (*s).to_owned()).unwrap_or_default(),
        namespace: at(2),
        name: if parts[3] == "-" {
            String::new()
        } else {
            parts[3].to_owned()
        },
        resource_request: true,
        ..Attributes::default()
    }
}

fn pod(name: &str, node: &str) -> Value {
    obj!({
        "kind": "Pod", "apiVersion": "v1", "metadata": {"name": name, "namespace": "ns"},
        "spec": {
            "nodeName": node,
            "serviceAccountName": "robot",
            "imagePullSecrets": [{"name": "pull"}],
            "initContainers": [{"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "env-secret", "key": "k"}}}]}],
            "containers": [{"envFrom": [{"configMapRef": {"name": "env-map"}}, {"secretRef": {"name": "from-secret"}}]}],
            "volumes": [
                {"name": "a", "secret": {"secretName": "vol-secret"}},
                {"name": "b", "configMap": {"name": "vol-map"}},
                {"name": "c", "projected": {"sources": [{"configMap": {"name": "kube-root-ca.crt"}}, {"secret": {"name": "part"}}]}},
                {"name": "d", "persistentVolumeClaim": {"claimName": "claim"}},
                {"name": "e", "ephemeral": {"volumeClaimTemplate": {}}},
                {"name": "f", "csi": {"driver": "d", "nodePublishSecretRef": {"name": "csi-secret"}}}
            ],
            "resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "t"}, {"name": "x", "resourceClaimName": "direct"}]
        },
        "status": {"resourceClaimStatuses": [{"name": "gpu", "resourceClaimName": "made"}]}
    })
}

async fn world() -> World {
    let world = World::new();
    world.put("pods/ns/p", &pod("p", "n1"));
    let mut mirror = pod("mirror", "n2");
    mirror.set(
        &["metadata", "annotations", "kubernetes.io/config.mirror"],
        "x",
    );
    world.put("pods/ns/mirror", &mirror);
    world.put("pods/ns/waiting", &pod("waiting", ""));
    world.put(
        "persistentvolumeclaims/ns/claim",
        &obj!({"metadata": {"name": "claim", "namespace": "ns"}, "spec": {"volumeName": "pv"}}),
    );
    let volume = |claim: &str, secret: &str| {
        obj!({
            "metadata": {"name": "pv"},
            "spec": {
                "claimRef": {"namespace": "ns", "name": claim},
                "csi": {"nodeStageSecretRef": {"name": secret, "namespace": "vault"}, "controllerPublishSecretRef": {"name": "hidden", "namespace": "vault"}}
            }
        })
    };
    world.put("persistentvolumes/pv", &volume("claim", "stage"));
    world.put("persistentvolumes/other", &volume("other", "stage"));
    world.put(
        "volumeattachments/mine",
        &obj!({"spec": {"nodeName": "n1"}}),
    );
    world.put(
        "volumeattachments/theirs",
        &obj!({"spec": {"nodeName": "n2"}}),
    );
    world.put("resourceslices/mine", &obj!({"spec": {"nodeName": "n1"}}));
    world
}

const ALLOWED: &[&str] = &[
    "get /secrets ns pull",
    "watch /secrets ns env-secret",
    "get /secrets ns from-secret",
    "get /secrets ns vol-secret",
    "get /secrets ns part",
    "get /secrets ns csi-secret",
    "get /secrets vault stage",
    "list /configmaps ns env-map",
    "get /configmaps ns vol-map",
    "get /configmaps ns kube-root-ca.crt",
    "get /persistentvolumeclaims ns claim",
    "get /persistentvolumeclaims ns p-e",
    "patch /persistentvolumeclaims/status ns claim",
    "get /persistentvolumes - pv",
    "get resource.k8s.io/resourceclaims ns made",
    "get resource.k8s.io/resourceclaims ns direct",
    "get storage.k8s.io/volumeattachments - mine",
    "get resource.k8s.io/resourceslices - mine",
    "create resource.k8s.io/resourceslices - -",
    "create /serviceaccounts/token ns robot",
    "get /serviceaccounts ns robot",
    "get /pods ns p",
    "create /pods ns -",
    "delete /pods ns p",
    "patch /pods/status ns p",
    "create /pods/eviction ns p",
    "get /nodes - n1",
    "watch /nodes - n1",
    "create /nodes - -",
    "patch /nodes/status - n1",
    "create coordination.k8s.io/leases kube-node-lease -",
    "update coordination.k8s.io/leases kube-node-lease n1",
    "get storage.k8s.io/csinodes - n1",
    "create /events ns -",
    "list /services - -",
    "create certificates.k8s.io/certificatesigningrequests - -",
    "create authentication.k8s.io/tokenreviews - -",
    "watch node.k8s.io/runtimeclasses - -",
];

const UNRELATED: &str = "no relationship found between node 'n1' and this object";

const REFUSED: &[(&str, &str)] = &[
    ("get /secrets ns other", UNRELATED),
    ("get /secrets other pull", UNRELATED),
    ("get /secrets vault hidden", UNRELATED),
    ("list /secrets ns -", "No Object name found"),
    (
        "get /secrets - pull",
        "can only read namespaced object of this type",
    ),
    (
        "update /secrets ns pull",
        "can only read resources of this type",
    ),
    (
        "get /configmaps/status ns vol-map",
        "cannot read subresource",
    ),
    (
        "list /persistentvolumeclaims ns claim",
        "can only get individual resources of this type",
    ),
    ("get /persistentvolumeclaims ns other", UNRELATED),
    ("get /persistentvolumes - other", UNRELATED),
    ("get storage.k8s.io/volumeattachments - theirs", UNRELATED),
    ("get resource.k8s.io/resourceslices - absent", UNRELATED),
    (
        "list resource.k8s.io/resourceslices - -",
        "can only list/watch/deletecollection resourceslices with nodeName field selector",
    ),
    ("create /serviceaccounts/token ns other", UNRELATED),
    (
        "create /serviceaccounts ns robot",
        "can only create token subresource of serviceaccount",
    ),
    (
        "list /serviceaccounts ns -",
        "can only create tokens for individual service accounts",
    ),
    ("get /pods ns waiting", UNRELATED),
    ("get /pods ns mirror", UNRELATED),
    (
        "list /pods ns -",
        "can only list/watch pods with spec.nodeName field selector",
    ),
    ("update /pods ns p", ""),
    (
        "list /nodes - -",
        "node 'n1' cannot read all nodes, only its own Node object",
    ),
    (
        "get /nodes - n2",
        "node 'n1' cannot read 'n2', only its own Node object",
    ),
    ("delete /nodes - n1", ""),
    (
        "get coordination.k8s.io/leases kube-node-lease n2",
        "can only access node lease with the same name as the requesting node",
    ),
    (
        "get coordination.k8s.io/leases default n1",
        "can only access leases in the \"kube-node-lease\" system namespace",
    ),
    (
        "list coordination.k8s.io/leases kube-node-lease -",
        "can only get, create, update, patch, or delete a node lease",
    ),
    (
        "get storage.k8s.io/csinodes - n2",
        "can only access CSINode with the same name as the requesting node",
    ),
    ("create apps/deployments ns -", ""),
    ("delete /namespaces - ns", ""),
];

#[tokio::test]
async fn a_kubelet_may_do_what_its_pods_need() {
    let world = world().await;
    let auth = world.auth(&["--authorization-mode=Node"]).await;
    for text in ALLOWED {
        let got = auth.authorize(&on(text)).await;
        assert_eq!(got, (Decision::Allow, String::new()), "{text}");
    }
    for (text, why) in REFUSED {
        let got = auth.authorize(&on(text)).await;
        assert_eq!(got, (Decision::NoOpinion, (*why).to_owned()), "{text}");
    }
    let mut own = on("list /pods - -");
    own.field_selector = vec![Requirement {
        key: "spec.nodeName".to_owned(),
        operator: "In".to_owned(),
        values: vec!["n1".to_owned()],
    }];
    assert_eq!(auth.authorize(&own).await.0, Decision::Allow);
    own.field_selector[0].values = vec!["n2".to_owned()];
    assert_eq!(auth.authorize(&own).await.0, Decision::NoOpinion);
}

#[tokio::test]
async fn rights_come_and_go_with_pods() {
    let world = world().await;
    let auth = world.auth(&["--authorization-mode=Node"]).await;
    let may = async |text: &str| auth.authorize(&on(text)).await.0 == Decision::Allow;
    assert!(may("get /secrets ns pull").await);
    world.delete("pods/ns/p");
    eventually(async || !may("get /secrets ns pull").await).await;
    world.put("pods/ns/waiting", &pod("waiting", "n1"));
    eventually(async || may("get /secrets ns pull").await).await;
    world.put("pods/ns/waiting", &pod("waiting", "n2"));
    eventually(async || !may("get /secrets ns pull").await).await;
}

#[tokio::test]
async fn only_nodes_are_nodes() {
    let world = world().await;
    let auth = world.auth(&["--authorization-mode=Node"]).await;
    let mut a = on("get /secrets ns pull");
    a.user.groups.clear();
    assert_eq!(
        auth.authorize(&a).await,
        (Decision::NoOpinion, String::new())
    );
    a.user = kubelet("");
    let why = "unknown node for user \"system:node:\"".to_owned();
    assert_eq!(auth.authorize(&a).await, (Decision::NoOpinion, why));
    let rules = auth.rules_for(&kubelet("n1"), "ns");
    assert!(rules.incomplete);
    assert_eq!(
        rules.errors,
        ["node authorizer does not support user rule resolution"]
    );
    a.user.name = "jane".to_owned();
    assert!(!auth.rules_for(&a.user, "ns").incomplete);
}
