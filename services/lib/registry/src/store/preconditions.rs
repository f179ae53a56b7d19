//! Conditions that a write sets on the object that is there.

use catena_objects::{Status, Value};

use super::Store;
use crate::{Context, options::Preconditions};

impl Store {
    /// How a failed precondition reads (`storage.StorageError`).
    fn storage_error(&self, ctx: &Context, name: &str, why: &str) -> String {
        let key = self.resource.key(&ctx.namespace, name);
        format!(
            "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: {why}"
        )
    }

    pub(super) fn check_preconditions(
        &self,
        ctx: &Context,
        name: &str,
        wanted: &Preconditions,
        object: &Value,
    ) -> Result<(), Status> {
        let uid = object.str_at(&["metadata", "uid"]);
        if let Some(want) = wanted.uid.as_deref().filter(|w| *w != uid) {
            let why = format!(
                "Precondition failed: UID in precondition: {want}, UID in object meta: {uid}"
            );
            return Err(self.conflict(name, &self.storage_error(ctx, name, &why)));
        }
        let version = object.str_at(&["metadata", "resourceVersion"]);
        if let Some(want) = wanted.resource_version.as_deref().filter(|w| *w != version) {
            let why = format!(
                "Precondition failed: ResourceVersion in precondition: {want}, ResourceVersion in object meta: {version}"
            );
            return Err(self.conflict(name, &self.storage_error(ctx, name, &why)));
        }
        Ok(())
    }

    /// Preconditions of a deletion (`rest.BeforeDelete`), which names the kind.
    ///
    /// # Errors
    /// 409, for the first that does not hold.
    pub fn check_delete(
        &self,
        name: &str,
        wanted: &Preconditions,
        object: &Value,
    ) -> Result<(), Status> {
        let checks = [
            ("UID", "deleted and then recreated", &wanted.uid, "uid"),
            (
                "ResourceVersion",
                "modified",
                &wanted.resource_version,
                "resourceVersion",
            ),
        ];
        for (noun, event, wanted, field) in checks {
            let have = object.str_at(&["metadata", field]);
            if let Some(want) = wanted.as_deref().filter(|w| *w != have) {
                let why = format!(
                    "the {noun} in the precondition ({want}) does not match the {noun} in record ({have}). The object might have been {event}"
                );
                return Err(Status::conflict(
                    &self.resource.group,
                    &self.resource.kind,
                    name,
                    &why,
                ));
            }
        }
        Ok(())
    }
}
