//! Times as `metav1.Time` (whole seconds) and `metav1.MicroTime` read and print them.

mod layout;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

pub use layout::parse;

/// Go's layout string in messages.
pub(crate) const RFC3339: &str = "2006-01-02T15:04:05Z07:00";

/// Now, as `metav1.Time` prints.
pub fn now() -> String {
    format_seconds(Timestamp::now())
}

/// Now, as `metav1.MicroTime` prints.
pub fn now_micro() -> String {
    format_micros(Timestamp::now())
}

/// `2026-01-02T15:04:05Z`; fractions are cut off.
pub fn format_seconds(t: Timestamp) -> String {
    t.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-01-02T15:04:05.123456Z`.
pub fn format_micros(t: Timestamp) -> String {
    t.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// A time as Go would print it back: UTC, whole seconds.
///
/// # Errors
/// The message of Go's `time.Parse`.
pub fn normalize(text: &str) -> Result<String, String> {
    parse(text).map(format_seconds)
}

/// A time as Go would print it back: UTC, six digits of fraction.
///
/// # Errors
/// The message of Go's `time.Parse`.
pub fn normalize_micro(text: &str) -> Result<String, String> {
    parse(text).map(format_micros)
}

/// Age of something that began at `since` in a table: `5m`, `<unknown>` when unset or unreadable.
pub fn age(since: &str, now: Timestamp) -> String {
    match parse(since) {
        Ok(t) => human(now.as_second() - t.as_second()),
        Err(_) => "<unknown>".to_owned(),
    }
}

/// `duration.HumanDuration` of whole seconds: two or three significant figures.
pub fn human(seconds: i64) -> String {
    if seconds < -1 {
        return "<invalid>".to_owned();
    }
    if seconds < 0 {
        return "0s".to_owned();
    }
    let pair = |a: i64, a_unit: &str, b: i64, b_unit: &str| {
        if b == 0 {
            format!("{a}{a_unit}")
        } else {
            format!("{a}{a_unit}{b}{b_unit}")
        }
    };
    let (minutes, hours) = (seconds / 60, seconds / 3_600);
    if seconds < 120 {
        format!("{seconds}s")
    } else if minutes < 10 {
        pair(minutes, "m", seconds % 60, "s")
    } else if minutes < 180 {
        format!("{minutes}m")
    } else if hours < 8 {
        pair(hours, "h", minutes % 60, "m")
    } else if hours < 48 {
        format!("{hours}h")
    } else if hours < 24 * 8 {
        pair(hours / 24, "d", hours % 24, "h")
    } else if hours < 24 * 365 * 2 {
        format!("{}d", hours / 24)
    } else if hours < 24 * 365 * 8 {
        pair(hours / 24 / 365, "y", (hours / 24) % 365, "d")
    } else {
        format!("{}y", hours / 24 / 365)
    }
}

/// `duration.ShortHumanDuration` of whole seconds: one figure.
pub fn human_short(seconds: i64) -> String {
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        86_400..31_536_000 => format!("{}d", seconds / 86_400),
        _ => format!("{}y", seconds / 31_536_000),
    }
}

/// [`age`] with `now` as text, for callers that carry the time of a request.
pub fn age_at(since: &str, now: &str) -> String {
    match parse(now) {
        Ok(now) => age(since, now),
        Err(_) => "<unknown>".to_owned(),
    }
}

/// `time` moved by `seconds`; unreadable times and overflows stay as they are.
pub fn add_seconds(time: &str, seconds: i64) -> String {
    parse(time)
        .ok()
        .and_then(|t| t.checked_add(jiff::SignedDuration::from_secs(seconds)).ok())
        .map_or_else(|| time.to_owned(), format_seconds)
}
