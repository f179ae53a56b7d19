//! The group `storage.k8s.io`.

use std::sync::Arc;

use catena_registry::Strategy;

pub mod csidriver;
pub mod csinode;
pub mod csistoragecapacity;
pub mod storageclass;
pub mod volumeattachment;
pub mod volumeattributesclass;

/// Strategy of a resource of this group, `None` for one without rules of its own.
pub fn strategy(plural: &str, _version: &str) -> Option<Arc<dyn Strategy>> {
    Some(match plural {
        "csidrivers" => Arc::new(csidriver::CSIDriver),
        "csinodes" => Arc::new(csinode::CSINode),
        "csistoragecapacities" => Arc::new(csistoragecapacity::CSIStorageCapacity),
        "storageclasses" => Arc::new(storageclass::StorageClass),
        "volumeattachments" => Arc::new(volumeattachment::VolumeAttachment),
        "volumeattributesclasses" => Arc::new(volumeattributesclass::VolumeAttributesClass),
        _ => return None,
    })
}
