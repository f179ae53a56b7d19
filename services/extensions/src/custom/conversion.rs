//! Between versions of a custom resource, and between an old and a new schema of
//! the same version: what a schema does not specify goes, its defaults come.

use std::sync::Arc;

use catena_objects::Value;
use catena_registry::resource::Conversion;
use catena_schema::structural;

use super::schemas::Schemas;
use crate::entry::Entry;

/// Conversion strategy None: only `apiVersion` changes, and each version's schema holds.
struct ByName {
    schemas: Arc<Schemas>,
    version: usize,
}

/// What a version needs; nothing when objects are served as they are stored.
pub(super) fn between(
    entry: &Entry,
    schemas: &Arc<Schemas>,
    version: usize,
) -> Option<Arc<dyn Conversion>> {
    // A definition that never changed has stored nothing else than its schema allows.
    if version == schemas.storage && entry.generation <= 1 {
        return None;
    }
    Some(Arc::new(ByName {
        schemas: schemas.clone(),
        version,
    }))
}

impl Conversion for ByName {
    fn to_storage(&self, mut object: Value) -> Value {
        if self.version != self.schemas.storage {
            structural::prune(&self.schemas.storage().structural, &mut object);
        }
        object
    }

    fn from_storage(&self, mut object: Value) -> Value {
        let storage = &self.schemas.storage().structural;
        structural::default(storage, &mut object);
        structural::prune(storage, &mut object);
        if self.version != self.schemas.storage {
            let own = &self.schemas.versions[self.version].structural;
            structural::prune(own, &mut object);
        }
        structural::sorted(&mut object);
        object
    }
}
