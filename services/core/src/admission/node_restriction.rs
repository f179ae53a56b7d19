//! NodeRestriction: a kubelet changes its own node, the pods bound to it, and
//! nothing that would give it more (`plugin/pkg/admission/noderestriction`).

mod labels;
mod references;

use std::sync::Arc;

use async_trait::async_trait;
use catena_objects::{Status, Value, meta, user::User};
use catena_registry::{Admission, Attributes, Operation};

use super::forbidden;
use crate::{
    reader::ObjectReader,
    rules::equality::{same, same_at},
};

const MIRROR: &str = "kubernetes.io/config.mirror";
const LEASES: &str = "kube-node-lease";

pub(super) struct NodeRestriction {
    pub(super) reader: Arc<dyn ObjectReader>,
}

/// Name of the node that a user is; "" for one that has none.
fn node_of(user: &User) -> Option<&str> {
    if !user.in_group("system:nodes") {
        return None;
    }
    user.name.strip_prefix("system:node:")
}

#[async_trait]
impl Admission for NodeRestriction {
    fn handles(&self, operation: Operation, group: &str, resource: &str, _sub: &str) -> bool {
        operation != Operation::Connect
            && matches!(
                (group, resource),
                ("", "pods" | "nodes" | "persistentvolumeclaims")
                    | ("coordination.k8s.io", "leases")
                    | ("storage.k8s.io", "csinodes")
                    | ("resource.k8s.io", "resourceslices")
            )
    }

    async fn admit(&self, a: &mut Attributes<'_>) -> Result<(), Status> {
        let Some(node) = node_of(&a.ctx.user).map(str::to_owned) else {
            return Ok(());
        };
        if node.is_empty() {
            let user = &a.ctx.user.name;
            let why = format!("could not determine node from user {user:?}");
            return Err(forbidden(a, &why));
        }
        let why = match (a.resource.plural.as_str(), a.ctx.subresource.as_str()) {
            ("pods", "") => self.pod(a, &node).await?,
            ("pods", "status") => pod_status(a, &node),
            ("pods", other) => Some(format!(
                "unexpected pod subresource {other:?}, only 'status' and 'eviction' are allowed"
            )),
            ("nodes", _) => own_node(a, &node),
            ("persistentvolumeclaims", "status") => claim_status(a, &node),
            ("persistentvolumeclaims", _) => Some("may only update PVC status".to_owned()),
            ("leases", _) if a.ctx.namespace != LEASES => Some(format!(
                "can only access leases in the {LEASES:?} system namespace"
            )),
            ("leases", _) => named(a, &node, "node lease"),
            ("csinodes", _) => named(a, &node, "CSINode"),
            _ => slice(a, &node),
        };
        why.map_or(Ok(()), |why| Err(forbidden(a, &why)))
    }
}

impl NodeRestriction {
    /// Kubelets create mirror pods, and delete pods that are theirs.
    async fn pod(&self, a: &Attributes<'_>, node: &str) -> Result<Option<String>, Status> {
        match (a.operation, a.object.as_deref(), a.old) {
            (Operation::Create, Some(pod), _) => self.mirror_pod(pod, node).await,
            (Operation::Delete, _, Some(old)) => {
                let own = old.str_at(&["spec", "nodeName"]) == node;
                Ok((!own).then(|| {
                    format!("node {node:?} can only delete pods with spec.nodeName set to itself")
                }))
            }
            _ => Ok(Some(format!(
                "unexpected operation \"UPDATE\", node {node:?} can only create and delete mirror pods"
            ))),
        }
    }

    async fn mirror_pod(&self, pod: &Value, node: &str) -> Result<Option<String>, Status> {
        if pod.at(&["metadata", "annotations", MIRROR]).is_none() {
            return Ok(Some(format!(
                "pod does not have {MIRROR:?} annotation, node {node:?} can only create mirror pods"
            )));
        }
        let only = |what: &str| Some(format!("node {node:?} can only create pods with {what}"));
        if pod.str_at(&["spec", "nodeName"]) != node {
            return Ok(only("spec.nodeName set to itself"));
        }
        let owner = match pod.items_at(&["metadata", "ownerReferences"]) {
            [owner] => owner,
            [] => return Ok(only("an owner reference set to itself")),
            _ => return Ok(only("a single owner reference set to itself")),
        };
        let of = |field: &str| owner.str_at(&[field]);
        if (of("apiVersion"), of("kind"), of("name")) != ("v1", "Node", node) {
            return Ok(only("an owner reference set to itself"));
        }
        if owner.bool_at(&["controller"]) != Some(true) {
            return Ok(only("a controller owner reference set to itself"));
        }
        if owner.bool_at(&["blockOwnerDeletion"]) == Some(true) {
            return Ok(Some(format!(
                "node {node:?} must not set blockOwnerDeletion on an owner reference"
            )));
        }
        let Some(live) = self.reader.get("", "nodes", "", node).await? else {
            return Err(Status::not_found("", "nodes", node));
        };
        let uid = live.str_at(&["metadata", "uid"]);
        if of("uid") != uid {
            return Ok(Some(format!(
                "node {node} UID mismatch: expected {} got {uid}",
                of("uid")
            )));
        }
        Ok(references::first(pod)
            .map(|what| format!("node {node:?} can not create pods that reference {what}")))
    }
}

