//! What a kubelet may do: its own objects, and what its pods refer to
//! (`plugin/pkg/auth/authorizer/node`).

mod graph;
mod references;

use std::sync::Arc;

use catena_objects::{Value, json, json::go_quote};
use catena_storage::Storage;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use self::{graph::Graph, references::Kind};
use super::{Attributes, Decision, rbac::Rule};
use crate::{follow::follow, mirror, objects::Objects};

const GROUP: &str = "system:nodes";
const USER: &str = "system:node:";
const LEASES: &str = "kube-node-lease";

type Answer = (Decision, String);

/// Decides for members of `system:nodes`.
pub(crate) struct NodeAuthorizer {
    storage: Arc<dyn Storage>,
    objects: Objects,
    stop: CancellationToken,
    /// Filled by the first question: without kubelets there is none.
    graph: OnceCell<Arc<Graph>>,
    /// What every node may do (`system:node`).
    rules: Vec<Rule>,
}

fn allow() -> Answer {
    (Decision::Allow, String::new())
}

fn no(why: impl Into<String>) -> Answer {
    (Decision::NoOpinion, why.into())
}

/// Whether the user is a node, and which ("" for a name of another form).
pub(crate) fn identity(a: &catena_objects::user::User) -> Option<&str> {
    a.name.strip_prefix(USER).filter(|_| a.in_group(GROUP))
}

impl NodeAuthorizer {
    pub(crate) fn new(storage: Arc<dyn Storage>, stop: CancellationToken) -> Self {
        Self {
            objects: Objects::new(storage.clone()),
            storage,
            stop,
            graph: OnceCell::new(),
            rules: rules(),
        }
    }

    pub(crate) async fn authorize(&self, a: &Attributes) -> Answer {
        let Some(node) = identity(&a.user) else {
            return no("");
        };
        if node.is_empty() {
            return no(format!("unknown node for user {}", go_quote(&a.user.name)));
        }
        if a.resource_request {
            match (a.api_group.as_str(), a.resource.as_str()) {
                ("", "secrets") => return self.read(node, Kind::Secret, a).await,
                ("", "configmaps") => return self.read(node, Kind::ConfigMap, a).await,
                ("", "persistentvolumeclaims") if a.subresource == "status" => {
                    return self.claim_status(node, a).await;
                }
                ("", "persistentvolumeclaims" | "persistentvolumes")
                | ("resource.k8s.io", "resourceclaims")
                | ("storage.k8s.io", "volumeattachments") => return self.get(node, a).await,
                ("", "serviceaccounts") => return self.account(node, a).await,
                ("coordination.k8s.io", "leases") => return lease(node, a),
                ("storage.k8s.io", "csinodes") => return csi_node(node, a),
                ("resource.k8s.io", "resourceslices") => return self.slice(node, a).await,
                ("", "nodes") => return own_node(node, a),
                ("", "pods") => return self.pod(node, a).await,
                ("certificates.k8s.io", "podcertificaterequests") => return no(""),
                _ => {}
            }
        }
        if self.rules.iter().any(|r| r.allows(a)) {
            return allow();
        }
        no("")
    }

    async fn read(&self, node: &str, kind: Kind, a: &Attributes) -> Answer {
        if !["get", "list", "watch"].contains(&a.verb.as_str()) {
            return no("can only read resources of this type");
        }
        if !a.subresource.is_empty() {
            return no("cannot read subresource");
        }
        if a.namespace.is_empty() {
            return no("can only read namespaced object of this type");
        }
        self.related(node, kind, a).await
    }

    async fn get(&self, node: &str, a: &Attributes) -> Answer {
        if a.verb != "get" {
            return no("can only get individual resources of this type");
        }
        if !a.subresource.is_empty() {
            return no("cannot get subresource");
        }
        match a.resource.as_str() {
            "persistentvolumeclaims" => self.related(node, Kind::Claim, a).await,
            "resourceclaims" => self.related(node, Kind::ResourceClaim, a).await,
            "persistentvolumes" => self.volume(node, a).await,
            "pods" => self.running(node, a).await,
            _ => self.of_node(node, "volumeattachments", a).await,
        }
    }

