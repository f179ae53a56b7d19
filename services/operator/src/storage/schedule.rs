//! When the next backup is due.

use croner::parser::{CronParser, Seconds};
use jiff::{Timestamp, tz::TimeZone};

use crate::error::Error;

/// Times of a schedule, in UTC.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// The last time that has come and for which there was no backup.
    pub(crate) now: Option<Timestamp>,
    pub(crate) next: Timestamp,
}

/// `after`: the time of the last backup, or when backups began. Of several times
/// that were missed, the last one counts.
///
/// # Errors
/// When the schedule is none, or never comes.
pub(crate) fn due(schedule: &str, after: Timestamp, now: Timestamp) -> Result<Due, Error> {
    let wrong = |e: croner::errors::CronError| {
        Error::Spec(format!("spec.storage.backup.schedule {schedule:?}: {e}"))
    };
    let parser = CronParser::builder().seconds(Seconds::Disallowed).build();
    let cron = parser.parse(schedule).map_err(wrong)?;
    let utc = |t: Timestamp| t.to_zoned(TimeZone::UTC);
    let next = cron
        .find_next_occurrence(&utc(now), false)
        .map_err(wrong)?
        .timestamp();
    let last = cron
        .find_previous_occurrence(&utc(now), true)
        .map_err(wrong)?
        .timestamp();
    Ok(Due {
        now: (last > after).then_some(last),
        next,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn of_missed_times_the_last_one_counts() {
        let now = at("2026-05-04T03:20:00Z");
        let times = due("0 * * * *", at("2026-05-04T00:00:00Z"), now).expect("times");
        assert_eq!(times.now, Some(at("2026-05-04T03:00:00Z")));
        assert_eq!(times.next, at("2026-05-04T04:00:00Z"));
        let none = due("0 * * * *", at("2026-05-04T03:00:00Z"), now).expect("times");
        assert_eq!(none.now, None);
    }

    #[test]
    fn a_wrong_schedule_names_its_field() {
        let now = at("2026-05-04T03:20:00Z");
        let why = due("61 * * * *", now, now)
            .expect_err("refused")
            .to_string();
        assert!(
            why.starts_with("spec.storage.backup.schedule \"61 * * * *\""),
            "{why}"
        );
    }
}