fn pod_status(a: &Attributes<'_>, node: &str) -> Option<String> {
    let (Some(new), Some(old)) = (a.object.as_deref(), a.old) else {
        return Some("unexpected operation".to_owned());
    };
    if old.str_at(&["spec", "nodeName"]) != node {
        return Some(format!(
            "node {node:?} can only update pod status for pods with spec.nodeName set to itself"
        ));
    }
    if !same_at(new, old, &["metadata", "labels"]) {
        return Some(format!(
            "node {node:?} cannot update labels through pod status"
        ));
    }
    if !same_at(new, old, &["status", "resourceClaimStatuses"]) {
        return Some(format!(
            "node {node:?} cannot update resource claim statues"
        ));
    }
    if !same_at(new, old, &["status", "extendedResourceClaimStatus"]) {
        return Some(format!(
            "node {node:?} cannot update extended resource claim status"
        ));
    }
    None
}

/// Name in the request, or of the object where the request has none.
fn name<'a>(a: &'a Attributes<'_>) -> &'a str {
    if a.name.is_empty() {
        a.object.as_deref().map_or("", meta::name)
    } else {
        a.name
    }
}

fn own_node(a: &Attributes<'_>, node: &str) -> Option<String> {
    let requested = name(a);
    if requested != node {
        return Some(format!(
            "node {node:?} is not allowed to modify node {requested:?}"
        ));
    }
    let new = a.object.as_deref()?;
    let null = Value::Null;
    let changed = labels::forbidden(new, a.old.unwrap_or(&null));
    let Some(old) = a.old else {
        return (!changed.is_empty()).then(|| {
            let list = changed.join(", ");
            format!("node {node:?} is not allowed to set the following labels: {list}")
        });
    };
    if !same_at(new, old, &["spec", "taints"]) {
        return Some(format!("node {node:?} is not allowed to modify taints"));
    }
    if !same_at(new, old, &["metadata", "ownerReferences"]) {
        return Some(format!(
            "node {node:?} is not allowed to modify ownerReferences"
        ));
    }
    (!changed.is_empty())
        .then(|| format!("is not allowed to modify labels: {}", changed.join(", ")))
}

fn claim_status(a: &Attributes<'_>, node: &str) -> Option<String> {
    const OPEN: [[&str; 2]; 6] = [
        ["metadata", "resourceVersion"],
        ["metadata", "managedFields"],
        ["status", "capacity"],
        ["status", "conditions"],
        ["status", "allocatedResourceStatuses"],
        ["status", "allocatedResources"],
    ];
    let (Some(new), Some(old)) = (a.object.as_deref(), a.old) else {
        return Some("unexpected operation".to_owned());
    };
    let closed = |object: &Value| {
        let mut object = object.clone();
        OPEN.iter().for_each(|path| drop(object.unset(path)));
        object
    };
    (!same(&closed(new), &closed(old))).then(|| {
        format!("node {node:?} is not allowed to update fields other than status.quantity and status.conditions")
    })
}

fn named(a: &Attributes<'_>, node: &str, what: &str) -> Option<String> {
    (name(a) != node)
        .then(|| format!("can only access {what} with the same name as the requesting node"))
}

fn slice(a: &Attributes<'_>, node: &str) -> Option<String> {
    let (object, verb) = match a.operation {
        Operation::Create => (a.object.as_deref()?, "create"),
        Operation::Delete => (a.old?, "delete"),
        _ => return None,
    };
    (object.str_at(&["spec", "nodeName"]) != node).then(|| {
        format!("can only {verb} ResourceSlice with the same NodeName as the requesting node")
    })
}

#[cfg(test)]
mod tests {
    use catena_objects::obj;

    use super::*;

    fn user(name: &str, group: &str) -> User {
        User {
            name: name.to_owned(),
            groups: vec![group.to_owned()],
            ..User::default()
        }
    }

    #[test]
    fn who_is_a_node() {
        assert_eq!(node_of(&user("system:node:a", "system:nodes")), Some("a"));
        assert_eq!(node_of(&user("system:node:a", "other")), None);
        assert_eq!(node_of(&user("eve", "system:nodes")), None);
    }

    #[test]
    fn labels_that_steer_pods_are_not_a_nodes_own() {
        let new = obj!({"metadata": {"labels": {
            "kubernetes.io/hostname": "a", "node.kubernetes.io/x": "1", "plain": "1",
            "node-role.kubernetes.io/control-plane": "", "node-restriction.kubernetes.io/y": "1",
            "topology.k8s.io/other": "1"
        }}});
        assert_eq!(
            labels::forbidden(&new, &Value::Null),
            [
                "node-restriction.kubernetes.io/y",
                "node-role.kubernetes.io/control-plane",
                "topology.k8s.io/other"
            ]
        );
        assert!(labels::forbidden(&new, &new).is_empty());
    }

    #[test]
    fn mirror_pods_refer_to_nothing() {
        let plain = obj!({"spec": {"containers": [{"name": "c", "env": [{"name": "A", "value": "1"}]}], "volumes": [{"name": "v", "hostPath": {"path": "/"}}]}});
        assert_eq!(references::first(&plain), None);
        let secret = obj!({"spec": {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}});
        assert_eq!(references::first(&secret), Some("secrets"));
        let env = obj!({"spec": {"containers": [{"name": "c", "envFrom": [{"configMapRef": {"name": "m"}}]}]}});
        assert_eq!(references::first(&env), Some("configmaps"));
    }
}
