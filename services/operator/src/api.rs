//! The resources that are asked for: `catena.dev/v1alpha1`.

#![allow(
    clippy::duplicated_attributes,
    unreachable_pub,
    reason = "columns of a table are alike, and the derives repeat types where nobody sees them"
)]

mod control_plane;
mod exposure;
mod process;
mod service;
mod status;
mod storage;

pub use control_plane::{
    Certificates, ControlPlane, ControlPlaneSpec, Image, Issuer, Logging, PullSecret, Tracing,
    Tunnel, Upgrade,
};
pub use exposure::{Advertise, Exposure, ServiceType};
pub use process::{Autoscaling, Controllers, ScaledProcess};
pub use service::{ControlPlaneService, ControlPlaneServiceSpec, ControlPlaneServiceStatus};
pub use status::{
    BackupState, BackupStatus, ControlPlaneStatus, FailedRevision, ProcessStatus, RestorePhase,
    RestoreStatus, RevisionState, RevisionStatus, UpgradeStatus,
};
pub use storage::{Backup, Embedded, Etcd, EtcdTls, Restore, Storage, Volume, WhenDeleted};

use kube::CustomResourceExt as _;

/// What a user writes on a [`ControlPlane`] to have it done once: another word
/// asks for it again.
pub mod annotations {
    /// Makes all certificates but those of authorities anew.
    pub const ROTATE: &str = "catena.dev/rotate-certificates";
    /// Takes a backup now.
    pub const BACKUP: &str = "catena.dev/backup";
}

/// Both definitions, as they are installed.
///
/// # Errors
/// Never with the types of this crate.
pub fn definitions() -> Result<Vec<serde_json::Value>, serde_json::Error> {
    let all = [ControlPlane::crd(), ControlPlaneService::crd()];
    all.iter().map(serde_json::to_value).collect()
}

/// Objects whose fields only their reader knows.
pub(crate) fn free_form(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true,
    })
}
