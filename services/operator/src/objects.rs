//! Objects as values, and what they are called.

use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Error;

/// Of the control plane that an object is part of.
pub(crate) const LABEL: &str = "catena.dev/control-plane";
/// Its UID, on objects that cannot have an owner.
pub(crate) const LABEL_UID: &str = "catena.dev/control-plane-uid";
const COMPONENT: &str = "app.kubernetes.io/component";

/// What an object is called.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Key {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    /// None: the object is of the whole cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
}

impl Key {
    /// # Errors
    /// When the object has no kind or name.
    pub(crate) fn of(object: &Value) -> Result<Self, Error> {
        let text = |v: &Value| v.as_str().map(str::to_owned);
        let meta = &object["metadata"];
        match (
            text(&object["apiVersion"]),
            text(&object["kind"]),
            text(&meta["name"]),
        ) {
            (Some(api_version), Some(kind), Some(name)) => Ok(Self {
                api_version,
                kind,
                namespace: text(&meta["namespace"]),
                name,
            }),
            _ => Err(Error::Internal(format!(
                "an object without kind or name: {meta}"
            ))),
        }
    }

    /// Whether both name one object, maybe in two versions of its API.
    pub(crate) fn same(&self, other: &Self) -> bool {
        let group = |k: &Self| k.resource().group;
        self.kind == other.kind
            && self.name == other.name
            && self.namespace == other.namespace
            && group(self) == group(other)
    }

    pub(crate) fn resource(&self) -> ApiResource {
        let (group, version) = self
            .api_version
            .split_once('/')
            .unwrap_or(("", &self.api_version));
        ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &self.kind))
    }
}

/// The process that an object belongs to, "" for those of all.
pub(crate) fn component(object: &Value) -> &str {
    object["metadata"]["labels"][COMPONENT]
        .as_str()
        .unwrap_or_default()
}

/// Whether an object runs pods.
pub(crate) fn is_workload(object: &Value) -> bool {
    object["apiVersion"] == "apps/v1"
        && matches!(object["kind"].as_str(), Some("Deployment" | "StatefulSet"))
}

/// The labels that a workload's pods have, as a selector.
pub(crate) fn selector(workload: &Value) -> String {
    let labels = workload["spec"]["selector"]["matchLabels"].as_object();
    let selector: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default()))
        .collect();
    selector.join(",")
}

/// Whether a text is somewhere in a value.
pub(crate) fn mentions(value: &Value, text: &str) -> bool {
    match value {
        Value::String(s) => s == text,
        Value::Array(items) => items.iter().any(|v| mentions(v, text)),
        Value::Object(members) => members.values().any(|v| mentions(v, text)),
        _ => false,
    }
}

/// # Errors
/// Never with what an API server answered.
pub(crate) fn value(object: &DynamicObject) -> Result<Value, Error> {
    Ok(serde_json::to_value(object)?)
}

/// A hash of a value, as short as names need it.
pub(crate) fn hash(value: &Value) -> String {
    use std::fmt::Write as _;
    let text = value.to_string();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let mut out = String::new();
    for byte in &digest.as_ref()[..5] {
        let _ = write!(out, "{byte:02x}");
    }
    out
}
