//! The declaration of a resource.

use std::sync::Arc;

use catena_schema::Node;

use crate::{Admission, Hooks, Strategy};

/// A version in which a resource is served.
pub struct Version {
    pub name: String,
    pub schema: Arc<Node>,
    /// Between this version and the storage version; `None`: the same shape.
    pub conversion: Option<Arc<dyn Conversion>>,
    pub printer: Arc<dyn catena_printers::Printer>,
    /// Annotations in which this version keeps fields of the kind; tables, which
    /// are made of the kind and not of a version, do not have them.
    pub own_annotations: &'static [&'static str],
    /// Text for clients that use this version.
    pub deprecation_warning: Option<String>,
}

/// Conversion of an object between a served version and the storage version.
pub trait Conversion: Send + Sync + 'static {
    fn to_storage(&self, object: catena_objects::Value) -> catena_objects::Value;
    #[expect(clippy::wrong_self_convention, reason = "the pair of `to_storage`")]
    fn from_storage(&self, object: catena_objects::Value) -> catena_objects::Value;
}

/// A resource: names, shape, key and rules.
pub struct Resource {
    pub group: String,
    pub plural: String,
    pub singular: String,
    pub kind: String,
    pub list_kind: String,
    pub short_names: Vec<String>,
    pub categories: Vec<String>,
    pub namespaced: bool,
    pub verbs: Vec<String>,
    pub versions: Vec<Version>,
    /// Index in `versions` of the one in storage.
    pub storage_version: usize,
    /// `/registry/pods`: keys are `<prefix>[/<namespace>]/<name>`.
    pub key_prefix: String,
    /// Fields a field selector may name besides `metadata.name` and `metadata.namespace`.
    pub selectable_fields: Vec<String>,
    /// Subresources that are views of the object: "status", "scale", ...
    pub subresources: Vec<String>,
    /// Subresources that take another kind by POST, by name.
    pub handlers: Vec<(String, Arc<dyn crate::Handler>)>,
    /// Subresources that connect to what runs.
    pub connects: Vec<crate::Connect>,
    /// Paths of scale: (spec replicas, status replicas, selector).
    pub scale: Option<Scale>,
    pub strategy: Arc<dyn Strategy>,
    pub hooks: Arc<dyn Hooks>,
    pub admission: Arc<Vec<Arc<dyn Admission>>>,
    /// Custom resource: printed with sorted members, schema prunes.
    pub custom: bool,
    /// Whether an update that names no version overwrites what there is
    /// (`AllowUnconditionalUpdate`).
    pub unconditional_update: bool,
    pub metadata_checks: MetadataChecks,
    /// Serve the object of a deleted one (`true`) or `Status` (`false`).
    pub returns_deleted: bool,
}

/// How often the kind's own rules for updates look at metadata, which `BeforeUpdate`
/// has done already: each time tells what is wrong again.
#[derive(Clone, Copy, Debug)]
pub struct MetadataChecks {
    /// `ValidateObjectMeta`.
    pub whole: usize,
    /// `ValidateObjectMetaUpdate`.
    pub changes: usize,
}

impl Default for MetadataChecks {
    fn default() -> Self {
        Self {
            whole: 0,
            changes: 1,
        }
    }
}

/// JSON paths of the scale subresource, as member names.
#[derive(Clone, Debug)]
pub struct Scale {
    pub spec_replicas: Vec<String>,
    pub status_replicas: Vec<String>,
    pub selector: Vec<String>,
}

impl Resource {
    pub fn version(&self, name: &str) -> Option<&Version> {
        self.versions.iter().find(|v| v.name == name)
    }

    pub fn storage_api_version(&self) -> String {
        let v = &self.versions[self.storage_version].name;
        match self.storage_group() {
            "" => v.clone(),
            group => format!("{group}/{v}"),
        }
    }

    /// Group in which objects are stored: a resource that two groups serve is
    /// stored in the older one (`AddCohabitatingResources`).
    pub fn storage_group(&self) -> &str {
        if self.group == "events.k8s.io" {
            ""
        } else {
            &self.group
        }
    }

    /// Storage key of an object.
    pub fn key(&self, namespace: &str, name: &str) -> String {
        if self.namespaced {
            format!("{}/{namespace}/{name}", self.key_prefix)
        } else {
            format!("{}/{name}", self.key_prefix)
        }
    }

    /// Prefix of the keys of a namespace, or of all with "".
    pub fn list_prefix(&self, namespace: &str) -> String {
        if namespace.is_empty() {
            format!("{}/", self.key_prefix)
        } else {
            format!("{}/{namespace}/", self.key_prefix)
        }
    }
}
