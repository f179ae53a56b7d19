//! What a new control plane starts with: namespaces, roles, flow control,
//! priority classes, the Service of the API and the default service range.

mod authentication;
mod objects;

use std::sync::Arc;

use bytes::Bytes;
use catena_objects::{Status, Value, meta, time};
use catena_registry::{Context, Resource, codec};
use catena_storage::{Compare, KeyValue, Op, OpResponse, Storage, TxnRequest};

pub use objects::Config;

/// Operations of one transaction; etcd takes 128.
const BATCH: usize = 120;
/// Attempts against other servers that start at the same time.
const ATTEMPTS: usize = 8;
const ROLE_AUTOUPDATE: &str = "rbac.authorization.kubernetes.io/autoupdate";

/// An object that must exist, with its place.
struct Wanted {
    resource: Arc<Resource>,
    object: Value,
}

impl Wanted {
    fn key(&self) -> Bytes {
        self.resource
            .key(meta::namespace(&self.object), meta::name(&self.object))
            .into()
    }
}

/// Creates what is missing, and adds rules and subjects that bootstrap roles and
/// bindings lack. Reads and writes in few transactions, so it is quick on every
/// start; runs again when another server was faster.
pub async fn run(
    storage: &dyn Storage,
    resources: &[Arc<Resource>],
    config: &Config,
) -> Result<(), Status> {
    for _ in 0..ATTEMPTS {
        let wanted = wanted(resources, config);
        let ops = missing(storage, &wanted).await?;
        if write(storage, ops).await? {
            return Ok(());
        }
    }
    Err(Status::internal(
        "bootstrap objects kept changing while they were written",
    ))
}

fn wanted(resources: &[Arc<Resource>], config: &Config) -> Vec<Wanted> {
    let ctx = Context {
        now: time::now(),
        ..Context::default()
    };
    objects::all(config, &ctx.now)
        .into_iter()
        .filter_map(|object| prepare(resources, &ctx, object))
        .collect()
}

/// Completes an object as a create would.
fn prepare(resources: &[Arc<Resource>], ctx: &Context, mut object: Value) -> Option<Wanted> {
    let api_version = object.str_at(&["apiVersion"]).to_owned();
    let kind = object.str_at(&["kind"]).to_owned();
    let resource = resources
        .iter()
        .find(|r| r.kind == kind && r.storage_api_version() == api_version)?;
    let status = object.get("status").cloned();
    resource.strategy.default(&mut object);
    let schema = &resource.versions[resource.storage_version].schema;
    let request = catena_apply::Request {
        node: schema,
        group_version: api_version,
        manager: crate::MANAGER,
        time: &ctx.now,
        subresource: "",
        force: false,
        reset_fields: &[&["status"]],
    };
    let mut object = catena_apply::track_update(None, object, &request).ok()?;
    resource.strategy.prepare_create(ctx, &mut object);
    if let Some(status) = status {
        object.set(&["status"], status);
    }
    object.set(&["metadata", "uid"], uuid::Uuid::new_v4().to_string());
    object.set(&["metadata", "creationTimestamp"], ctx.now.as_str());
    if resource.strategy.has_generation() {
        object.set(&["metadata", "generation"], 1i64);
    }
    let object = catena_schema::canonical(schema, object);
    Some(Wanted {
        resource: resource.clone(),
        object,
    })
}

/// The writes that are needed: (key, revision that it must have, value).
async fn missing(
    storage: &dyn Storage,
    wanted: &[Wanted],
) -> Result<Vec<(Bytes, i64, Bytes)>, Status> {
    let keys: Vec<Bytes> = wanted.iter().map(Wanted::key).collect();
    let reads = keys.chunks(BATCH).map(|keys| read(storage, keys));
    let stored = futures_util::future::try_join_all(reads).await?.concat();
    let by_key: std::collections::HashMap<&[u8], &KeyValue> =
        stored.iter().map(|kv| (kv.key.as_ref(), kv)).collect();
    let mut ops = Vec::new();
    for (w, key) in wanted.iter().zip(keys) {
        match by_key.get(key.as_ref()) {
            None => ops.push((key, 0, codec::encode(&w.object))),
            Some(kv) => {
                let live = codec::decode(&w.resource, kv)?;
                if let Some(better) = reconciled(&live, &w.object) {
                    ops.push((key, kv.mod_revision, codec::encode(&better)));
                }
            }
        }
    }
    Ok(ops)
}

/// What is there of some keys. Nothing is listed: beside the one config map that
/// is wanted there may be a hundred thousand.
async fn read(storage: &dyn Storage, keys: &[Bytes]) -> Result<Vec<KeyValue>, Status> {
    let get = |key: &Bytes| Op::Get { key: key.clone() };
    let request = TxnRequest {
        success: keys.iter().map(get).collect(),
        ..TxnRequest::default()
    };
    let answer = storage.txn(request).await.map_err(codec::storage_error)?;
    let found = answer.responses.into_iter().filter_map(|r| match r {
        OpResponse::Get(found) => found,
        OpResponse::Put | OpResponse::Delete(_) => None,
    });
    Ok(found.collect())
}

/// A bootstrap role or binding with what it lacks; `None` when it is complete
/// or someone switched updates off.
fn reconciled(live: &Value, wanted: &Value) -> Option<Value> {
    if authentication::is(wanted) {
        return authentication::merged(live, wanted);
    }
    if meta::annotation(live, ROLE_AUTOUPDATE) != Some("true")
        || live.get("aggregationRule").is_some()
    {
        return None;
    }
    if live.get("roleRef").map(|r| r.str_at(&["name"]))
        != wanted.get("roleRef").map(|r| r.str_at(&["name"]))
    {
        return None;
    }
    let list = if wanted.get("roleRef").is_some() {
        "subjects"
    } else {
        "rules"
    };
    let mut items = live.items_at(&[list]).to_vec();
    let before = items.len();
    for item in wanted.items_at(&[list]) {
        if !items.contains(item) {
            items.push(item.clone());
        }
    }
    if items.len() == before {
        return None;
    }
    let mut better = live.clone();
    better.set(&[list], items);
    Some(better)
}

/// False when a key changed in between.
async fn write(storage: &dyn Storage, ops: Vec<(Bytes, i64, Bytes)>) -> Result<bool, Status> {
    for batch in ops.chunks(BATCH) {
        let request = TxnRequest {
            compare: batch
                .iter()
                .map(|(key, equals, _)| Compare::ModRevision {
                    key: key.clone(),
                    equals: *equals,
                })
                .collect(),
            success: batch
                .iter()
                .map(|(key, _, value)| Op::Put {
                    key: key.clone(),
                    value: value.clone(),
                    lease: 0,
                })
                .collect(),
            failure: Vec::new(),
        };
        if !storage
            .txn(request)
            .await
            .map_err(codec::storage_error)?
            .succeeded
        {
            return Ok(false);
        }
    }
    Ok(true)
}
