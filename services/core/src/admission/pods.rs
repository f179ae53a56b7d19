//! Small plugins that need nothing but the object.

use async_trait::async_trait;
use catena_objects::{Status, Value, obj};
use catena_registry::{Admission, Attributes, Operation};

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const TOLERATED_SECONDS: i64 = 300;

/// DefaultTolerationSeconds: pods stay five minutes on a node that went away.
pub(super) struct DefaultTolerationSeconds;

#[async_trait]
impl Admission for DefaultTolerationSeconds {
    fn handles(&self, operation: Operation, group: &str, resource: &str, sub: &str) -> bool {
        matches!(operation, Operation::Create | Operation::Update)
            && group.is_empty()
            && resource == "pods"
            && sub.is_empty()
    }

    async fn admit(&self, a: &mut Attributes<'_>) -> Result<(), Status> {
        let Some(pod) = a.object.as_deref_mut() else {
            return Ok(());
        };
        let mut all = pod.items_at(&["spec", "tolerations"]).to_vec();
        let before = all.len();
        for taint in [NOT_READY, UNREACHABLE] {
            if !all.iter().any(|t| tolerates(t, taint)) {
                all.push(obj!({
                    "key": taint, "operator": "Exists", "effect": "NoExecute",
                    "tolerationSeconds": TOLERATED_SECONDS
                }));
            }
        }
        if all.len() > before {
            pod.set(&["spec", "tolerations"], all);
        }
        Ok(())
    }
}

fn tolerates(toleration: &Value, taint: &str) -> bool {
    let key = toleration.str_at(&["key"]);
    let effect = toleration.str_at(&["effect"]);
    (key == taint || key.is_empty()) && (effect == "NoExecute" || effect.is_empty())
}

/// TaintNodesByCondition: a new node takes no pods until it says that it is ready.
pub(super) struct TaintNodesByCondition;

#[async_trait]
impl Admission for TaintNodesByCondition {
    fn handles(&self, operation: Operation, group: &str, resource: &str, sub: &str) -> bool {
        operation == Operation::Create && group.is_empty() && resource == "nodes" && sub.is_empty()
    }

    async fn admit(&self, a: &mut Attributes<'_>) -> Result<(), Status> {
        let Some(node) = a.object.as_deref_mut() else {
            return Ok(());
        };
        let mut taints = node.items_at(&["spec", "taints"]).to_vec();
        let same =
            |t: &Value| t.str_at(&["key"]) == NOT_READY && t.str_at(&["effect"]) == "NoSchedule";
        if !taints.iter().any(same) {
            taints.push(obj!({"key": NOT_READY, "effect": "NoSchedule"}));
            node.set(&["spec", "taints"], taints);
        }
        Ok(())
    }
}
