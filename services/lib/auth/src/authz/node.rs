//! What a kubelet may do beyond its roles: objects that its pods name
//! (`plugin/pkg/auth/authorizer/node`).

use std::sync::Arc;

use catena_objects::Value;
use catena_storage::Storage;

use super::{Attributes, Decision};
use crate::objects::Objects;

const NODES: &str = "system:nodes";
const NODE: &str = "system:node:";

/// Decides for users of group system:nodes.
#[derive(Clone)]
pub(crate) struct NodeAuthorizer {
    objects: Objects,
}

impl NodeAuthorizer {
    pub(crate) fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            objects: Objects::new(storage),
        }
    }

    pub(crate) async fn authorize(&self, a: &Attributes) -> (Decision, String) {
        let no = |why: &str| (Decision::NoOpinion, why.to_owned());
        let Some(node) = a.user.name.strip_prefix(NODE) else {
            return no("");
        };
        if !a.user.in_group(NODES) || !a.resource_request {
            return no("");
        }
        let allowed = match (a.api_group.as_str(), a.resource.as_str()) {
            ("", "secrets" | "configmaps" | "persistentvolumeclaims") => {
                return self.named_by_pod(node, a).await;
            }
            ("", "persistentvolumes") => ["get"].contains(&a.verb.as_str()),
            ("", "serviceaccounts") if a.subresource == "token" => {
                return self.token(node, a).await;
            }
            ("", "nodes") => {
                a.name == node || ["create", "list", "watch"].contains(&a.verb.as_str())
            }
            ("", "pods") => self.pods(node, a).await,
            ("", "services") => ["get", "list", "watch"].contains(&a.verb.as_str()),
            ("", "events") | ("events.k8s.io", "events") => {
                ["create", "patch", "update"].contains(&a.verb.as_str())
            }
            ("coordination.k8s.io", "leases") => {
                a.namespace == "kube-node-lease" && (a.name == node || a.verb == "create")
            }
            ("storage.k8s.io", "csinodes") => a.name == node || a.verb == "create",
            ("storage.k8s.io", "csidrivers" | "volumeattachments")
            | ("node.k8s.io", "runtimeclasses") => {
                ["get", "list", "watch"].contains(&a.verb.as_str())
            }
            ("certificates.k8s.io", "certificatesigningrequests") => {
                ["create", "get", "list", "watch"].contains(&a.verb.as_str())
            }
            ("authentication.k8s.io", "tokenreviews")
            | ("authorization.k8s.io", "subjectaccessreviews" | "localsubjectaccessreviews") => {
                a.verb == "create"
            }
            ("resource.k8s.io", "resourceclaims" | "resourceslices") => true,
            _ => false,
        };
        if allowed {
            return (Decision::Allow, String::new());
        }
        no("")
    }

    async fn pods(&self, node: &str, a: &Attributes) -> bool {
        match a.verb.as_str() {
            "list" | "watch" => a.field_selector.iter().any(|r| {
                r.key == "spec.nodeName" && r.operator == "In" && r.values == [node.to_owned()]
            }),
            // Mirror pods; admission checks whose they are.
            "create" => true,
            _ => self
                .objects
                .get("pods", &a.namespace, &a.name)
                .await
                .is_none_or(|p| p.str_at(&["spec", "nodeName"]) == node),
        }
    }

    async fn named_by_pod(&self, node: &str, a: &Attributes) -> (Decision, String) {
        let reads = ["get", "list", "watch"].contains(&a.verb.as_str());
        if !reads || a.name.is_empty() {
            return (
                Decision::NoOpinion,
                "can only read resources of this type".to_owned(),
            );
        }
        let pods = self.objects.list("pods", &a.namespace).await;
        let mine = pods
            .iter()
            .filter(|p| p.str_at(&["spec", "nodeName"]) == node);
        if mine.into_iter().any(|p| names(p, &a.resource, &a.name)) {
            return (Decision::Allow, String::new());
        }
        let why = format!("no relationship found between node {node:?} and this object");
        (Decision::NoOpinion, why)
    }

    async fn token(&self, node: &str, a: &Attributes) -> (Decision, String) {
        let pods = self.objects.list("pods", &a.namespace).await;
        let runs = pods.iter().any(|p| {
            p.str_at(&["spec", "nodeName"]) == node
                && p.str_at(&["spec", "serviceAccountName"]) == a.name
        });
        if runs && a.verb == "create" {
            return (Decision::Allow, String::new());
        }
        let why = format!("no relationship found between node {node:?} and this object");
        (Decision::NoOpinion, why)
    }
}

/// Whether a pod refers to an object of its namespace: by any string of its
/// spec that is a reference to one of this kind.
fn names(pod: &Value, resource: &str, name: &str) -> bool {
    let fields: &[&str] = match resource {
        "secrets" => &[
            "secretName",
            "secretKeyRef",
            "secretRef",
            "imagePullSecrets",
            "secret",
            "nodePublishSecretRef",
        ],
        "configmaps" => &["configMap", "configMapKeyRef", "configMapRef"],
        _ => &["claimName"],
    };
    refers(pod.get("spec").unwrap_or(&Value::Null), fields, name)
        // Every pod mounts the root certificates.
        || (resource == "configmaps" && name == "kube-root-ca.crt")
}

fn refers(v: &Value, fields: &[&str], name: &str) -> bool {
    match v {
        Value::Object(map) => map.iter().any(|(key, value)| {
            (fields.contains(&key.as_str()) && is_named(value, name)) || refers(value, fields, name)
        }),
        Value::Array(items) => items.iter().any(|i| refers(i, fields, name)),
        _ => false,
    }
}

fn is_named(v: &Value, name: &str) -> bool {
    v.as_str() == Some(name)
        || v.str_at(&["name"]) == name
        || v.str_at(&["secretName"]) == name
        || v.as_array()
            .is_some_and(|items| items.iter().any(|i| i.str_at(&["name"]) == name))
}
