//! `ControlPlaneService`: the replicas of one process, for `kubectl scale` and
//! autoscalers (docs/adr/0007).

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Made by the operator, one for each process that can be scaled.
#[derive(Clone, Debug, CustomResource, Deserialize, KubeSchema, PartialEq, Serialize)]
#[kube(
    group = "catena.dev",
    version = "v1alpha1",
    kind = "ControlPlaneService",
    namespaced,
    status = "ControlPlaneServiceStatus",
    shortname = "cps",
    derive = "PartialEq",
    doc = "The replicas of one process of a ControlPlane.",
    scale(
        spec_replicas_path = ".spec.replicas",
        status_replicas_path = ".status.replicas",
        label_selector_path = ".status.selector"
    ),
    printcolumn(
        name = "ControlPlane",
        type_ = "string",
        json_path = ".spec.controlPlane"
    ),
    printcolumn(name = "Process", type_ = "string", json_path = ".spec.process"),
    printcolumn(name = "Desired", type_ = "integer", json_path = ".spec.replicas"),
    printcolumn(name = "Ready", type_ = "integer", json_path = ".status.readyReplicas"),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.controlPlane == oldSelf.controlPlane && self.process == oldSelf.process").message("controlPlane and process cannot be changed"))]
pub struct ControlPlaneServiceSpec {
    /// Name of the ControlPlane.
    #[schemars(length(max = 63))]
    pub control_plane: String,
    #[schemars(
        regex(pattern = "^(aggregator|core|extensions|controllers)$"),
        length(max = 16)
    )]
    pub process: String,
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: i32,
}

/// What there is.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ControlPlaneServiceStatus {
    pub replicas: i32,
    pub ready_replicas: i32,
    /// Of the pods, as autoscalers need it.
    pub selector: String,
    /// What the ControlPlane asked for when it was last followed: another number
    /// there is later than the one here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followed: Option<i32>,
}
