//! What a chart is rendered for: `.Release` and `.Capabilities`.

use std::collections::BTreeSet;

/// `.Release` of templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    pub name: String,
    pub namespace: String,
    /// From 1 on.
    pub revision: i64,
    pub is_install: bool,
    pub is_upgrade: bool,
    /// `.Release.Service`, which charts put into `app.kubernetes.io/managed-by`.
    pub service: String,
}

impl Release {
    /// The first revision, as `helm install` and `helm template` have it.
    pub fn install(name: impl Into<String>, namespace: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            namespace: namespace.into(),
            revision: 1,
            is_install: true,
            is_upgrade: false,
            service: "Helm".to_owned(),
        }
    }

    /// A later revision, as `helm upgrade` has it.
    pub fn upgrade(name: impl Into<String>, namespace: impl Into<String>, revision: i64) -> Self {
        Self {
            revision,
            is_install: false,
            is_upgrade: true,
            ..Self::install(name, namespace)
        }
    }
}

/// `.Capabilities` of templates: what the cluster can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// `v1.36.0`; the chart's `kubeVersion` is checked against it.
    pub kube_version: String,
    /// `apps/v1`, and `apps/v1/Deployment` where kinds are known.
    pub api_versions: BTreeSet<String>,
}

impl Default for Capabilities {
    /// Kubernetes 1.36 with no API versions but `v1`.
    fn default() -> Self {
        Self {
            kube_version: "v1.36.0".to_owned(),
            api_versions: BTreeSet::from(["v1".to_owned()]),
        }
    }
}
