//! StorageObjectInUseProtection: volumes and claims in use are not lost by a delete.

use async_trait::async_trait;
use catena_objects::{Status, Value};
use catena_registry::{Admission, Attributes, Operation};

pub(super) struct StorageObjectInUseProtection;

fn finalizer(group: &str, resource: &str) -> Option<&'static str> {
    match (group, resource) {
        ("", "persistentvolumes") => Some("kubernetes.io/pv-protection"),
        ("", "persistentvolumeclaims") => Some("kubernetes.io/pvc-protection"),
        ("storage.k8s.io", "volumeattributesclasses") => Some("kubernetes.io/vac-protection"),
        _ => None,
    }
}

#[async_trait]
impl Admission for StorageObjectInUseProtection {
    fn handles(&self, operation: Operation, group: &str, resource: &str, sub: &str) -> bool {
        operation == Operation::Create && sub.is_empty() && finalizer(group, resource).is_some()
    }

    async fn admit(&self, a: &mut Attributes<'_>) -> Result<(), Status> {
        let Some(name) = finalizer(&a.resource.group, &a.resource.plural) else {
            return Ok(());
        };
        let Some(object) = a.object.as_deref_mut() else {
            return Ok(());
        };
        let mut all = object.items_at(&["metadata", "finalizers"]).to_vec();
        if !all.iter().any(|f| f.as_str() == Some(name)) {
            all.push(Value::from(name));
            object.set(&["metadata", "finalizers"], all);
        }
        Ok(())
    }
}
