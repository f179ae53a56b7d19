//! The group `batch`.

use std::sync::Arc;

use catena_registry::Strategy;

pub mod cronjob;
pub mod job;
pub mod job_policy;
pub mod job_status;
pub mod schedule;

/// Strategy of a resource of this group, `None` for one without rules of its own.
pub fn strategy(plural: &str, _version: &str) -> Option<Arc<dyn Strategy>> {
    Some(match plural {
        "jobs" => Arc::new(job::Job),
        "cronjobs" => Arc::new(cronjob::CronJob),
        _ => return None,
    })
}
