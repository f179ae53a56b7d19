//! Conditions: what is told of a control plane in five words.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

pub(crate) const AVAILABLE: &str = "Available";
pub(crate) const PROGRESSING: &str = "Progressing";
pub(crate) const DEGRADED: &str = "Degraded";
pub(crate) const STORAGE_READY: &str = "StorageReady";
pub(crate) const CERTIFICATES_VALID: &str = "CertificatesValid";

/// Progressing: the revision before is what runs.
pub(crate) const ROLLED_BACK: &str = "RolledBack";

pub(crate) const ALL: [&str; 5] = [
    AVAILABLE,
    PROGRESSING,
    DEGRADED,
    STORAGE_READY,
    CERTIFICATES_VALID,
];

/// Longest message: a list of all that is wrong may be long.
const LONGEST: usize = 1024;

/// Now, in the precision of Kubernetes.
pub(crate) fn now() -> Time {
    let now = Timestamp::now().as_second();
    Time(Timestamp::from_second(now).unwrap_or_default())
}

/// Sets a condition; its time moves when its status changes.
pub(crate) fn set(
    all: &mut Vec<Condition>,
    generation: Option<i64>,
    kind: &str,
    is: bool,
    reason: &str,
    message: &str,
) {
    let status = if is { "True" } else { "False" };
    let old = all.iter().find(|c| c.type_ == kind);
    let since = match old {
        Some(old) if old.status == status => old.last_transition_time.clone(),
        _ => now(),
    };
    let condition = Condition {
        type_: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.chars().take(LONGEST).collect(),
        observed_generation: generation,
        last_transition_time: since,
    };
    match all.iter_mut().find(|c| c.type_ == kind) {
        Some(old) => *old = condition,
        None => all.push(condition),
    }
}

/// The condition of a type.
pub(crate) fn get<'a>(all: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    all.iter().find(|c| c.type_ == kind)
}

/// Whether a condition is there and true.
pub(crate) fn is(all: &[Condition], kind: &str) -> bool {
    get(all, kind).is_some_and(|c| c.status == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_moves_with_the_status_alone() {
        let mut all = Vec::new();
        set(&mut all, Some(1), AVAILABLE, false, "Starting", "a");
        all[0].last_transition_time = Time(Timestamp::UNIX_EPOCH);
        set(&mut all, Some(2), AVAILABLE, false, "Starting", "b");
        assert_eq!(all[0].last_transition_time, Time(Timestamp::UNIX_EPOCH));
        assert_eq!(all[0].message, "b");
        set(&mut all, Some(2), AVAILABLE, true, "Ready", "");
        assert_ne!(all[0].last_transition_time, Time(Timestamp::UNIX_EPOCH));
        assert_eq!(all.len(), 1);
    }
}
