//! How the processes are run.

use k8s_openapi::api::core::v1::ResourceRequirements;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A process with replicas that all work.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScaledProcess {
    /// `kubectl scale` of the ControlPlaneService counts as well: the later one
    /// wins. Without effect under an autoscaler.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: i32,
    #[serde(default)]
    pub autoscaling: Autoscaling,
    /// Those of the chart when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub extra_args: Vec<String>,
}

impl Default for ScaledProcess {
    fn default() -> Self {
        Self {
            replicas: one(),
            autoscaling: Autoscaling::default(),
            resources: None,
            extra_args: Vec::new(),
        }
    }
}

/// A HorizontalPodAutoscaler of a process.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.minReplicas <= self.maxReplicas").message("minReplicas must not be above maxReplicas"))]
#[x_kube(validation = Rule::new("!self.enabled || self.cpuUtilization > 0 || self.requestsInFlight > 0").message("cpuUtilization or requestsInFlight must be set"))]
pub struct Autoscaling {
    #[serde(default)]
    pub enabled: bool,
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 1000))]
    pub min_replicas: i32,
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_replicas: i32,
    /// Percent of the requested CPU; 0 leaves it out.
    #[serde(default = "most")]
    #[schemars(range(min = 0, max = 1000))]
    pub cpu_utilization: i32,
    /// Requests that run at once in a replica; 0 leaves it out (docs/install.md).
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub requests_in_flight: i32,
}

impl Default for Autoscaling {
    fn default() -> Self {
        Self {
            enabled: false,
            min_replicas: two(),
            max_replicas: five(),
            cpu_utilization: most(),
            requests_in_flight: 0,
        }
    }
}

/// A process of which one replica works and the others wait for its lease.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Controllers {
    /// Off where kube-controller-manager runs.
    #[serde(default = "yes")]
    pub enabled: bool,
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub extra_args: Vec<String>,
}

impl Default for Controllers {
    fn default() -> Self {
        Self {
            enabled: true,
            replicas: one(),
            resources: None,
            extra_args: Vec::new(),
        }
    }
}

const fn yes() -> bool {
    true
}

const fn one() -> i32 {
    1
}

const fn two() -> i32 {
    2
}

const fn five() -> i32 {
    5
}

const fn most() -> i32 {
    70
}
