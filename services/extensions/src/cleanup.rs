//! Deletes the instances of a definition that is being deleted, then lets it go
//! (`controller/finalizer`).

use std::{sync::Arc, time::Duration};

use catena_objects::{
    Reason, Status, Value, time,
    user::{ALL_AUTHENTICATED, SYSTEM_MASTERS, User},
};
use catena_registry::{Context, Store, codec, options::DeleteOptions};
use catena_storage::{RangeRequest, prefix_end};
use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use crate::{
    definition::{FINALIZER, conditions},
    entry::Entry,
    keeper::Keeper,
};

const PAGE: i64 = 500;
/// Deletions under way at a time.
const PARALLEL: usize = 16;
const SHORTEST_POLL: Duration = Duration::from_millis(20);
const LONGEST_POLL: Duration = Duration::from_secs(5);
/// Instances with finalizers have this long before the condition tells of them.
const PATIENCE: Duration = Duration::from_secs(60);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

const TERMINATING: &str = "Terminating";

/// The server as a user of itself.
pub(crate) fn user() -> User {
    User {
        name: "system:apiserver".to_owned(),
        groups: vec![SYSTEM_MASTERS.to_owned(), ALL_AUTHENTICATED.to_owned()],
        ..User::default()
    }
}

/// Condition of a step: status, reason, message.
type Verdict = (&'static str, &'static str, String);

/// Tries until the definition is gone or the server stops.
pub(crate) async fn run(keeper: &Arc<Keeper>, name: &str) {
    let work = async {
        loop {
            until_gone(keeper, name).await;
            keeper.cleaning.lock().remove(name);
            // One of the same name may have come and be on its way out already.
            let again = keeper.catalog.get(name).is_some_and(|e| e.cleaning);
            if !again || !keeper.cleaning.lock().insert(name.to_owned()) {
                return;
            }
        }
    };
    tokio::select! {
        () = keeper.stop.cancelled() => {}
        () = work => {}
    }
}

async fn until_gone(keeper: &Keeper, name: &str) {
    let mut changes = keeper.catalog.changes();
    let mut pause = Duration::from_millis(100);
    loop {
        changes.borrow_and_update();
        let Some(entry) = keeper.catalog.get(name).filter(|e| e.cleaning) else {
            return;
        };
        if let Err(s) = clean(keeper, &entry).await {
            tracing::warn!(definition = %name, why = %s.message, "its instances are not gone");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_RETRY);
            continue;
        }
        // Another replica may have been faster: what it did comes with the watch.
        let done = |e: Arc<Entry>| e.uid != entry.uid || !e.cleaning;
        let gone = || keeper.catalog.get(name).is_none_or(done);
        while !gone() && changes.changed().await.is_ok() {}
    }
}

async fn clean(keeper: &Keeper, entry: &Entry) -> Result<(), Status> {
    say(
        keeper,
        entry,
        (
            "True",
            "InstanceDeletionInProgress",
            "CustomResource deletion is in progress".to_owned(),
        ),
        false,
    )
    .await?;
    if !entry.established {
        let why = "resource was never established".to_owned();
        return say(keeper, entry, ("False", "NeverEstablished", why), true).await;
    }
    if entry.versions.is_empty() {
        // Nothing was ever stored under a definition like that.
        let why = "removed all instances".to_owned();
        let done = ("False", "InstanceDeletionCompleted", why);
        return say(keeper, entry, done, true).await;
    }
    let storage = keeper.store.storage.clone();
    let resource = entry.resource(entry.storage(), &keeper.namespaces);
    let store = Store::new(resource, storage);
    if let Err((reason, s)) = instances(&store).await {
        say(keeper, entry, ("True", reason, s.message.clone()), false).await?;
        return Err(s);
    }
    let why = "removed all instances".to_owned();
    say(
        keeper,
        entry,
        ("False", "InstanceDeletionCompleted", why),
        true,
    )
    .await
}

