//! `ControlPlane`: a control plane and how it should be.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ControlPlaneStatus, Controllers, Exposure, ScaledProcess, Storage};

/// Values that the chart does not know are refused by its schema, so these
/// names and units are the chart's: docs/operator.md says which field is which value.
#[derive(Clone, Debug, CustomResource, Deserialize, KubeSchema, PartialEq, Serialize)]
#[kube(
    group = "catena.dev",
    version = "v1alpha1",
    kind = "ControlPlane",
    namespaced,
    status = "ControlPlaneStatus",
    shortname = "cp",
    category = "all",
    derive = "PartialEq",
    doc = "A Kubernetes control plane that runs in this cluster.",
    validation = Rule::new("self.metadata.name.size() <= 33").message("metadata.name must be at most 33 characters: names of objects are made of it"),
    printcolumn(name = "Version", type_ = "string", json_path = ".status.version"),
    printcolumn(name = "Available", type_ = "string", json_path = ".status.conditions[?(@.type==\"Available\")].status"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.ready", description = "Pods that are ready, of those wanted"),
    printcolumn(name = "Endpoint", type_ = "string", json_path = ".status.endpoint"),
    printcolumn(name = "Progressing", type_ = "string", json_path = ".status.conditions[?(@.type==\"Progressing\")].reason", priority = 1),
    printcolumn(name = "Degraded", type_ = "string", json_path = ".status.conditions[?(@.type==\"Degraded\")].reason", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
)]
#[serde(rename_all = "camelCase")]
pub struct ControlPlaneSpec {
    /// Tag of the images.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"))]
    pub version: String,

    /// Where images come from.
    #[serde(default)]
    pub image: Image,

    /// The front: the public port.
    #[serde(default)]
    pub aggregator: ScaledProcess,

    /// The built-in API groups.
    #[serde(default)]
    pub core: ScaledProcess,

    /// Definitions and custom resources.
    #[serde(default)]
    pub extensions: ScaledProcess,

    /// Namespace deletion, garbage collection, default service accounts.
    #[serde(default)]
    pub controllers: Controllers,

    /// Where the data is.
    #[serde(default)]
    pub storage: Storage,

    /// Connections to nodes through SSH, beside core.
    #[serde(default)]
    pub tunnel: Tunnel,

    /// Where spans go.
    #[serde(default)]
    pub tracing: Tracing,

    /// What processes log.
    #[serde(default)]
    pub logging: Logging,

    /// Who makes certificates, for how long, and for which names.
    #[serde(default)]
    pub certificates: Certificates,

    /// How the front is reached.
    #[serde(default)]
    pub exposure: Exposure,

    /// What an upgrade may do.
    #[serde(default)]
    pub upgrade: Upgrade,

    /// Nothing is changed while this is true; the status is kept.
    #[serde(default)]
    pub paused: bool,

    /// Values of the chart for which there is no field here; they win over fields.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "super::free_form")]
    pub values: Map<String, Value>,
}

/// Where images come from.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    #[serde(default)]
    pub registry: String,
    /// An image a process, as catena-core; catena itself with all of them, when
    /// perProcess is false.
    #[serde(default = "catena")]
    #[schemars(length(min = 1))]
    pub repository: String,
    #[serde(default = "yes")]
    pub per_process: bool,
    #[serde(default = "if_not_present")]
    #[schemars(regex(pattern = "^(Always|IfNotPresent|Never)$"))]
    pub pull_policy: String,
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub pull_secrets: Vec<PullSecret>,
}

/// A Secret of the namespace.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct PullSecret {
    pub name: String,
}

impl Default for Image {
    fn default() -> Self {
        Self {
            registry: String::new(),
            repository: catena(),
            per_process: true,
            pull_policy: if_not_present(),
            pull_secrets: Vec::new(),
        }
    }
}

/// SSH sessions to nodes (docs/tunnel.md).
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!self.enabled || self.sshSecretName != ''").message("sshSecretName must name the Secret with the key"))]
pub struct Tunnel {
    #[serde(default)]
    pub enabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_user: Option<String>,
    /// Secret with ssh-privatekey and known_hosts.
    #[serde(default)]
    pub ssh_secret_name: String,
    /// [name=]host[:port].
    #[serde(default)]
    #[schemars(length(max = 1024))]
    pub nodes: Vec<String>,
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub extra_args: Vec<String>,
}

