//! Pods of a workload: why they do not start, and those that hold up a change.

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, ListParams, Preconditions},
};
use serde_json::Value;

use crate::{
    apply::Applier,
    error::{Error, Of as _},
    objects, rollout,
};

/// So much of what a kubelet or a scheduler says is told on.
const LONGEST: usize = 300;
/// A container that is on its way.
const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

async fn list(applier: &Applier, workload: &Value) -> Result<Vec<Pod>, Error> {
    let params = ListParams::default().labels(&objects::selector(workload));
    let pods = api(applier).list(&params).await.of("list Pods")?;
    Ok(pods.items)
}

fn api(applier: &Applier) -> Api<Pod> {
    Api::namespaced(applier.client.clone(), &applier.namespace)
}

/// Why a pod of a workload does not start, where one does not.
///
/// # Errors
/// When the API server refuses.
pub(super) async fn trouble(applier: &Applier, workload: &Value) -> Result<Option<String>, Error> {
    let pods = list(applier, workload).await?;
    Ok(pods.iter().find_map(why))
}

fn why(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let init = status.init_container_statuses.iter().flatten();
    let containers = init.chain(status.container_statuses.iter().flatten());
    let waiting = containers.filter_map(|c| c.state.as_ref()?.waiting.as_ref());
    let said = waiting
        .filter_map(|w| Some((w.reason.as_deref()?, w.message.as_deref())))
        .find(|(reason, _)| !STARTING.contains(reason));
    let unscheduled = || {
        let all = status.conditions.iter().flatten();
        let mut all = all.filter(|c| c.type_ == "PodScheduled" && c.status == "False");
        let condition = all.next()?;
        Some((condition.reason.as_deref()?, condition.message.as_deref()))
    };
    let (reason, message) = said.or_else(unscheduled)?;
    let message: String = message.unwrap_or_default().chars().take(LONGEST).collect();
    Some(format!("pod {}: {reason} {message}", pod.name_any()))
}

/// A StatefulSet waits for a pod of an old revision to be ready before it
/// replaces it; one that never will be has to go by hand
/// (kubernetes/kubernetes#67250).
///
/// # Errors
/// When the API server refuses.
pub(super) async fn free_a_stuck_one(applier: &Applier, store: &Value) -> Result<(), Error> {
    let update = store["status"]["updateRevision"].as_str();
    let (Some(update), true) = (update, rollout::waiting(store).is_some()) else {
        return Ok(());
    };
    for pod in list(applier, store).await? {
        let is_old = pod
            .labels()
            .get("controller-revision-hash")
            .is_some_and(|r| r != update);
        let conditions = pod
            .status
            .iter()
            .flat_map(|s| s.conditions.iter().flatten());
        let ready = conditions
            .into_iter()
            .any(|c| c.type_ == "Ready" && c.status == "True");
        if is_old && !ready && pod.metadata.deletion_timestamp.is_none() {
            let params = DeleteParams::default().preconditions(Preconditions {
                uid: pod.uid(),
                resource_version: pod.resource_version(),
            });
            let name = pod.name_any();
            match api(applier).delete(&name, &params).await {
                // Another one by now.
                Err(kube::Error::Api(s)) if s.code == 404 || s.code == 409 => {}
                other => drop(other.of(format!("delete Pod {name}"))?),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(status: Value) -> Pod {
        let pod = json!({"metadata": {"name": "cp-store-0"}, "status": status});
        serde_json::from_value(pod).expect("a pod")
    }

    fn container(state: &Value) -> Value {
        json!({"name": "store", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state})
    }

    #[test]
    fn what_keeps_a_pod_from_starting_is_told() {
        let waiting =
            |reason: &str| json!({"waiting": {"reason": reason, "message": "no such image"}});
        let cases = [
            (
                json!({"containerStatuses": [container(&waiting("ContainerCreating"))]}),
                None,
            ),
            (
                json!({"containerStatuses": [container(&json!({"running": {}}))]}),
                None,
            ),
            (
                json!({"containerStatuses": [container(&waiting("ImagePullBackOff"))]}),
                Some("pod cp-store-0: ImagePullBackOff no such image"),
            ),
            (
                json!({"initContainerStatuses": [container(&waiting("ErrImagePull"))],
                    "containerStatuses": [container(&waiting("PodInitializing"))]}),
                Some("pod cp-store-0: ErrImagePull no such image"),
            ),
            (
                json!({"conditions": [{"type": "PodScheduled", "status": "False",
                    "reason": "Unschedulable", "message": "0/1 nodes"}]}),
                Some("pod cp-store-0: Unschedulable 0/1 nodes"),
            ),
        ];
        for (status, expected) in cases {
            assert_eq!(why(&pod(status)).as_deref(), expected);
        }
    }
}