/// Writes the condition, and gives the definition free with it.
async fn say(
    keeper: &Keeper,
    entry: &Entry,
    (status, reason, message): Verdict,
    release: bool,
) -> Result<(), Status> {
    let now = time::now();
    let change = |live: &Value| {
        let mut new = live.clone();
        if live.str_at(&["metadata", "uid"]) != entry.uid {
            return new;
        }
        conditions::set(&mut new, &now, TERMINATING, status, reason, &message);
        if release {
            let mut left = new.items_at(&["metadata", "finalizers"]).to_vec();
            left.retain(|f| f.as_str() != Some(FINALIZER));
            if left.is_empty() {
                new.unset(&["metadata", "finalizers"]);
            } else {
                new.set(&["metadata", "finalizers"], left);
            }
        }
        new
    };
    keeper.write(&entry.name, &now, &change).await
}

/// Deletes all instances and waits until they are gone.
async fn instances(store: &Store) -> Result<(), (&'static str, Status)> {
    delete_all(store).await?;
    let until = Instant::now() + PATIENCE;
    let mut pause = SHORTEST_POLL;
    loop {
        let check = |s: Status| {
            let why = format!(
                "could not confirm zero CustomResources remaining: {}",
                s.message
            );
            (
                "InstanceDeletionCheck",
                Status::new(Reason::InternalError, why),
            )
        };
        if remaining(store).await.map_err(check)? == 0 {
            return Ok(());
        }
        if Instant::now() >= until {
            return Err(check(Status::timeout("context deadline exceeded", 0)));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_POLL);
    }
}

async fn remaining(store: &Store) -> Result<i64, Status> {
    let request = RangeRequest {
        count_only: true,
        ..RangeRequest::prefix(&store.resource.list_prefix(""))
    };
    let answer = store.storage.range(request).await;
    Ok(answer.map_err(codec::storage_error)?.count)
}

async fn delete_all(store: &Store) -> Result<(), (&'static str, Status)> {
    const FAILED: &str = "InstanceDeletionFailed";
    let prefix = store.resource.list_prefix("");
    let mut from = prefix.clone().into_bytes();
    loop {
        let request = RangeRequest {
            key: from.clone().into(),
            end: prefix_end(prefix.as_bytes()),
            limit: PAGE,
            keys_only: true,
            ..RangeRequest::default()
        };
        let page = store.storage.range(request).await.map_err(|e| {
            let why = codec::storage_error(e).message;
            let text = format!("could not list instances: {why}");
            (FAILED, Status::new(Reason::InternalError, text))
        })?;
        let Some(last) = page.kvs.last() else {
            return Ok(());
        };
        from = [&last.key[..], b"\0"].concat();
        let keys: Vec<bytes::Bytes> = page.kvs.iter().map(|kv| kv.key.clone()).collect();
        let failed: Vec<Status> = stream::iter(keys)
            .map(|key| delete(store, prefix.len(), key))
            .buffer_unordered(PARALLEL)
            .filter_map(|r| async { r.err() })
            .collect()
            .await;
        if let Some(s) = failed.first() {
            let text = format!("could not issue all deletes: {}", s.message);
            return Err((FAILED, Status::new(Reason::InternalError, text)));
        }
        if !page.more {
            return Ok(());
        }
    }
}

async fn delete(store: &Store, prefix: usize, key: bytes::Bytes) -> Result<(), Status> {
    let path = String::from_utf8_lossy(&key[prefix..]).into_owned();
    let (namespace, name) = match path.split_once('/') {
        Some(parts) if store.resource.namespaced => parts,
        _ => ("", path.as_str()),
    };
    let context = Context {
        user: user(),
        namespace: namespace.to_owned(),
        version: store.resource.versions[store.resource.storage_version]
            .name
            .clone(),
        now: time::now(),
        ..Context::default()
    };
    match store
        .delete(&context, name, &DeleteOptions::default())
        .await
    {
        Err(s) if s.reason == Reason::NotFound => Ok(()),
        other => other.map(drop),
    }
}
