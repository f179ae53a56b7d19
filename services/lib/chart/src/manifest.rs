//! What templates print, as objects in Helm's order.

mod order;
mod split;

use serde_json::Value;

pub use order::{install_order, uninstall_order};
pub(crate) use split::read;

/// An object, and where it is from.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The template: `catena/templates/core/service.yaml`.
    pub path: String,
    pub object: Value,
    /// The document as the template printed it, without `---` and blank ends.
    pub text: String,
    /// Set where the object has the annotation `helm.sh/hook`: it is not part of
    /// the release, but made when something happens to it.
    pub hook: Option<Hook>,
}

impl Manifest {
    /// `kind`, or "" where the document has none.
    pub fn kind(&self) -> &str {
        self.object["kind"].as_str().unwrap_or_default()
    }

    /// `metadata.name`, or "".
    pub fn name(&self) -> &str {
        self.object["metadata"]["name"].as_str().unwrap_or_default()
    }
}

/// The annotations `helm.sh/hook*` of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    pub events: Vec<Event>,
    /// `helm.sh/hook-weight`; 0 where it is not a number. Hooks of an event run in
    /// the order of weights, then names.
    pub weight: i64,
    /// `helm.sh/hook-delete-policy`, as given: none means before the next run.
    pub delete: Vec<DeletePolicy>,
}

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    PreInstall,
    PostInstall,
    PreDelete,
    PostDelete,
    PreUpgrade,
    PostUpgrade,
    PreRollback,
    PostRollback,
    Test,
}

/// When the object of a hook is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeletePolicy {
    Succeeded,
    Failed,
    BeforeCreation,
}

impl Event {
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "pre-install" => Self::PreInstall,
            "post-install" => Self::PostInstall,
            "pre-delete" => Self::PreDelete,
            "post-delete" => Self::PostDelete,
            "pre-upgrade" => Self::PreUpgrade,
            "post-upgrade" => Self::PostUpgrade,
            "pre-rollback" => Self::PreRollback,
            "post-rollback" => Self::PostRollback,
            // `test-success` is what Helm 2 called it.
            "test" | "test-success" => Self::Test,
            _ => return None,
        })
    }
}

impl DeletePolicy {
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "hook-succeeded" => Self::Succeeded,
            "hook-failed" => Self::Failed,
            "before-hook-creation" => Self::BeforeCreation,
            _ => return None,
        })
    }
}
