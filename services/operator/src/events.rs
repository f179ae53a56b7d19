//! What users must know of: told as Events when it comes to pass.

use kube::runtime::events::{Event, EventType};

use crate::{
    api::{BackupState, ControlPlaneStatus, RestorePhase},
    certificates::Why,
    conditions::{
        self, AVAILABLE, CERTIFICATES_VALID, DEGRADED, PROGRESSING, ROLLED_BACK, STORAGE_READY,
    },
};

/// Longest note of an Event, bytes.
const LONGEST: usize = 1000;

/// Events of one reason and action are one that is repeated, whatever they note.
pub(crate) fn event(type_: EventType, reason: &str, action: &str, note: String) -> Event {
    let mut note = note;
    while note.len() > LONGEST {
        note.pop();
    }
    Event {
        type_,
        reason: reason.to_owned(),
        note: Some(note),
        action: action.to_owned(),
        secondary: None,
    }
}

/// Certificates that were made anew, but for the first ones.
pub(crate) fn certificates(made: &[(String, Why)]) -> Option<Event> {
    let again: Vec<String> = made
        .iter()
        .filter(|(_, why)| *why != Why::Missing)
        .map(|(secret, why)| format!("{secret} ({why:?})"))
        .collect();
    let note = format!("made anew: {}", again.join(", "));
    (!again.is_empty()).then(|| event(EventType::Normal, "CertificatesRotated", "Rotate", note))
}

/// What became of a control plane between two states of it.
pub(crate) fn between(old: &ControlPlaneStatus, new: &ControlPlaneStatus) -> Vec<Event> {
    let mut out = Vec::new();
    conditions(old, new, &mut out);
    upgrade(old, new, &mut out);
    backups(old, new, &mut out);
    let phase = |s: &ControlPlaneStatus| s.restore.as_ref().map(|r| r.phase);
    if phase(new) != phase(old)
        && let Some(restore) = &new.restore
    {
        let (reason, what) = match restore.phase {
            RestorePhase::Stopping => ("Restoring", "processes end for the restore of"),
            RestorePhase::Emptying => ("Restoring", "the volume is emptied for"),
            RestorePhase::Starting => ("Restoring", "the store begins with"),
            RestorePhase::Completed => ("Restored", "data is that of"),
        };
        let note = format!("{what} {}", restore.from.file);
        out.push(event(EventType::Normal, reason, "Restore", note));
    }
    out
}

fn conditions(old: &ControlPlaneStatus, new: &ControlPlaneStatus, out: &mut Vec<Event>) {
    for kind in [AVAILABLE, DEGRADED, STORAGE_READY, CERTIFICATES_VALID] {
        let (was, now) = (
            conditions::get(&old.conditions, kind),
            conditions::get(&new.conditions, kind),
        );
        let Some(now) = now else { continue };
        let good = (now.status == "True") != (kind == DEGRADED);
        if was.map(|c| (&c.status, &c.reason)) == Some((&now.status, &now.reason)) {
            continue;
        }
        // What is only starting is no news, nor is what always was well.
        let was_good = was.is_some_and(|c| (c.status == "True") != (kind == DEGRADED));
        let news = match (good, kind) {
            (true, AVAILABLE) => !was_good,
            (true, _) => false,
            (false, DEGRADED) => true,
            (false, _) => was_good,
        };
        if !news {
            continue;
        }
        let (type_, reason) = match (good, kind) {
            (true, _) => (EventType::Normal, AVAILABLE.to_owned()),
            (false, AVAILABLE) => (EventType::Warning, "Unavailable".to_owned()),
            (false, _) => (EventType::Warning, now.reason.clone()),
        };
        out.push(event(type_, &reason, "Reconcile", now.message.clone()));
    }
}

fn upgrade(old: &ControlPlaneStatus, new: &ControlPlaneStatus, out: &mut Vec<Event>) {
    let started = |s: &ControlPlaneStatus| {
        let upgrade = s.upgrade.as_ref().filter(|u| u.started.is_some())?;
        Some((upgrade.from?, upgrade.to))
    };
    if let Some((from, to)) = started(new).filter(|_| started(new) != started(old)) {
        let note = format!("from revision {from} to revision {to}");
        out.push(event(
            EventType::Normal,
            "Upgrading",
            &format!("UpgradeTo{to}"),
            note,
        ));
    }
    if new.revision != old.revision
        && let (Some(now), Some(_)) = (new.revision, old.revision)
    {
        let version = new.version.clone().unwrap_or_default();
        let note = format!("revision {now}, version {version}");
        out.push(event(
            EventType::Normal,
            "Upgraded",
            &format!("UpgradeTo{now}"),
            note,
        ));
    }
    let reason = |s: &ControlPlaneStatus| {
        let progressing = conditions::get(&s.conditions, PROGRESSING);
        progressing.map(|c| c.reason.clone()).unwrap_or_default()
    };
    if reason(new) == ROLLED_BACK && reason(old) != ROLLED_BACK {
        let note = format!("back at revision {}", new.revision.unwrap_or_default());
        out.push(event(EventType::Normal, ROLLED_BACK, "Upgrade", note));
    }
}

fn backups(old: &ControlPlaneStatus, new: &ControlPlaneStatus, out: &mut Vec<Event>) {
    for backup in &new.backups {
        let before = old.backups.iter().find(|b| b.name == backup.name);
        if before.map(|b| b.state) == Some(backup.state) {
            continue;
        }
        match backup.state {
            BackupState::Running => {}
            BackupState::Succeeded => {
                let note = format!("{}, {} bytes", backup.file, backup.size.unwrap_or_default());
                out.push(event(
                    EventType::Normal,
                    "BackupSucceeded",
                    &backup.name,
                    note,
                ));
            }
            BackupState::Failed => {
                let why = backup.message.clone().unwrap_or_default();
                let note = format!("{}: {why}", backup.name);
                out.push(event(
                    EventType::Warning,
                    "BackupFailed",
                    &backup.name,
                    note,
                ));
            }
        }
    }
}
