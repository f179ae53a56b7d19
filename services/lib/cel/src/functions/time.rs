//! Parts of times and durations.

use jiff::{Zoned, tz::TimeZone};

use super::Function;
use crate::value::{Outcome, Val, fault, no_overload};

pub(super) fn lookup(name: &str) -> Option<Function> {
    Some(match name {
        "getFullYear" => |args| part(args, |t| i64::from(t.year()), None),
        "getMonth" => |args| part(args, |t| i64::from(t.month()) - 1, None),
        "getDate" => |args| part(args, |t| i64::from(t.day()), None),
        "getDayOfMonth" => |args| part(args, |t| i64::from(t.day()) - 1, None),
        "getDayOfYear" => |args| part(args, |t| i64::from(t.day_of_year()) - 1, None),
        "getDayOfWeek" => |args| {
            part(
                args,
                |t| i64::from(t.weekday().to_sunday_zero_offset()),
                None,
            )
        },
        "getHours" => |args| part(args, |t| i64::from(t.hour()), Some(3_600_000_000_000)),
        "getMinutes" => |args| part(args, |t| i64::from(t.minute()), Some(60_000_000_000)),
        "getSeconds" => |args| part(args, |t| i64::from(t.second()), Some(1_000_000_000)),
        "getMilliseconds" => |args| part(args, |t| i64::from(t.millisecond()), Some(1_000_000)),
        _ => return None,
    })
}

/// A part of a time, in UTC or the zone that is given, or a whole number of
/// units of a duration.
fn part<'a>(args: &[Val<'a>], of: fn(&Zoned) -> i64, unit: Option<i64>) -> Outcome<Val<'a>> {
    match (args, unit) {
        ([Val::Duration(d)], Some(unit)) => Ok(Val::Int(d / unit)),
        ([Val::Time(t, _)], _) => Ok(Val::Int(of(&t.to_zoned(TimeZone::UTC)))),
        ([Val::Time(t, _), Val::Text(zone)], _) => Ok(Val::Int(of(&t.to_zoned(named_zone(zone)?)))),
        _ => no_overload(),
    }
}

/// `Europe/Berlin`, `-08:00`.
fn named_zone(name: &str) -> Outcome<TimeZone> {
    let Some((hours, minutes)) = name.split_once(':') else {
        return match name {
            "" | "UTC" => Ok(TimeZone::UTC),
            _ => TimeZone::get(name).or_else(|_| fault(format!("unknown time zone {name}"))),
        };
    };
    let number = |s: &str| match s.parse::<i32>() {
        Ok(n) => Ok(n),
        Err(_) => fault(format!(
            "strconv.Atoi: parsing {}: invalid syntax",
            catena_objects::json::go_quote(s)
        )),
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let minutes = if name.starts_with('-') {
        -minutes
    } else {
        minutes
    };
    let seconds = hours
        .saturating_mul(3600)
        .saturating_add(minutes.saturating_mul(60));
    match jiff::tz::Offset::from_seconds(seconds) {
        Ok(offset) => Ok(TimeZone::fixed(offset)),
        Err(_) => fault(format!("unknown time zone {name}")),
    }
}
