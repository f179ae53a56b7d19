//! Reads of other objects, for admission and hooks.

mod own_writes;

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use catena_cache::Snapshot;
use catena_objects::{Status, Value, meta};
use catena_registry::{Cached, Resource, Store, codec};
use catena_storage::{Compare, Op, RangeRequest, Storage, TxnRequest};

use own_writes::OwnWrites;

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

    /// As [`Self::get`], from what this process knows: its own writes, and those
    /// of others as soon as they are heard of. Storage is asked for what is not known.
    async fn known(
        &self,
        group: &str,
        plural: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, Status>;

    /// As [`Self::list`], from what this process knows.
    async fn list_known(
        &self,
        group: &str,
        plural: &str,
        namespace: &str,
    ) -> Result<Vec<Value>, Status>;

    /// Writes an object that was read before; false when another write was faster.
    async fn replace(&self, group: &str, plural: &str, object: &Value) -> Result<bool, Status>;
}

/// Resources that almost every create reads: they are followed, as the plugins of
/// kube-apiserver follow them.
const FOLLOWED: [(&str, &str); 8] = [
    ("", "namespaces"),
    ("", "serviceaccounts"),
    ("", "limitranges"),
    ("", "resourcequotas"),
    ("scheduling.k8s.io", "priorityclasses"),
    ("node.k8s.io", "runtimeclasses"),
    ("storage.k8s.io", "storageclasses"),
    ("networking.k8s.io", "ingressclasses"),
];

/// Reads from storage, at its newest, and from the caches of a few resources.
pub struct StorageReader {
    storage: Arc<OwnWrites>,
    resources: OnceLock<HashMap<(String, String), Arc<Resource>>>,
    followed: OnceLock<Vec<Store>>,
}

impl StorageReader {
    /// A reader that knows no resource until [`Self::learn`].
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage: Arc::new(OwnWrites::new(storage)),
            resources: OnceLock::new(),
            followed: OnceLock::new(),
        }
    }

    /// Storage for everything that this process writes, so that it reads its writes.
    pub fn storage(&self) -> Arc<dyn Storage> {
        self.storage.clone()
    }

    /// Tells in whose caches the followed resources are; the first call counts.
    pub fn follow<'a>(&self, store: impl Fn(&str, &str) -> Option<&'a Store>) {
        let stores = FOLLOWED.iter().filter_map(|(g, p)| store(g, p).cloned());
        let stores: Vec<Store> = stores.collect();
        self.storage
            .follow(stores.iter().map(|s| s.resource.list_prefix("")));
        let _ = self.followed.set(stores);
    }

    /// What this process knows of a followed resource.
    async fn snapshot(&self, group: &str, plural: &str) -> Option<(&Resource, Snapshot<Cached>)> {
        let followed = self.followed.get()?;
        let store = followed
            .iter()
            .find(|s| s.resource.plural == plural && s.resource.group == group)?;
        let own = self.storage.revision(&store.resource.list_prefix(""));
        let snapshot = store.cache.as_ref()?.snapshot_at_least(own).await;
        Some((&store.resource, snapshot.ok()?))
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

    async fn known(
        &self,
        group: &str,
        plural: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, Status> {
        if let Some((r, snapshot)) = self.snapshot(group, plural).await
            && let Some(entry) = snapshot.get(r.key(namespace, name).as_bytes())
        {
            return Cached::tree(r, entry).map(Some);
        }
        self.get(group, plural, namespace, name).await
    }

    async fn list_known(
        &self,
        group: &str,
        plural: &str,
        namespace: &str,
    ) -> Result<Vec<Value>, Status> {
        let Some((r, snapshot)) = self.snapshot(group, plural).await else {
            return self.list(group, plural, namespace).await;
        };
        let start = r.list_prefix(namespace);
        let end = catena_storage::prefix_end(start.as_bytes());
        let entries = snapshot.range(start.as_bytes(), &end);
        entries.map(|e| Cached::tree(r, e)).collect()
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
