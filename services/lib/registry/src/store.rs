//! The generic store: semantics of the verbs, the same for every resource.

mod create;
mod delete;
mod finalizers;
mod meta;
mod preconditions;
mod update;

use std::{sync::Arc, time::Instant};

use catena_objects::{Status, Value};
use catena_storage::{KeyValue, RangeRequest, Storage};
use catena_telemetry::trace;

use catena_cache::{Cache, Options};

use crate::{Resource, ResourceCache, admission::Attributes, codec, metrics};

pub use delete::Deleted;
pub use update::Change;

/// Serves one resource from storage.
#[derive(Clone)]
pub struct Store {
    pub resource: Arc<Resource>,
    pub storage: Arc<dyn Storage>,
    /// Answers lists and watches, if there is one.
    pub cache: Option<Arc<ResourceCache>>,
}

/// What a write made: the object with its resourceVersion.
#[derive(Clone, Debug)]
pub struct Written {
    pub object: Value,
    /// The write created the object (update and apply may).
    pub created: bool,
    /// Something was written; not so in a dry run.
    pub changed: bool,
}

impl Store {
    /// A store that reads everything from storage.
    pub fn new(resource: Arc<Resource>, storage: Arc<dyn Storage>) -> Self {
        Self {
            resource,
            storage,
            cache: None,
        }
    }

    /// A store with a cache of its own, to be kept: each has its watch.
    pub fn cached(resource: Arc<Resource>, storage: Arc<dyn Storage>) -> Self {
        let cache = Arc::new(Self::new_cache(&resource, storage.clone()));
        Self::new(resource, storage).with_cache(cache)
    }

    /// The store with a cache that others have too.
    #[must_use]
    pub fn with_cache(self, cache: Arc<ResourceCache>) -> Self {
        Self {
            cache: Some(cache),
            ..self
        }
    }

    /// A cache of a resource; does nothing until it is used.
    pub fn new_cache(resource: &Resource, storage: Arc<dyn Storage>) -> ResourceCache {
        Cache::new(storage, resource.list_prefix(""), Options::default())
    }

    /// The stored bytes of an object, read from storage at its newest.
    pub async fn read(&self, namespace: &str, name: &str) -> Result<KeyValue, Status> {
        let key = self.resource.key(namespace, name);
        let call = self.storage.range(RangeRequest::key(key));
        let answer = metrics::storage(&self.resource, "get", call)
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
        Status::invalid(
            self.resource.storage_group(),
            &self.resource.kind,
            name,
            errors,
        )
    }

    /// What the server made of an object, in the form that Go prints: order and
    /// zero values of what it added.
    fn canonical(&self, object: Value) -> Value {
        let r = &self.resource;
        // What another group stores is in that group's shape.
        if r.custom || r.storage_group() != r.group {
            return object;
        }
        catena_schema::canonical(&r.versions[r.storage_version].schema, object)
    }

    async fn admit(&self, attributes: &mut Attributes<'_>) -> Result<(), Status> {
        let operation = attributes.operation;
        let work = async {
            let r = &self.resource;
            for plugin in r.admission.iter() {
                let sub = attributes.ctx.subresource.clone();
                if plugin.handles(attributes.operation, &r.group, &r.plural, &sub) {
                    plugin.admit(attributes).await?;
                }
            }
            Ok(())
        };
        let began = Instant::now();
        let admitted = trace::span("admission: mutating").run(work).await;
        metrics::admission("admit", operation, admitted.is_err(), began.elapsed());
        admitted
    }

    async fn admit_validate(&self, attributes: &Attributes<'_>) -> Result<(), Status> {
        let work = async {
            let r = &self.resource;
            for plugin in r.admission.iter() {
                let sub = &attributes.ctx.subresource;
                if plugin.handles(attributes.operation, &r.group, &r.plural, sub) {
                    plugin.validate(attributes).await?;
                }
            }
            Ok(())
        };
        let began = Instant::now();
        let admitted = trace::span("admission: validating").run(work).await;
        let operation = attributes.operation;
        metrics::admission("validate", operation, admitted.is_err(), began.elapsed());
        admitted
    }
}
