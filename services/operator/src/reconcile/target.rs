//! Which revision is applied: the one of the spec, or the last good one where
//! that one failed or cannot be.

use kube::ResourceExt as _;
use serde_json::Value;

use super::Context;
use crate::{
    api::{ControlPlane, ControlPlaneStatus, RevisionState},
    apply::Applier,
    error::Error,
    render,
    revision::{History, Revision},
    values,
};

/// What the chart makes of the spec.
pub(super) fn render(plane: &ControlPlane, kube_version: &str) -> Result<Vec<Value>, Error> {
    let name = plane.name_any();
    let claim = values::claim_of_backups(&plane.spec, &name);
    let values = values::values(&plane.spec, &claim)?;
    let namespace = plane.namespace().unwrap_or_default();
    render::render(&name, &namespace, kube_version, &values)
}

/// What to apply.
pub(super) struct Target {
    pub(super) history: History,
    pub(super) revision: Revision,
    /// What is wrong with the spec; then the revision is the one before.
    pub(super) refused: Option<Error>,
}

/// # Errors
/// When the spec is refused and there is nothing before it, or revisions cannot be
/// read or written.
pub(super) async fn choose(
    applier: &Applier,
    plane: &ControlPlane,
    context: &Context,
    status: &mut ControlPlaneStatus,
) -> Result<Target, Error> {
    let name = plane.name_any();
    let mut history = History::read(applier, &name).await?;
    let generation = plane.metadata.generation.unwrap_or_default();
    let rendered = match context.rendered(plane) {
        Ok(rendered) => rendered,
        Err(refused) => {
            let last = status.revision.and_then(|n| history.numbered(n));
            let Some(last) = last.or_else(|| history.available(0)).cloned() else {
                return Err(refused);
            };
            return Ok(Target {
                history,
                revision: last,
                refused: Some(refused),
            });
        }
    };
    let version = &plane.spec.version;
    if status
        .failed
        .as_ref()
        .is_some_and(|f| f.generation != generation)
    {
        status.failed = None;
    }
    let mut revision = history.newest(applier, &name, version, &rendered).await?;
    if let Some(failed) = &status.failed {
        match history.available(revision.number) {
            // The operator itself may be another one, with another chart.
            Some(before) if revision.number == failed.revision => revision = before.clone(),
            _ => status.failed = None,
        }
    }
    Ok(Target {
        history,
        revision,
        refused: None,
    })
}

impl Target {
    /// All is as it should be.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) async fn reached(
        &mut self,
        limit: i32,
        status: &mut ControlPlaneStatus,
    ) -> Result<(), Error> {
        let number = self.revision.number;
        self.history.mark(number, RevisionState::Available).await?;
        status.revision = Some(number);
        status.version = Some(self.revision.version.clone());
        status.upgrade = None;
        let failed = status.failed.as_ref().map(|f| f.revision);
        let keep: Vec<i64> = [Some(number), failed].into_iter().flatten().collect();
        let limit = usize::try_from(limit).unwrap_or(1);
        self.history.trim(limit, &keep).await
    }
}
