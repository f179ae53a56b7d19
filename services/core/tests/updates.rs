//! Updates that begin from a cache which may be behind.

use std::sync::Arc;

use catena_core::{Extras, Options, assemble};
use catena_objects::{Value, json, obj};
use catena_registry::{Context, Store, options::Preconditions};
use catena_storage::{Op, RangeRequest, Storage, TxnRequest, testing::Memory};

const KEY: &str = "/registry/configmaps/default/m";

fn options() -> Options {
    Options {
        admission: catena_core::AdmissionFlags::default(),
        services: catena_core::Services {
            service_cluster_ip_range: vec!["10.0.0.0/24".parse().expect("a range")],
            service_node_port_range: (30000, 32767),
        },
        advertise_address: None,
        secure_port: 6443,
        pods: catena_core::Pods::default(),
        kubelet: catena_core::KubeletFlags::default(),
        egress: Default::default(),
    }
}

/// A store of config maps whose cache is filled, with one object.
async fn store() -> (Arc<dyn Storage>, Store) {
    let storage: Arc<dyn Storage> = Arc::new(Memory::default());
    let assembled = assemble::prepare(&options(), &storage, Extras::default())
        .await
        .expect("bootstrap");
    let maps = assembled
        .resources
        .iter()
        .find(|r| r.plural == "configmaps");
    let store = Store::cached(maps.expect("registered").clone(), storage.clone());
    let map = obj!({
        "kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "m"}, "data": {"a": "0"}
    });
    store.create(&ctx(), map).await.expect("created");
    let cache = store.cache.as_ref().expect("a cache");
    cache.snapshot_consistent().await.expect("filled");
    (storage, store)
}

fn ctx() -> Context {
    Context {
        namespace: "default".into(),
        version: "v1".into(),
        now: "2026-01-02T03:04:05Z".into(),
        ..Context::default()
    }
}

async fn stored(storage: &Arc<dyn Storage>) -> Value {
    let answer = storage.range(RangeRequest::key(KEY)).await.expect("memory");
    json::parse(&answer.kvs[0].value).expect("JSON")
}

async fn set(store: &Store, key: &str, value: &str) {
    let change = |old: Option<&Value>| {
        let mut new = old.cloned().expect("it is there");
        new.set(&["data", key], value);
        Ok(new)
    };
    store
        .update(&ctx(), "m", &Preconditions::default(), false, &change)
        .await
        .expect("updated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_update_is_lost() {
    let (storage, store) = store().await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let store = store.clone();
        writers.spawn(async move {
            for i in 0..25 {
                set(&store, &format!("k{writer}-{i}"), "x").await;
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.expect("written");
    }
    let data = stored(&storage).await;
    assert_eq!(
        data.at(&["data"])
            .and_then(Value::as_object)
            .map(|d| d.iter().count()),
        Some(201)
    );
}

/// The cache still has what the update makes; storage has something else. (One
/// thread: the cache hears of the other write only after the update looked.)
#[tokio::test]
async fn that_nothing_changes_is_not_believed_of_a_cache_that_is_behind() {
    let (storage, store) = store().await;
    let mut other = stored(&storage).await;
    other.set(&["data", "a"], "1");
    let put = TxnRequest {
        success: vec![Op::Put {
            key: KEY.into(),
            value: json::to_vec(&other).into(),
            lease: 0,
        }],
        ..TxnRequest::default()
    };
    storage.txn(put).await.expect("memory");
    set(&store, "a", "0").await;
    assert_eq!(stored(&storage).await.str_at(&["data", "a"]), "0");
}
