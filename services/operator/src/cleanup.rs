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
const AGAIN: Duration = Duration::from_secs(1);

/// Deletes what is left; the finalizer stays until nothing is.
///
/// # Errors
/// When the API server refuses, or something is still there.
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
    if !inventory.objects.is_empty() {
        return Ok(waits());
    }
    if let Some(store) = inventory.notes.get(STORE)
        && deletes_volume(&plane)
        && !delete_claim(&applier, &restore::claim(&applier, store)).await?
    {
        return Ok(waits());
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

/// Whether it is gone.
async fn delete_claim(applier: &Applier, claim: &Key) -> Result<bool, Error> {
    match applier.get(claim).await? {
        None => Ok(true),
        Some(live) if live.metadata.deletion_timestamp.is_some() => Ok(false),
        Some(_) => {
            let params = DeleteParams::default();
            let deleted = applier.api(claim).delete(&claim.name, &params).await;
            deleted.of(format!("delete {}", claim.name))?;
            Ok(false)
        }
    }
}

fn waits() -> Action {
    Action::requeue(AGAIN)
}
