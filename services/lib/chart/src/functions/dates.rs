//! Times. The zone `Local` is UTC: what is rendered does not depend on the machine.

use jiff::{SignedDuration, Timestamp, Zoned, tz::TimeZone};

use super::{Answer, Entry, fixed};
use crate::{
    exec::{
        Args,
        Type::{Any, Text, Time},
    },
    fault::Fault,
    session::Env,
    value::{Native, Value},
};

pub(super) const TABLE: &[Entry] = &[
    (
        "now",
        fixed(&[], |e, _| {
            Ok(Value::Native(Native::Time(e.session.cluster.now())))
        }),
    ),
    (
        "unixEpoch",
        fixed(&[Time], |_, a| {
            Ok(Value::text(time(a.get(0)).as_second().to_string()))
        }),
    ),
    (
        "date",
        fixed(&[Text, Any], |e, a| {
            formatted(e, a.text(0), a.get(1), "UTC")
        }),
    ),
    (
        "dateInZone",
        fixed(&[Text, Any, Text], |e, a| {
            formatted(e, a.text(0), a.get(1), a.text(2))
        }),
    ),
    (
        "date_in_zone",
        fixed(&[Text, Any, Text], |e, a| {
            formatted(e, a.text(0), a.get(1), a.text(2))
        }),
    ),
    (
        "htmlDate",
        fixed(&[Any], |e, a| formatted(e, "2006-01-02", a.get(0), "UTC")),
    ),
    (
        "htmlDateInZone",
        fixed(&[Any, Text], |e, a| {
            formatted(e, "2006-01-02", a.get(0), a.text(1))
        }),
    ),
    ("dateModify", fixed(&[Text, Time], modify)),
    ("date_modify", fixed(&[Text, Time], modify)),
    ("mustDateModify", fixed(&[Text, Time], must_modify)),
    ("must_date_modify", fixed(&[Text, Time], must_modify)),
    (
        "duration",
        fixed(&[Any], |_, a| {
            let seconds = match a.get(0) {
                Value::Text(text) => text.parse().unwrap_or_default(),
                Value::Int64(n) => *n,
                _ => 0,
            };
            Ok(Value::text(duration(seconds)))
        }),
    ),
    (
        "ago",
        fixed(&[Any], |e, a| {
            let now = e.session.cluster.now();
            let since = moment(e, a.get(0));
            Ok(Value::text(duration(now.duration_since(since).as_secs())))
        }),
    ),
];

/// Of `time.Time`.
pub(super) const METHODS: &[Entry] = &[
    (
        "Unix",
        fixed(&[], |_, a| Ok(Value::Int64(time(a.get(0)).as_second()))),
    ),
    (
        "Format",
        fixed(&[Text], |e, a| formatted(e, a.text(1), a.get(0), "UTC")),
    ),
    ("UTC", fixed(&[], |_, a| Ok(a.get(0).clone()))),
    (
        "String",
        fixed(&[], |_, a| Ok(Value::text(shown(time(a.get(0)))))),
    ),
];

fn time(value: &Value) -> Timestamp {
    match value {
        Value::Native(Native::Time(time)) => *time,
        _ => Timestamp::UNIX_EPOCH,
    }
}

/// A time, or seconds since 1970; now for anything else.
fn moment(env: Env<'_>, value: &Value) -> Timestamp {
    match value {
        Value::Native(Native::Time(time)) => *time,
        Value::Int(n) | Value::Int64(n) => Timestamp::from_second(*n).unwrap_or_default(),
        _ => env.session.cluster.now(),
    }
}

fn formatted(env: Env<'_>, layout: &str, value: &Value, zone: &str) -> Answer {
    let zone = match zone {
        "" | "UTC" | "Local" => TimeZone::UTC,
        name => TimeZone::get(name).unwrap_or(TimeZone::UTC),
    };
    env.budget().text(layout.len() * 10)?;
    Ok(Value::text(format(
        layout,
        &moment(env, value).to_zoned(zone),
    )))
}

fn modify(env: Env<'_>, args: &Args) -> Answer {
    must_modify(env, args).or_else(|_| Ok(args.get(1).clone()))
}

fn must_modify(_: Env<'_>, args: &Args) -> Answer {
    let (sign, text) = match args.text(0).strip_prefix('-') {
        Some(text) => (-1, text),
        None => (1, args.text(0).strip_prefix('+').unwrap_or(args.text(0))),
    };
    let nanos = catena_objects::duration::parse(text)?;
    let by = SignedDuration::from_nanos(nanos.saturating_mul(sign));
    match time(args.get(1)).checked_add(by) {
        Ok(time) => Ok(Value::Native(Native::Time(time))),
        Err(why) => Err(Fault::new(why.to_string())),
    }
}