    async fn claim_status(&self, node: &str, a: &Attributes) -> Answer {
        if !["update", "patch"].contains(&a.verb.as_str()) {
            return no("can only get/update/patch this type");
        }
        self.related(node, Kind::Claim, a).await
    }

    async fn account(&self, node: &str, a: &Attributes) -> Answer {
        if a.verb == "get" && a.subresource.is_empty() {
            return self.read(node, Kind::ServiceAccount, a).await;
        }
        if a.verb != "create" || a.name.is_empty() {
            return no("can only create tokens for individual service accounts");
        }
        if a.subresource != "token" {
            return no("can only create token subresource of serviceaccount");
        }
        self.related(node, Kind::ServiceAccount, a).await
    }

    async fn slice(&self, node: &str, a: &Attributes) -> Answer {
        if !a.subresource.is_empty() {
            return no("cannot authorize ResourceSlice subresources");
        }
        match a.verb.as_str() {
            // Admission looks into the object.
            "create" => allow(),
            "get" | "update" | "patch" | "delete" => self.of_node(node, "resourceslices", a).await,
            "watch" | "list" | "deletecollection" if a.is_limited_to("spec.nodeName", node) => {
                allow()
            }
            "watch" | "list" | "deletecollection" => no(
                "can only list/watch/deletecollection resourceslices with nodeName field selector",
            ),
            _ => no(
                "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection",
            ),
        }
    }

    async fn pod(&self, node: &str, a: &Attributes) -> Answer {
        match (a.subresource.as_str(), a.verb.as_str()) {
            ("", "get") => self.get(node, a).await,
            ("", "list" | "watch") if a.is_limited_to("spec.nodeName", node) => allow(),
            ("", "list" | "watch") if !a.name.is_empty() => self.running(node, a).await,
            ("", "list" | "watch") => {
                no("can only list/watch pods with spec.nodeName field selector")
            }
            // Admission looks into the object.
            ("", "create" | "delete") | ("status", "update" | "patch") | ("eviction", "create") => {
                allow()
            }
            _ => no(""),
        }
    }

    async fn running(&self, node: &str, a: &Attributes) -> Answer {
        let Some(graph) = self.graph().await else {
            return unrelated(node);
        };
        answer(node, graph.runs(node, &a.namespace, &a.name))
    }

    /// Whether a pod of the node, or a volume of such a pod, names the object.
    async fn related(&self, node: &str, kind: Kind, a: &Attributes) -> Answer {
        if a.name.is_empty() {
            return no("No Object name found");
        }
        let Some(graph) = self.graph().await else {
            return unrelated(node);
        };
        if graph.refers(node, kind, &a.namespace, &a.name) {
            return allow();
        }
        let by_volume = kind == Kind::Secret && self.volumes_name(&graph, node, a).await;
        answer(node, by_volume)
    }

    async fn volumes_name(&self, graph: &Graph, node: &str, a: &Attributes) -> bool {
        for (namespace, name) in graph.claims(node) {
            let claims = "persistentvolumeclaims";
            let Some(claim) = self.objects.find(claims, &namespace, &name).await else {
                continue;
            };
            let volume = claim.str_at(&["spec", "volumeName"]);
            if volume.is_empty() {
                continue;
            }
            let Some(volume) = self.objects.find("persistentvolumes", "", volume).await else {
                continue;
            };
            if claim_of(&volume) == (namespace, name)
                && references::volume_names_secret(&volume, &a.namespace, &a.name)
            {
                return true;
            }
        }
        false
    }

    async fn volume(&self, node: &str, a: &Attributes) -> Answer {
        if a.name.is_empty() {
            return no("No Object name found");
        }
        let found = self.objects.find("persistentvolumes", "", &a.name).await;
        let (Some(volume), Some(graph)) = (found, self.graph().await) else {
            return unrelated(node);
        };
        answer(node, graph.claims(node).contains(&claim_of(&volume)))
    }

