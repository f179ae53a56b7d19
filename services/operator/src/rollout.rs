//! How far a workload has got, by the rules of `kubectl rollout status`.

use serde_json::Value;

use crate::{api::ProcessStatus, objects};

/// The safe order: storage first, and whoever is asked before whoever asks, so
/// that a front never speaks to a delegate older than itself.
pub(crate) const ORDER: [&str; 5] = ["store", "extensions", "core", "aggregator", "controllers"];

/// Hash of the template of pods that was applied last.
pub(crate) const TEMPLATE: &str = "catena.dev/template";

fn number(v: &Value) -> i64 {
    v.as_i64().unwrap_or(0)
}

fn desired(workload: &Value) -> i64 {
    workload["spec"]["replicas"].as_i64().unwrap_or(1)
}

/// What is waited for; None when all pods are as they should be.
pub(crate) fn waiting(workload: &Value) -> Option<String> {
    let (status, wanted) = (&workload["status"], desired(workload));
    if number(&status["observedGeneration"]) < number(&workload["metadata"]["generation"]) {
        return Some("its change to be seen".to_owned());
    }
    let (all, updated) = (
        number(&status["replicas"]),
        number(&status["updatedReplicas"]),
    );
    let ready = number(&status["readyReplicas"]);
    let changing = workload["kind"] == "StatefulSet"
        && wanted > 0
        && status["currentRevision"] != status["updateRevision"];
    if updated < wanted {
        return Some(format!("{wanted} pods to be updated ({updated} so far)"));
    }
    if all > wanted.max(updated) || all > updated {
        return Some(format!("{} old pods to end", all - updated));
    }
    if ready < wanted {
        return Some(format!("{wanted} pods to be ready ({ready} so far)"));
    }
    changing.then(|| "its change to be complete".to_owned())
}

/// Whether no pod is left of a workload that should have none.
pub(crate) fn is_stopped(workload: &Value) -> bool {
    desired(workload) == 0 && waiting(workload).is_none()
}

/// Pods that are ready, whatever they run.
pub(crate) fn ready(workload: &Value) -> i64 {
    number(&workload["status"]["readyReplicas"])
}

/// The line of a process in the status.
pub(crate) fn status(workload: &Value) -> ProcessStatus {
    let short = |n: i64| i32::try_from(n).unwrap_or(i32::MAX);
    ProcessStatus {
        name: objects::component(workload).to_owned(),
        desired: short(desired(workload)),
        ready: short(ready(workload)),
        updated: short(number(&workload["status"]["updatedReplicas"])),
        version: version(workload).to_owned(),
    }
}

/// Tag or digest of the image of a workload's process.
pub(crate) fn version(workload: &Value) -> &str {
    let image = workload["spec"]["template"]["spec"]["containers"][0]["image"].as_str();
    let name = image.unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default();
    name.split_once(['@', ':']).map_or("", |(_, tag)| tag)
}

/// Hash of the template of a workload's pods.
pub(crate) fn template(workload: &Value) -> String {
    objects::hash(&workload["spec"]["template"])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(status: Value) -> Value {
        json!({"kind": "Deployment", "metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status})
    }

    #[test]
    fn a_rollout_ends_when_only_new_pods_are_left_and_ready() {
        let cases = [
            (json!({"observedGeneration": 1}), "its change to be seen"),
            (
                json!({"observedGeneration": 2}),
                "2 pods to be updated (0 so far)",
            ),
            (
                json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 2, "readyReplicas": 3}),
                "1 old pods to end",
            ),
            (
                json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 1}),
                "2 pods to be ready (1 so far)",
            ),
        ];
        for (status, expected) in cases {
            assert_eq!(waiting(&deployment(status)).as_deref(), Some(expected));
        }
        let mut done = json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2});
        assert_eq!(waiting(&deployment(done.clone())), None);
        done["currentRevision"] = json!("a");
        done["updateRevision"] = json!("b");
        let mut set = deployment(done);
        set["kind"] = json!("StatefulSet");
        assert_eq!(waiting(&set).as_deref(), Some("its change to be complete"));
    }

    #[test]
    fn versions_are_tags_or_digests() {
        for (image, expected) in [
            ("catena-core:1.2", "1.2"),
            ("localhost:5000/catena-core:1.2", "1.2"),
            ("localhost:5000/catena-core", ""),
            ("a/b@sha256:ab", "sha256:ab"),
        ] {
            let workload =
                json!({"spec": {"template": {"spec": {"containers": [{"image": image}]}}}});
            assert_eq!(version(&workload), expected, "{image}");
        }
    }
}