/// `time.Duration` of whole seconds: `1h0m5s`.
fn duration(seconds: i64) -> String {
    let nanos = seconds.saturating_mul(1_000_000_000);
    catena_objects::duration::print(nanos)
}

/// As `time.Time` shows itself.
pub(crate) fn shown(time: Timestamp) -> String {
    let zoned = time.to_zoned(TimeZone::UTC);
    let mut text = format("2006-01-02 15:04:05", &zoned);
    let nanos = zoned.subsec_nanosecond();
    if nanos != 0 {
        let digits = format!("{nanos:09}");
        text.push_str(&format!(".{}", digits.trim_end_matches('0')));
    }
    text.push_str(" +0000 UTC");
    text
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// Elements of Go's layouts; where two begin alike, the longer one is first.
const ELEMENTS: [&str; 36] = [
    "January",
    "Jan",
    "Monday",
    "Mon",
    "MST",
    "2006",
    "002",
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "15",
    "-07:00:00",
    "-07:00",
    "-0700",
    "-07",
    "Z07:00",
    "Z0700",
    "Z07",
    "PM",
    "pm",
    "__2",
    "_2",
    ".000000000",
    ".000000",
    ".000",
    ",000",
    "1",
    "2",
    "3",
    "4",
    "5",
    ".00",
    ".0",
];

fn format(layout: &str, time: &Zoned) -> String {
    let mut out = String::new();
    let mut rest = layout;
    while let Some(c) = rest.chars().next() {
        let found = ELEMENTS.iter().find(|element| {
            rest.strip_prefix(**element).is_some_and(|after| {
                let fraction = element.starts_with(['.', ',']);
                !(fraction && after.starts_with(|c: char| c.is_ascii_digit()))
            })
        });
        let taken = match found {
            Some(element) => {
                out.push_str(&show(element, time));
                element.len()
            }
            None => {
                out.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    out
}

fn show(element: &str, time: &Zoned) -> String {
    let month = usize::try_from(time.month() - 1).unwrap_or_default();
    let day = usize::try_from(time.weekday().to_sunday_zero_offset()).unwrap_or_default();
    let hour = match time.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    match element {
        "January" => MONTHS[month].to_owned(),
        "Jan" => MONTHS[month][..3].to_owned(),
        "Monday" => DAYS[day].to_owned(),
        "Mon" => DAYS[day][..3].to_owned(),
        "MST" => time.strftime("%Z").to_string(),
        "2006" => format!("{:04}", time.year()),
        "06" => format!("{:02}", time.year() % 100),
        "01" => format!("{:02}", time.month()),
        "1" => time.month().to_string(),
        "002" => format!("{:03}", time.day_of_year()),
        "__2" => format!("{:3}", time.day_of_year()),
        "02" => format!("{:02}", time.day()),
        "_2" => format!("{:2}", time.day()),
        "2" => time.day().to_string(),
        "15" => format!("{:02}", time.hour()),
        "03" => format!("{hour:02}"),
        "3" => hour.to_string(),
        "04" => format!("{:02}", time.minute()),
        "4" => time.minute().to_string(),
        "05" => format!("{:02}", time.second()),
        "5" => time.second().to_string(),
        "PM" => if time.hour() >= 12 { "PM" } else { "AM" }.to_owned(),
        "pm" => if time.hour() >= 12 { "pm" } else { "am" }.to_owned(),
        fraction if fraction.starts_with(['.', ',']) => {
            let digits = format!("{:09}", time.subsec_nanosecond());
            format!("{}{}", &fraction[..1], &digits[..fraction.len() - 1])
        }
        zone => offset(zone, time.offset().seconds()),
    }
}

fn offset(element: &str, seconds: i32) -> String {
    if element.starts_with('Z') && seconds == 0 {
        return "Z".to_owned();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
    let colon = if element.contains(':') { ":" } else { "" };
    let mut out = format!("{sign}{hours:02}");
    if element.len() > 3 {
        out.push_str(&format!("{colon}{minutes:02}"));
    }
    if element.matches(':').count() == 2 {
        out.push_str(&format!(":{:02}", seconds.abs() % 60));
    }
    out
}
