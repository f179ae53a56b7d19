//! Keeps the status of definitions: runs in every replica, each write is a
//! compare and swap and says the same wherever it is made.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use catena_objects::{Reason, Status, Value, time};
use catena_registry::{Context, Store, options::Preconditions};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    catalog::Catalog,
    cleanup,
    definition::{GROUP, VERSION},
    namespaces::Namespaces,
    naming,
};

const RETRY: Duration = Duration::from_secs(1);

/// What the keeper works with.
pub(crate) struct Keeper {
    pub(crate) catalog: Arc<Catalog>,
    /// Of the definitions; its storage feeds the catalog.
    pub(crate) store: Store,
    pub(crate) namespaces: Arc<Namespaces>,
    /// Definitions whose instances are being deleted, by name.
    pub(crate) cleaning: Mutex<BTreeSet<String>>,
    pub(crate) stop: CancellationToken,
}

/// Runs until the server stops.
pub(crate) async fn run(keeper: Arc<Keeper>, mut synced: watch::Receiver<bool>) {
    let ready = synced.wait_for(|s| *s);
    tokio::select! {
        () = keeper.stop.cancelled() => return,
        r = ready => if r.is_err() { return },
    }
    let mut changes = keeper.catalog.changes();
    // Uid and generation for which a definition was found settled.
    let mut seen: HashMap<String, (String, i64)> = HashMap::new();
    let mut again = BTreeSet::new();
    loop {
        changes.borrow_and_update();
        let mut names = keeper.affected();
        names.append(&mut again);
        for name in names {
            if let Err(s) = keeper.one(&name, &mut seen).await {
                tracing::warn!(definition = %name, why = %s.message, "its status could not be written");
                again.insert(name);
            }
        }
        tokio::select! {
            () = keeper.stop.cancelled() => return,
            r = changes.changed() => if r.is_err() { return },
            () = tokio::time::sleep(RETRY), if !again.is_empty() => {}
        }
    }
}

impl Keeper {
    /// What changed, and those that wait for a name that was given up.
    fn affected(&self) -> BTreeSet<String> {
        let snapshot = self.catalog.snapshot();
        let mut names = BTreeSet::new();
        for change in self.catalog.take_changes() {
            if change.frees_names {
                let waiting = snapshot
                    .values()
                    .filter(|e| e.group == change.group && e.accepted != e.wanted);
                names.extend(waiting.map(|e| e.name.clone()));
            }
            names.insert(change.name);
        }
        names
    }

    async fn one(
        self: &Arc<Self>,
        name: &str,
        seen: &mut HashMap<String, (String, i64)>,
    ) -> Result<(), Status> {
        let Some(entry) = self.catalog.get(name) else {
            seen.remove(name);
            return Ok(());
        };
        let state = (entry.uid.clone(), entry.generation);
        let settled = entry.established && entry.names_accepted && entry.accepted == entry.wanted;
        if !settled || seen.get(name) != Some(&state) {
            let snapshot = self.catalog.snapshot();
            let now = time::now();
            self.write(name, &now, &|live| naming::settle(live, &snapshot, &now))
                .await?;
            seen.insert(name.to_owned(), state);
        }
        if entry.cleaning && self.cleaning.lock().insert(name.to_owned()) {
            let (keeper, name) = (self.clone(), name.to_owned());
            tokio::spawn(async move { cleanup::run(&keeper, &name).await });
        }
        Ok(())
    }

    /// Changes a definition through its status endpoint, as the server itself.
    pub(crate) async fn write(
        &self,
        name: &str,
        now: &str,
        change: &(dyn Fn(&Value) -> Value + Send + Sync),
    ) -> Result<(), Status> {
        let schema = &self.store.resource.versions[0].schema;
        let context = Context {
            user: cleanup::user(),
            version: VERSION.to_owned(),
            subresource: "status".to_owned(),
            now: now.to_owned(),
            ..Context::default()
        };
        let request = catena_apply::Request {
            node: schema,
            group_version: format!("{GROUP}/{VERSION}"),
            manager: "kube-apiserver",
            time: now,
            subresource: "status",
            force: false,
            reset_fields: &[&["metadata"], &["spec"]],
        };
        let update = |live: Option<&Value>| {
            let live = live.ok_or_else(|| self.store.not_found(name))?;
            let new = change(live);
            if new == *live {
                return Ok(new);
            }
            catena_apply::track_update(Some(live), new, &request)
        };
        let written = self
            .store
            .update(&context, name, &Preconditions::default(), false, &update)
            .await;
        match written {
            Err(s) if s.reason == Reason::NotFound => Ok(()),
            other => other.map(drop),
        }
    }
}
