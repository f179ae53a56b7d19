//! The way from one revision to the next: what comes before it, and how it ends.

use super::apply::Work;
use crate::{
    api::{
        BackupState, ControlPlaneStatus, FailedRevision, RestorePhase, RevisionState, UpgradeStatus,
    },
    conditions,
    error::Error,
};

impl Work<'_> {
    /// What an upgrade has to wait for before it begins.
    pub(super) async fn backup_before(
        &self,
        status: &mut ControlPlaneStatus,
    ) -> Result<Option<String>, Error> {
        let to = &self.target.revision;
        let begun = status
            .upgrade
            .as_ref()
            .is_some_and(|u| u.to == to.number && u.started.is_some());
        let same = status.version.as_ref().is_none_or(|v| *v == to.version);
        let needless = begun || same || status.failed.is_some() || !self.plane.spec.upgrade.backup;
        // A store that does not answer cannot be backed up.
        let ready = status
            .services
            .iter()
            .any(|s| s.name == "store" && s.ready > 0);
        if needless || !ready || status.revision == Some(to.number) {
            return Ok(None);
        }
        let Some(backups) = self.with_backups() else {
            return Ok(None);
        };
        let backup = backups.before(to.number).await?;
        status.upgrade = Some(UpgradeStatus {
            from: status.revision,
            to: to.number,
            started: None,
            backup: Some(backup.name.clone()),
        });
        Ok(match backup.state {
            BackupState::Succeeded => None,
            BackupState::Running => Some(format!("the upgrade waits for backup {}", backup.name)),
            BackupState::Failed => {
                let why = backup.message.unwrap_or_default();
                return Err(Error::Spec(format!(
                    "the upgrade waits for backup {}, which failed: {why}; spec.upgrade.backup=false does without",
                    backup.name
                )));
            }
        })
    }

    /// Remembers which revision is on its way; `go`: nothing has to come before it.
    pub(super) fn begin_upgrade(&self, status: &mut ControlPlaneStatus, go: bool) {
        let to = self.target.revision.number;
        if status.failed.is_some() || status.revision == Some(to) {
            status.upgrade = None;
            return;
        }
        let known = status.upgrade.take().filter(|u| u.to == to);
        let mut upgrade = known.unwrap_or(UpgradeStatus {
            from: status.revision,
            to,
            started: None,
            backup: None,
        });
        if go && upgrade.started.is_none() {
            upgrade.started = Some(conditions::now());
        }
        status.upgrade = Some(upgrade);
    }

    /// Whether a revision is reached, or has failed; true for the latter.
    pub(super) async fn judge(&mut self, status: &mut ControlPlaneStatus) -> Result<bool, Error> {
        let restores = status
            .restore
            .as_ref()
            .is_some_and(|r| r.phase != RestorePhase::Completed);
        if self.seen.is_complete() && !restores {
            self.target
                .reached(self.plane.spec.upgrade.history_limit, status)
                .await?;
            return Ok(false);
        }
        let Some(upgrade) = &status.upgrade else {
            return Ok(false);
        };
        let limit = self.plane.spec.upgrade.timeout_seconds;
        let began = upgrade.started.as_ref().map(|t| t.0.as_second());
        let late = began.is_some_and(|t| conditions::now().0.as_second() - t >= limit);
        if !late || status.failed.is_some() || restores {
            return Ok(false);
        }
        let waits = self.seen.waits.clone().unwrap_or_default();
        let revision = self.target.revision.number;
        self.target
            .history
            .mark(revision, RevisionState::Failed)
            .await?;
        if self.target.history.available(revision).is_none() {
            self.seen
                .problems
                .push(format!("not ready after {limit} seconds: {waits}"));
            return Ok(false);
        }
        status.failed = Some(FailedRevision {
            revision,
            generation: self.plane.metadata.generation.unwrap_or_default(),
            message: format!("revision {revision} was not ready after {limit} seconds: {waits}"),
        });
        Ok(true)
    }
}
