//! Reads of other objects, for admission and hooks.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use catena_objects::{Status, Value, meta};
use catena_registry::{Resource, codec};
use catena_storage::{Compare, Op, RangeRequest, Storage, TxnRequest};

/// Finds objects of built-in resources, each in its storage version.
#[async_trait]
pub trait ObjectReader: Send + Sync + 'static {
    async fn get(
        &self,
        group: &str,
        plural: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, Status>;

    /// All objects of a namespace, or of all namespaces with "".
    async fn list(&self, group: &str, plural: &str, namespace: &str) -> Result<Vec<Value>, Status>;

    /// Writes an object that was read before; false when another write was faster.
    async fn replace(&self, group: &str, plural: &str, object: &Value) -> Result<bool, Status>;
}

/// Reads from storage, at its newest.
pub struct StorageReader {
    storage: Arc<dyn Storage>,
    resources: OnceLock<HashMap<(String, String), Arc<Resource>>>,
}

impl StorageReader {
    /// A reader that knows no resource until [`Self::learn`].
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            resources: OnceLock::new(),
        }
    }

    /// Tells which resources there are; the first call counts.
    pub fn learn(&self, resources: &[Arc<Resource>]) {
        let by_name = resources
            .iter()
            .map(|r| ((r.group.clone(), r.plural.clone()), r.clone()))
            .collect();
        let _ = self.resources.set(by_name);
    }

    fn resource(&self, group: &str, plural: &str) -> Result<&Arc<Resource>, Status> {
        self.resources
            .get()
            .and_then(|all| all.get(&(group.to_owned(), plural.to_owned())))
            .ok_or_else(|| Status::internal(format!("{plural}.{group} cannot be read yet")))
    }

    async fn range(&self, request: RangeRequest, r: &Resource) -> Result<Vec<Value>, Status> {
        let answer = self
            .storage
            .range(request)
            .await
            .map_err(codec::storage_error)?;
        answer.kvs.iter().map(|kv| codec::decode(r, kv)).collect()
    }
}

#[async_trait]
impl ObjectReader for StorageReader {
    async fn get(
        &self,
        group: &str,
        plural: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, Status> {
        let r = self.resource(group, plural)?;
        let found = self
            .range(RangeRequest::key(r.key(namespace, name)), r)
            .await?;
        Ok(found.into_iter().next())
    }

    async fn list(&self, group: &str, plural: &str, namespace: &str) -> Result<Vec<Value>, Status> {
        let r = self.resource(group, plural)?;
        self.range(RangeRequest::prefix(&r.list_prefix(namespace)), r)
            .await
    }

    async fn replace(&self, group: &str, plural: &str, object: &Value) -> Result<bool, Status> {
        let r = self.resource(group, plural)?;
        let key = r.key(meta::namespace(object), meta::name(object));
        let version = meta::resource_version(object).parse().unwrap_or(-1);
        let request = TxnRequest {
            compare: vec![Compare::ModRevision {
                key: key.clone().into(),
                equals: version,
            }],
            success: vec![Op::Put {
                key: key.into(),
                value: codec::encode(object),
                lease: 0,
            }],
            failure: Vec::new(),
        };
        let answer = self
            .storage
            .txn(request)
            .await
            .map_err(codec::storage_error)?;
        Ok(answer.succeeded)
    }
}
