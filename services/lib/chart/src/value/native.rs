//! Objects of Go that Helm gives to templates: they have fields and methods.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{Of, Value};
use crate::{Capabilities, Metadata, Pair};

/// An object that is not a map.
#[derive(Clone, Debug)]
pub(crate) enum Native {
    /// `.Chart`.
    Chart(Arc<Metadata>),
    /// `.Capabilities`.
    Capabilities(Arc<Capabilities>),
    /// `.Capabilities.KubeVersion`.
    KubeVersion(Arc<Capabilities>),
    /// `.Capabilities.APIVersions`.
    Versions(Arc<Capabilities>),
    /// `.Capabilities.HelmVersion`.
    HelmVersion,
    /// `.Files`.
    Files(Arc<Files>),
    /// What `genCA` and its like make.
    Pair(Arc<Pair>),
    /// `time.Time`.
    Time(Timestamp),
}

/// Files of a chart that are neither templates nor values.
pub(crate) type Files = BTreeMap<Arc<str>, Arc<str>>;

/// The Helm whose charts these are.
const HELM: &str = "v3.22.0";

impl Native {
    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Versions(c) => !c.api_versions.is_empty(),
            Self::Files(files) => !files.is_empty(),
            _ => true,
        }
    }

    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Chart(_) => "struct { chart.Metadata; IsRoot bool }",
            Self::Capabilities(_) => "*chartutil.Capabilities",
            Self::KubeVersion(_) => "chartutil.KubeVersion",
            Self::Versions(_) => "chartutil.VersionSet",
            Self::HelmVersion => "version.BuildInfo",
            Self::Files(_) => "engine.files",
            Self::Pair(_) => "sprig.certificate",
            Self::Time(_) => "time.Time",
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Capabilities(_) => "ptr",
            Self::Versions(_) => "slice",
            Self::Files(_) => "map",
            _ => "struct",
        }
    }

    /// A field, `None` where there is none of the name. Methods with arguments are
    /// [`crate::exec`]'s.
    pub(crate) fn field(&self, name: &str) -> Option<Value> {
        let text = |text: &str| Some(Value::text(text));
        match self {
            Self::Chart(m) => match name {
                "Name" => text(&m.name),
                "Version" => text(&m.version),
                "AppVersion" => text(&m.app_version),
                "Description" => text(&m.description),
                "APIVersion" => text(&m.api_version),
                "Type" => text(&m.kind),
                "KubeVersion" => text(&m.kube_version),
                "Home" => text(&m.home),
                "Icon" => text(&m.icon),
                "Deprecated" => Some(Value::Bool(m.deprecated)),
                "Keywords" => Some(Value::texts(m.keywords.iter().map(String::as_str))),
                "Sources" => Some(Value::texts(m.sources.iter().map(String::as_str))),
                "Annotations" => {
                    let pairs = m.annotations.iter();
                    let members = pairs.map(|(k, v)| (k.as_str().into(), Value::text(v.as_str())));
                    Some(Value::map_of(super::MapOf::Text, members.collect()))
                }
                "IsRoot" => Some(Value::Bool(true)),
                _ => None,
            },
            Self::Capabilities(c) => match name {
                "KubeVersion" => Some(Value::Native(Self::KubeVersion(c.clone()))),
                "APIVersions" => Some(Value::Native(Self::Versions(c.clone()))),
                "HelmVersion" => Some(Value::Native(Self::HelmVersion)),
                _ => None,
            },
            Self::KubeVersion(c) => {
                let mut parts = c.kube_version.trim_start_matches('v').split('.');
                match name {
                    "Version" | "GitVersion" | "String" => text(&c.kube_version),
                    "Major" => text(parts.next().unwrap_or_default()),
                    "Minor" => text(parts.nth(1).unwrap_or_default()),
                    _ => None,
                }
            }
            Self::HelmVersion => match name {
                "Version" => text(HELM),
                "GitCommit" | "GitTreeState" | "GoVersion" => text(""),
                _ => None,
            },
            Self::Pair(pair) => match name {
                "Cert" => text(&pair.cert),
                "Key" => text(&pair.key),
                _ => None,
            },
            Self::Files(files) => match name {
                // Go sees a method of this name first.
                "Get" | "GetBytes" | "Glob" | "AsConfig" | "AsSecrets" | "Lines" => None,
                name => Some(Value::text(files.get(name).cloned().unwrap_or_default())),
            },
            Self::Versions(_) | Self::Time(_) => None,
        }
    }

    /// What `range` goes over.
    pub(crate) fn entries(&self) -> Option<Vec<(Value, Value)>> {
        match self {
            Self::Versions(c) => {
                let texts = c.api_versions.iter().map(|v| Value::text(v.as_str()));
                Some((0..).map(Value::Int).zip(texts).collect())
            }
            Self::Files(files) => {
                let pairs = files.iter();
                Some(
                    pairs
                        .map(|(k, v)| (Value::text(k.clone()), Value::text(v.clone())))
                        .collect(),
                )
            }
            _ => None,
        }
    }

    /// As a list of texts, where it is one.
    pub(crate) fn as_list(&self) -> Option<Value> {
        match self {
            Self::Versions(c) => Some(Value::list_of(
                Of::Text,
                c.api_versions
                    .iter()
                    .map(|v| Value::text(v.as_str()))
                    .collect(),
            )),
            _ => None,
        }
    }
}
