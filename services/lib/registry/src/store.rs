//! The generic store: semantics of the verbs, the same for every resource.

mod create;
mod delete;
mod finalizers;
mod meta;
mod update;

use std::sync::Arc;

use catena_objects::{Status, Value};
use catena_storage::{KeyValue, RangeRequest, Storage};

use crate::{Resource, admission::Attributes, codec};

pub use delete::Deleted;
pub use update::Change;

/// Serves one resource from storage.
#[derive(Clone)]
pub struct Store {
    pub resource: Arc<Resource>,
    pub storage: Arc<dyn Storage>,
}

/// What a write made: the object with its resourceVersion, and warnings for the client.
#[derive(Clone, Debug)]
pub struct Written {
    pub object: Value,
    pub warnings: Vec<String>,
    /// The write created the object (update and apply may).
    pub created: bool,
}

impl Store {
    pub fn new(resource: Arc<Resource>, storage: Arc<dyn Storage>) -> Self {
        Self { resource, storage }
    }

    /// The stored bytes of an object, read from storage at its newest.
    pub async fn read(&self, namespace: &str, name: &str) -> Result<KeyValue, Status> {
        let key = self.resource.key(namespace, name);
        let answer = self
            .storage
            .range(RangeRequest::key(key))
            .await
            .map_err(codec::storage_error)?;
        match answer.kvs.into_iter().next() {
            Some(kv) => Ok(kv),
            None => Err(self.not_found(name)),
        }
    }

    /// The object, decoded and in the storage version.
    pub async fn get(&self, namespace: &str, name: &str) -> Result<Value, Status> {
        codec::decode(&self.resource, &self.read(namespace, name).await?)
    }

    pub fn not_found(&self, name: &str) -> Status {
        Status::not_found(&self.resource.group, &self.resource.plural, name)
    }

    fn conflict(&self, name: &str, why: &str) -> Status {
        Status::conflict(&self.resource.group, &self.resource.plural, name, why)
    }

    fn invalid(&self, name: &str, errors: &catena_objects::field::Errors) -> Status {
        Status::invalid(&self.resource.group, &self.resource.kind, name, errors)
    }

    async fn admit(&self, attributes: &mut Attributes<'_>) -> Result<(), Status> {
        let r = &self.resource;
        for plugin in r.admission.iter() {
            let sub = attributes.ctx.subresource.clone();
            if plugin.handles(attributes.operation, &r.group, &r.plural, &sub) {
                plugin.admit(attributes).await?;
            }
        }
        Ok(())
    }

    async fn admit_validate(&self, attributes: &Attributes<'_>) -> Result<(), Status> {
        let r = &self.resource;
        for plugin in r.admission.iter() {
            let sub = &attributes.ctx.subresource;
            if plugin.handles(attributes.operation, &r.group, &r.plural, sub) {
                plugin.validate(attributes).await?;
            }
        }
        Ok(())
    }
}
