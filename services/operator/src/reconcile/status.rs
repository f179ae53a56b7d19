//! What is told of a control plane after a look at it.

use serde_json::Value;

use super::target::Target;
use crate::{
    api::{BackupState, ControlPlane, ControlPlaneStatus, RestorePhase},
    certificates::Outcome,
    conditions::{
        self, AVAILABLE, CERTIFICATES_VALID, DEGRADED, PROGRESSING, ROLLED_BACK, STORAGE_READY,
    },
    objects, rollout,
    storage::health::Health,
};

/// What was seen.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) certificates: Outcome,
    /// As they are in the cluster.
    pub(super) workloads: Vec<Value>,
    /// What the next step waits for.
    pub(super) waits: Option<String>,
    /// Of an etcd that is there.
    pub(super) etcd: Option<Health>,
    /// What is wrong and not told by anything else.
    pub(super) problems: Vec<String>,
}

/// A judgement: whether it is, a reason and a message.
type Judged = (bool, &'static str, String);

impl Seen {
    pub(super) fn is_complete(&self) -> bool {
        self.waits.is_none() && self.storage().0
    }

    fn ready(&self, process: &str) -> bool {
        let of = |w: &&Value| objects::component(w) == process;
        self.workloads
            .iter()
            .find(of)
            .is_some_and(|w| rollout::ready(w) > 0)
    }

    fn storage(&self) -> Judged {
        match &self.etcd {
            None if self.ready("store") => (true, "StoreReady", "the store is ready".to_owned()),
            None => (false, "StoreNotReady", "the store is not ready".to_owned()),
            Some(health) if health.unhealthy.is_empty() => {
                let message = format!("{} endpoints of the etcd are healthy", health.endpoints);
                (true, "EtcdHealthy", message)
            }
            Some(health) if health.any() => {
                (true, "EndpointsUnhealthy", health.unhealthy.join("; "))
            }
            Some(health) => (false, "EtcdUnhealthy", health.unhealthy.join("; ")),
        }
    }

    fn available(&self) -> Judged {
        let (stored, reason, message) = self.storage();
        let needed = ["extensions", "core", "aggregator"];
        let missing: Vec<&str> = needed.into_iter().filter(|p| !self.ready(p)).collect();
        match (stored, missing.as_slice()) {
            (true, []) => (true, "Ready", "requests are answered".to_owned()),
            (false, []) => (false, reason, message),
            (_, some) => {
                let message = format!("no pod is ready of {}", some.join(", "));
                (false, "NotReady", message)
            }
        }
    }

    fn certificates(&self) -> Judged {
        let outcome = &self.certificates;
        match outcome.problems.as_slice() {
            [] => {
                let until = outcome
                    .renewal
                    .and_then(|t| jiff::Timestamp::try_from(t).ok());
                let seconds = until.map(|t| t.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
                let message = match seconds {
                    Some(t) if outcome.of_others => format!("the first one ends at {t}"),
                    Some(t) => format!("the next one is made anew after {t}"),
                    None => String::new(),
                };
                (true, "Valid", message)
            }
            some => (false, "Invalid", some.join("; ")),
        }
    }
}

/// Tells of everything.
pub(super) fn tell(
    plane: &ControlPlane,
    target: &Target,
    seen: &Seen,
    status: &mut ControlPlaneStatus,
) {
    status.services = seen.workloads.iter().map(rollout::status).collect();
    let sum =
        |of: fn(&crate::api::ProcessStatus) -> i32| status.services.iter().map(of).sum::<i32>();
    status.ready = Some(format!("{}/{}", sum(|s| s.ready), sum(|s| s.desired)));
    status.history = target.history.all.iter().map(|r| r.status()).collect();
    let judged = [
        (AVAILABLE, seen.available()),
        (PROGRESSING, progressing(target, seen, status)),
        (DEGRADED, degraded(target, seen, status)),
        (STORAGE_READY, seen.storage()),
        (CERTIFICATES_VALID, seen.certificates()),
    ];
    for (kind, (is, reason, message)) in judged {
        let generation = plane.metadata.generation;
        conditions::set(
            &mut status.conditions,
            generation,
            kind,
            is,
            reason,
            &message,
        );
    }
}

fn progressing(target: &Target, seen: &Seen, status: &ControlPlaneStatus) -> Judged {
    let waits = seen.waits.clone().unwrap_or_default();
    if let Some(restore) = status
        .restore
        .as_ref()
        .filter(|r| r.phase != RestorePhase::Completed)
    {
        let message = format!("{:?}: {} {waits}", restore.phase, restore.from.file);
        return (true, "Restoring", message);
    }
    if seen.is_complete() {
        let message = format!("revision {}", target.revision.number);
        let reason = if status.failed.is_some() {
            ROLLED_BACK
        } else {
            "Complete"
        };
        return (false, reason, message);
    }
    let reason = match &status.upgrade {
        _ if status.failed.is_some() => "RollingBack",
        Some(upgrade) if upgrade.started.is_none() => "BackingUp",
        Some(upgrade) if upgrade.from.is_some() => "Upgrading",
        Some(_) => "Installing",
        None => "RollingOut",
    };
    let message = if waits.is_empty() {
        seen.storage().2
    } else {
        waits
    };
    (true, reason, message)
}

fn degraded(target: &Target, seen: &Seen, status: &ControlPlaneStatus) -> Judged {
    if let Some(refused) = &target.refused {
        return (true, refused.reason(), refused.to_string());
    }
    if let Some(failed) = &status.failed {
        let before = target.history.available(failed.revision);
        let back = before.map_or(target.revision.number, |r| r.number);
        let message = format!(
            "{}; back to revision {back}, until the spec changes",
            failed.message
        );
        return (true, "UpgradeFailed", message);
    }
    if !seen.problems.is_empty() {
        return (true, "Problems", seen.problems.join("; "));
    }
    if let Some(backup) = status
        .backups
        .iter()
        .rev()
        .find(|b| b.state != BackupState::Running)
        && backup.state == BackupState::Failed
    {
        let why = backup.message.clone().unwrap_or_default();
        return (true, "BackupFailed", format!("{}: {why}", backup.name));
    }
    (false, "AsExpected", String::new())
}

/// Nothing is changed; what is known stays.
pub(super) fn paused(plane: &ControlPlane, status: &mut ControlPlaneStatus) {
    let message = "spec.paused is true";
    let generation = plane.metadata.generation;
    let all = &mut status.conditions;
    conditions::set(all, generation, PROGRESSING, false, "Paused", message);
}