    /// Whether the object of the cluster says that it is the node's.
    async fn of_node(&self, node: &str, resource: &str, a: &Attributes) -> Answer {
        if a.name.is_empty() {
            return no("No Object name found");
        }
        let found = self.objects.find(resource, "", &a.name).await;
        let named = |v: Value| v.str_at(&["spec", "nodeName"]) == node;
        answer(node, found.is_some_and(named))
    }

    async fn graph(&self) -> Option<Arc<Graph>> {
        let start = || async {
            let graph = Arc::new(Graph::default());
            // Whoever asks may go away, and storage may not answer: the next one
            // starts anew, and what follows storage must not pile up.
            let stop = self.stop.child_token();
            let abandoned = stop.clone().drop_guard();
            let pods = "/registry/pods/";
            let changes = follow(self.storage.clone(), pods, graph.clone(), stop);
            mirror::synced(&mut [changes]).await?;
            abandoned.disarm();
            anyhow::Ok(graph)
        };
        match self.graph.get_or_try_init(start).await {
            Ok(graph) => Some(graph.clone()),
            Err(e) => {
                tracing::warn!(error = %e, "pods of nodes are not known");
                None
            }
        }
    }
}

fn claim_of(volume: &Value) -> (String, String) {
    let part = |f: &str| volume.str_at(&["spec", "claimRef", f]).to_owned();
    (part("namespace"), part("name"))
}

fn unrelated(node: &str) -> Answer {
    no(format!(
        "no relationship found between node '{node}' and this object"
    ))
}

fn answer(node: &str, related: bool) -> Answer {
    if related { allow() } else { unrelated(node) }
}

fn lease(node: &str, a: &Attributes) -> Answer {
    if !["get", "create", "update", "patch", "delete"].contains(&a.verb.as_str()) {
        return no("can only get, create, update, patch, or delete a node lease");
    }
    if a.namespace != LEASES {
        let namespace = go_quote(LEASES);
        return no(format!(
            "can only access leases in the {namespace} system namespace"
        ));
    }
    if a.verb != "create" && a.name != node {
        return no("can only access node lease with the same name as the requesting node");
    }
    allow()
}

fn csi_node(node: &str, a: &Attributes) -> Answer {
    if !["get", "create", "update", "patch", "delete"].contains(&a.verb.as_str()) {
        return no("can only get, create, update, patch, or delete a CSINode");
    }
    if !a.subresource.is_empty() {
        return no("cannot authorize CSINode subresources");
    }
    if a.verb != "create" && a.name != node {
        return no("can only access CSINode with the same name as the requesting node");
    }
    allow()
}

fn own_node(node: &str, a: &Attributes) -> Answer {
    match (a.subresource.as_str(), a.verb.as_str()) {
        // Admission looks into the object.
        ("", "create" | "update" | "patch") | ("status", "update" | "patch") => allow(),
        ("", "get" | "list" | "watch") if a.name == node => allow(),
        ("", "get" | "list" | "watch") if a.name.is_empty() => no(format!(
            "node '{node}' cannot read all nodes, only its own Node object"
        )),
        ("", "get" | "list" | "watch") => no(format!(
            "node '{node}' cannot read '{}', only its own Node object",
            a.name
        )),
        _ => no(""),
    }
}

/// The rules of the bootstrap role for nodes.
fn rules() -> Vec<Rule> {
    let all = json::parse(catena_facts::bootstrap_rbac().as_bytes()).unwrap_or_default();
    let role = all.as_array().unwrap_or_default().iter().find(|o| {
        o.str_at(&["kind"]) == "ClusterRole" && o.str_at(&["metadata", "name"]) == "system:node"
    });
    role.map(|r| r.items_at(&["rules"]).iter().map(Rule::parse).collect())
        .unwrap_or_default()
}
