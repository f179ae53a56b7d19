//! How the front is reached.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The type of the front's Service.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum ServiceType {
    #[default]
    ClusterIP,
    NodePort,
    LoadBalancer,
}

/// How the front is reached.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exposure {
    #[serde(default, rename = "type")]
    pub kind: ServiceType,
    #[serde(default = "https")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
    /// Chosen by the cluster when 0.
    #[serde(default)]
    #[schemars(range(min = 0, max = 65535))]
    pub node_port: i32,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    #[serde(default)]
    pub load_balancer_class: String,
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub load_balancer_source_ranges: Vec<String>,
    /// URL in the administrator's kubeconfig; that of the Service when empty.
    #[serde(default)]
    #[schemars(regex(pattern = "^$|^https://.+$"))]
    pub server: String,
    /// Where members of the new cluster reach the front.
    #[serde(default)]
    pub advertise: Advertise,
}

/// The endpoint of Service default/kubernetes in the new control plane.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Advertise {
    /// Without one, that Service has no endpoints.
    #[serde(default)]
    #[schemars(regex(pattern = "^[0-9a-fA-F:.]*$"))]
    pub address: String,
    /// The port of the front's Service when 0.
    #[serde(default)]
    #[schemars(range(min = 0, max = 65535))]
    pub port: i32,
}

impl Default for Exposure {
    fn default() -> Self {
        Self {
            kind: ServiceType::default(),
            port: https(),
            node_port: 0,
            annotations: BTreeMap::new(),
            load_balancer_class: String::new(),
            load_balancer_source_ranges: Vec::new(),
            server: String::new(),
            advertise: Advertise::default(),
        }
    }
}

const fn https() -> i32 {
    443
}
