//! The end of a control plane: everything that was ever applied goes, pods
//! first, and the store's volume where that was asked for.

use std::{sync::Arc, time::Duration};

use kube::{ResourceExt as _, api::DeleteParams, runtime::controller::Action};

use crate::{
    api::{ControlPlane, WhenDeleted},
    apply::{Applier, Inventory},
    error::{Error, Of as _},
    metrics,
    objects::Key,
    reconcile::Context,
    storage::restore,
};

/// The note of the inventory with the name of the store's StatefulSet.
pub(crate) const STORE: &str = "store";
/// Pause before it is looked whether everything is gone.
pub(crate) const AGAIN: Duration = Duration::from_secs(1);

/// Deletes what is left.
///
/// # Errors
/// When the API server refuses, and [`Error::Remains`] until nothing is left: the
/// finalizer stays as long as there is an error.
pub(crate) async fn run(plane: Arc<ControlPlane>, context: Arc<Context>) -> Result<Action, Error> {
    let applier = Applier::new(context.client.clone(), &plane, context.applied.clone())?;
    let mut inventory = Inventory::read(&applier).await?;
    // What runs pods goes before what it needs; secrets that pods mount go last.
    let order = |k: &Key| match k.kind.as_str() {
        "HorizontalPodAutoscaler" => 0,
        "Deployment" | "StatefulSet" => 1,
        "Secret" | "ConfigMap" => 3,
        _ => 2,
    };
    inventory.objects.sort_by_key(order);
    inventory.prune(&applier, &[]).await?;
    if let Some(first) = inventory.objects.first() {
        return Err(remains(first));
    }
    if let Some(store) = inventory.notes.get(STORE)
        && deletes_volume(&plane)
    {
        delete_claim(&applier, &restore::claim(&applier, store)).await?;
    }
    inventory.remove(&applier).await?;
    applier.forget();
    context.forget(&plane);
    metrics::forget(&applier.namespace, &plane.name_any());
    Ok(Action::await_change())
}

fn deletes_volume(plane: &ControlPlane) -> bool {
    let embedded = plane.spec.storage.embedded.as_ref();
    embedded.is_some_and(|e| e.when_deleted == WhenDeleted::Delete)
}

/// Ends well when it is gone.
async fn delete_claim(applier: &Applier, claim: &Key) -> Result<(), Error> {
    let Some(live) = applier.get(claim).await? else {
        return Ok(());
    };
    if live.metadata.deletion_timestamp.is_none() {
        let params = DeleteParams::default();
        let deleted = applier.api(claim).delete(&claim.name, &params).await;
        deleted.of(format!("delete {}", claim.name))?;
    }
    Err(remains(claim))
}

fn remains(key: &Key) -> Error {
    Error::Remains(format!("{} {}", key.kind, key.name))
}