/// Where spans go.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tracing {
    /// OTLP, as http://collector.observability:4317. None are made when empty.
    #[serde(default)]
    #[schemars(regex(pattern = "^$|^https?://.+$"))]
    pub endpoint: String,
    #[serde(default = "grpc")]
    #[schemars(regex(pattern = "^grpc$"))]
    pub protocol: String,
    /// Share of the requests without a sampling decision of their client that are traced.
    #[serde(default = "all")]
    #[schemars(range(min = 0, max = 1))]
    pub sampling_ratio: f64,
}

impl Default for Tracing {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            protocol: grpc(),
            sampling_ratio: all(),
        }
    }
}

/// What processes log.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Logging {
    /// 4 and more tell details, 6 and more everything.
    #[serde(default = "some")]
    #[schemars(range(min = 0, max = 10))]
    pub verbosity: i32,
    #[serde(default = "text")]
    #[schemars(regex(pattern = "^(text|json)$"))]
    pub format: String,
}

impl Default for Logging {
    fn default() -> Self {
        Self {
            verbosity: some(),
            format: text(),
        }
    }
}

/// Who makes certificates.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum Issuer {
    /// This operator makes and rotates them.
    #[default]
    Operator,
    /// cert-manager does.
    CertManager,
    /// The Secrets that docs/install.md lists are there.
    Existing,
}

/// Who makes certificates, for how long, and for which names.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("duration(self.renewBefore) < duration(self.duration)").message("renewBefore must be less than duration"))]
pub struct Certificates {
    #[serde(default)]
    pub issuer: Issuer,
    /// How long a certificate is good.
    #[serde(default = "days_90")]
    #[schemars(regex(pattern = "^([0-9]+(h|m|s))+$"), length(max = 32))]
    pub duration: String,
    /// Made anew when less is left.
    #[serde(default = "days_30")]
    #[schemars(regex(pattern = "^([0-9]+(h|m|s))+$"), length(max = 32))]
    pub renew_before: String,
    /// How long an authority is good. Authorities are kept.
    #[serde(default = "years_10")]
    #[schemars(regex(pattern = "^([0-9]+(h|m|s))+$"), length(max = 32))]
    pub authority_duration: String,
    /// Names of the public port besides those of its Service.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub extra_names: Vec<String>,
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub extra_addresses: Vec<String>,
}

impl Default for Certificates {
    fn default() -> Self {
        Self {
            issuer: Issuer::default(),
            duration: days_90(),
            renew_before: days_30(),
            authority_duration: years_10(),
            extra_names: Vec::new(),
            extra_addresses: Vec::new(),
        }
    }
}

/// What an upgrade may do.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Upgrade {
    /// Pods that are not ready after this time are taken back to the revision before.
    #[serde(default = "ten_minutes")]
    #[schemars(range(min = 1, max = 86400))]
    pub timeout_seconds: i64,
    /// Before another version, a backup is taken, where storage.backup says where to.
    #[serde(default = "yes")]
    pub backup: bool,
    /// Revisions that are kept.
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 20))]
    pub history_limit: i32,
}

impl Default for Upgrade {
    fn default() -> Self {
        Self {
            timeout_seconds: ten_minutes(),
            backup: true,
            history_limit: five(),
        }
    }
}

fn catena() -> String {
    "catena".to_owned()
}

fn if_not_present() -> String {
    "IfNotPresent".to_owned()
}

fn grpc() -> String {
    "grpc".to_owned()
}

fn text() -> String {
    "text".to_owned()
}

fn days_90() -> String {
    "2160h".to_owned()
}

fn days_30() -> String {
    "720h".to_owned()
}

fn years_10() -> String {
    "87600h".to_owned()
}

const fn yes() -> bool {
    true
}

const fn all() -> f64 {
    1.0
}

const fn some() -> i32 {
    2
}

const fn ten_minutes() -> i64 {
    600
}

const fn five() -> i32 {
    5
}
