//! Cron schedules, with the messages of `robfig/cron` v3.

const NAMES_OF_MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const NAMES_OF_DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

struct Bounds {
    min: u64,
    max: u64,
    names: &'static [&'static str],
    /// Number of the first name.
    first: u64,
}

const BOUNDS: [Bounds; 5] = [
    Bounds {
        min: 0,
        max: 59,
        names: &[],
        first: 0,
    },
    Bounds {
        min: 0,
        max: 23,
        names: &[],
        first: 0,
    },
    Bounds {
        min: 1,
        max: 31,
        names: &[],
        first: 0,
    },
    Bounds {
        min: 1,
        max: 12,
        names: &NAMES_OF_MONTHS,
        first: 1,
    },
    Bounds {
        min: 0,
        max: 6,
        names: &NAMES_OF_DAYS,
        first: 0,
    },
];

/// Whether a time zone is known to this system.
pub fn zone_exists(name: &str) -> bool {
    name == "UTC" || name == "Local" || jiff::tz::TimeZone::get(name).is_ok()
}

/// Complaint about a schedule of five fields or a descriptor.
pub fn check(text: &str) -> Result<(), String> {
    let mut spec = text;
    if text.starts_with("TZ=") || text.starts_with("CRON_TZ=") {
        let (zone, rest) = text.split_once(' ').unwrap_or((text, ""));
        let name = zone.split_once('=').map_or("", |(_, n)| n);
        if !zone_exists(name) {
            return Err(format!(
                "provided bad location {name}: unknown time zone {name}"
            ));
        }
        spec = rest.trim();
    }
    if let Some(d) = spec.strip_prefix('@') {
        return descriptor(d, spec);
    }
    let fields: Vec<&str> = spec.split_whitespace().collect();
    if fields.len() != 5 {
        let shown = format!("[{}]", fields.join(" "));
        return Err(format!(
            "expected exactly 5 fields, found {}: {shown}",
            fields.len()
        ));
    }
    fields
        .iter()
        .zip(&BOUNDS)
        .try_for_each(|(f, b)| field(f, b))
}

fn descriptor(name: &str, spec: &str) -> Result<(), String> {
    match name {
        "yearly" | "annually" | "monthly" | "weekly" | "daily" | "midnight" | "hourly" => Ok(()),
        _ => match name.strip_prefix("every ") {
            Some(d) => catena_objects::duration::parse(d)
                .map(drop)
                .map_err(|why| format!("failed to parse duration {spec}: {why}")),
            None => Err(format!("unrecognized descriptor: {spec}")),
        },
    }
}

fn field(text: &str, b: &Bounds) -> Result<(), String> {
    text.split(',')
        .filter(|p| !p.is_empty())
        .try_for_each(|p| range(p, b))
}

fn range(expr: &str, b: &Bounds) -> Result<(), String> {
    let steps: Vec<&str> = expr.split('/').collect();
    let ends: Vec<&str> = steps[0].split('-').collect();
    let single = ends.len() == 1;
    let (start, mut end) = if matches!(ends[0], "*" | "?") {
        (b.min, b.max)
    } else {
        let start = number_or_name(ends[0], b)?;
        match ends.as_slice() {
            [_] => (start, start),
            [_, e] => (start, number_or_name(e, b)?),
            _ => return Err(format!("too many hyphens: {expr}")),
        }
    };
    let step = match steps.as_slice() {
        [_] => 1,
        [_, s] => {
            if single {
                end = b.max;
            }
            number(s)?
        }
        _ => return Err(format!("too many slashes: {expr}")),
    };
    if start < b.min {
        return Err(format!(
            "beginning of range ({start}) below minimum ({}): {expr}",
            b.min
        ));
    }
    if end > b.max {
        return Err(format!(
            "end of range ({end}) above maximum ({}): {expr}",
            b.max
        ));
    }
    if start > end {
        return Err(format!(
            "beginning of range ({start}) beyond end of range ({end}): {expr}"
        ));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {expr}"));
    }
    Ok(())
}

fn number_or_name(text: &str, b: &Bounds) -> Result<u64, String> {
    let lower = text.to_lowercase();
    match b.names.iter().zip(b.first..).find(|(n, _)| **n == lower) {
        Some((_, n)) => Ok(n),
        None => number(text),
    }
}

fn number(text: &str) -> Result<u64, String> {
    let n: i64 = text.parse().map_err(|_| {
        format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax")
    })?;
    u64::try_from(n).map_err(|_| format!("negative number ({n}) not allowed: {text}"))
}
