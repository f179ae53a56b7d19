//! What is known of a control plane.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Restore;

#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ControlPlaneStatus {
    /// The generation that this status tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Available, Progressing, Degraded, StorageReady, CertificatesValid.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// URL of the front.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Secret with the administrator's kubeconfig, under the key "kubeconfig".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubeconfig_secret: Option<String>,
    /// What all processes run; absent until they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Pods that are ready, of those wanted: "5/5".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<String>,
    /// Each process.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub services: Vec<ProcessStatus>,
    /// Number of the revision that was last available as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
    /// Revisions that are kept, the newest last: ControllerRevisions.
    pub history: Vec<RevisionStatus>,
    /// The upgrade that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<UpgradeStatus>,
    /// The revision that did not become ready, until the spec changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<FailedRevision>,
    /// Backups, the newest last.
    pub backups: Vec<BackupStatus>,
    /// When the schedule asks for the next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_backup: Option<Time>,
    /// The last restore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore: Option<RestoreStatus>,
}

/// One process.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessStatus {
    pub name: String,
    pub desired: i32,
    /// Pods that are ready.
    pub ready: i32,
    /// Pods that are as they should be.
    pub updated: i32,
    /// Tag of the image of its pods.
    pub version: String,
}

/// How far a revision came.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum RevisionState {
    /// Being rolled out, or left before it was available.
    #[default]
    Pending,
    /// Was available as a whole.
    Available,
    /// Did not become ready in time.
    Failed,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RevisionStatus {
    pub revision: i64,
    pub version: String,
    pub state: RevisionState,
    /// The ControllerRevision that holds it.
    pub name: String,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpgradeStatus {
    /// The revision before; absent at the first installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    pub to: i64,
    /// When the first process was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Time>,
    /// The backup that was taken before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedRevision {
    pub revision: i64,
    /// The spec that asked for it.
    pub generation: i64,
    /// What was waited for.
    pub message: String,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum BackupState {
    #[default]
    Running,
    Succeeded,
    Failed,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupStatus {
    /// The Job.
    pub name: String,
    /// In the volume of backups.
    pub file: String,
    pub state: BackupState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<Time>,
    /// Bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum RestorePhase {
    /// Processes end.
    #[default]
    Stopping,
    /// The volume is given up.
    Emptying,
    /// The store begins with the backup.
    Starting,
    Completed,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreStatus {
    pub from: Restore,
    pub phase: RestorePhase,
}
