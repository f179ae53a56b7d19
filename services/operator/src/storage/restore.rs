//! A restore: all processes end, the volume is given up, and the store begins
//! with a backup. Each step is written down before the next one, so that an
//! operator that ends between goes on where it was.

use serde_json::Value;

use crate::{
    api::{Restore, RestorePhase, RestoreStatus},
    apply::{Applier, Inventory},
    error::{Error, Of as _},
    objects::Key,
    rollout,
};

/// The note of the inventory that says what was restored: a status that is lost
/// must not empty a volume again.
const NOTE: &str = "restored";

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// No restore, or it is complete.
    Run,
    /// No pod may run.
    Stop,
}

/// The claim of the store's only pod.
pub(crate) fn claim(applier: &Applier, store: &str) -> Key {
    Key {
        api_version: "v1".to_owned(),
        kind: "PersistentVolumeClaim".to_owned(),
        namespace: Some(applier.namespace.clone()),
        name: format!("data-{store}-0"),
    }
}

/// Where a restore is, before anything is applied.
///
/// # Errors
/// When the inventory cannot be read.
pub(crate) fn begin(
    wanted: Option<&Restore>,
    inventory: &Inventory,
    known: Option<&RestoreStatus>,
) -> Result<Option<RestoreStatus>, Error> {
    let Some(wanted) = wanted else {
        return Ok(known
            .filter(|k| k.phase == RestorePhase::Completed)
            .cloned());
    };
    let at = |phase| {
        Some(RestoreStatus {
            from: wanted.clone(),
            phase,
        })
    };
    let text = serde_json::to_string(wanted)?;
    if inventory.notes.get(NOTE) == Some(&text) {
        return Ok(at(RestorePhase::Completed));
    }
    Ok(match known {
        Some(known) if known.from == *wanted => Some(known.clone()),
        _ => at(RestorePhase::Stopping),
    })
}

pub(crate) fn mode(restore: Option<&RestoreStatus>) -> Mode {
    match restore.map(|r| r.phase) {
        Some(RestorePhase::Stopping | RestorePhase::Emptying) => Mode::Stop,
        _ => Mode::Run,
    }
}

/// Goes on by a step where what is waited for has come to pass. `workloads`: as
/// they are; `store`: the name of the store's StatefulSet.
///
/// # Errors
/// When the API server refuses.
pub(crate) async fn step(
    applier: &Applier,
    inventory: &mut Inventory,
    restore: &mut RestoreStatus,
    store: &str,
    workloads: &[Value],
) -> Result<(), Error> {
    let claim = claim(applier, store);
    match restore.phase {
        RestorePhase::Stopping if workloads.iter().all(rollout::is_stopped) => {
            restore.phase = RestorePhase::Emptying;
        }
        RestorePhase::Emptying => match applier.get(&claim).await? {
            None => restore.phase = RestorePhase::Starting,
            Some(live) if live.metadata.deletion_timestamp.is_none() => {
                let params = kube::api::DeleteParams::default();
                let deleted = applier.api(&claim).delete(&claim.name, &params).await;
                deleted.of(format!("delete {}", claim.name))?;
            }
            Some(_) => {}
        },
        RestorePhase::Starting => {
            let store = workloads.iter().find(|w| w["metadata"]["name"] == store);
            if store.is_some_and(|s| rollout::waiting(s).is_none() && rollout::ready(s) > 0) {
                let text = serde_json::to_string(&restore.from)?;
                inventory.note(applier, NOTE, &text).await?;
                restore.phase = RestorePhase::Completed;
            }
        }
        _ => {}
    }
    Ok(())
}
