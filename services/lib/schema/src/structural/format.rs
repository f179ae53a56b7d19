//! String formats of JSON schemas (`k8s.io/kube-openapi/pkg/validation/strfmt`).

use std::{
    collections::HashMap,
    net::{Ipv4Addr, Ipv6Addr},
    sync::LazyLock,
};

use catena_objects::{duration, names};
use regex_automata::meta::Regex;

/// Formats by name without hyphens, and the pattern where one decides.
const PATTERNS: [(&str, &str); 13] = [
    (
        "uuid",
        r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$",
    ),
    (
        "uuid3",
        r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$",
    ),
    (
        "uuid4",
        r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$",
    ),
    (
        "uuid5",
        r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$",
    ),
    ("email", r"^[^\s@<>]+@[^\s@<>]+$"),
    (
        "hostname",
        r"^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9\p{S}\p{L}-]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$",
    ),
    (
        "mac",
        r"^([0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}|([0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){7})|([0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){19})|[0-9A-Fa-f]{4}(\.[0-9A-Fa-f]{4}){2}|[0-9A-Fa-f]{4}(\.[0-9A-Fa-f]{4}){3})$",
    ),
    ("ssn", r"^\d{3}[- ]?\d{2}[- ]?\d{4}$"),
    ("hexcolor", r"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"),
    (
        "rgbcolor",
        r"^rgb\(\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*\)$",
    ),
    ("bsonobjectid", r"^[0-9a-fA-F]{24}$"),
    (
        "byte",
        r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$",
    ),
    ("k8sshortname", r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"),
];

/// Formats judged by code, and those that take any text.
const OTHERS: [&str; 13] = [
    "uri",
    "ipv4",
    "ipv6",
    "cidr",
    "isbn",
    "isbn10",
    "isbn13",
    "creditcard",
    "password",
    "date",
    "duration",
    "datetime",
    "k8slongname",
];

/// Whether schemas of custom resources may rely on the format; others are ignored.
pub(super) fn supported(format: &str) -> bool {
    let name = format.replace('-', "");
    OTHERS.contains(&name.as_str()) || PATTERNS.iter().any(|(n, _)| *n == name)
}

pub(super) fn is_valid(format: &str, text: &str) -> bool {
    static COMPILED: LazyLock<HashMap<&str, Regex>> = LazyLock::new(|| {
        PATTERNS
            .iter()
            .filter_map(|(n, p)| Some((*n, crate::regex::compile(p).ok()?)))
            .collect()
    });
    let name = format.replace('-', "");
    if let Some(pattern) = COMPILED.get(name.as_str()) {
        return pattern.is_match(text);
    }
    match name.as_str() {
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => cidr(text),
        "date" => date(text),
        "datetime" => date_time(text),
        "duration" => format_duration(text).is_some(),
        "uri" => uri(text),
        "isbn10" => isbn(text, 10),
        "isbn13" => isbn(text, 13),
        "isbn" => isbn(text, 10) || isbn(text, 13),
        "creditcard" => credit_card(text),
        "k8slongname" => names::dns1123_subdomain(text, false).is_empty(),
        _ => true,
    }
}

fn cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else {
        return false;
    };
    let max = match (address.parse::<Ipv4Addr>(), address.parse::<Ipv6Addr>()) {
        (Ok(_), _) => 32,
        (_, Ok(_)) => 128,
        _ => return false,
    };
    bits.bytes().all(|b| b.is_ascii_digit()) && bits.parse::<u32>().is_ok_and(|n| n <= max)
}

fn date(text: &str) -> bool {
    text.len() == 10 && jiff::civil::Date::strptime("%Y-%m-%d", text).is_ok()
}

fn date_time(text: &str) -> bool {
    let text = text.to_lowercase();
    let Some((day, clock)) = text.split_once('t') else {
        return false;
    };
    let Some(zone) = clock.get(8..) else {
        return false;
    };
    let (h, m, s) = (clock.get(..2), clock.get(3..5), clock.get(6..8));
    let part = |p: Option<&str>, max: u32| {
        p.is_some_and(|p| {
            p.bytes().all(|b| b.is_ascii_digit()) && p.parse::<u32>().is_ok_and(|n| n <= max)
        })
    };
    let zone = match zone.strip_prefix('.') {
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                return false;
            }
            &rest[digits..]
        }
        None => zone,
    };
    let offset = zone.len() == 6
        && zone.starts_with(['+', '-'])
        && zone.as_bytes()[3] == b':'
        && zone
            .bytes()
            .enumerate()
            .all(|(i, b)| i == 0 || i == 3 || b.is_ascii_digit());
    date(day)
        && part(h, 23)
        && part(m, 59)
        && part(s, 59)
        && clock.as_bytes()[2] == b':'
        && clock.as_bytes()[5] == b':'
        && (zone == "z" || offset)
}

/// A duration of Go, or a number and a unit (`22 ns`, `1 hour`), in nanoseconds.
pub fn format_duration(text: &str) -> Option<i64> {
    const UNITS: [(&[&str], i64); 8] = [
        (&["ns", "nano"], 1),
        (&["us", "µs", "micro"], 1_000),
        (&["ms", "milli"], 1_000_000),
        (&["s", "sec"], 1_000_000_000),
        (&["m", "min"], 60_000_000_000),
        (&["h", "hr", "hour"], 3_600_000_000_000),
        (&["d", "day"], 86_400_000_000_000),
        (&["w", "wk", "week"], 604_800_000_000_000),
    ];
    if let Ok(nanos) = duration::parse(text) {
        return Some(nanos);
    }
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let count: i64 = text[..digits].parse().ok()?;
    let unit = text[digits..].trim().to_lowercase();
    // The last name of a unit may go on (`hours`, `seconds`).
    let named = |names: &[&str]| {
        names.contains(&unit.as_str()) || names.last().is_some_and(|last| unit.starts_with(last))
    };
    let (_, scale) = UNITS.iter().find(|(names, _)| named(names))?;
    count.checked_mul(*scale)
}

/// As `net/url.ParseRequestURI`: absolute, or a path.
fn uri(text: &str) -> bool {
    if text.is_empty() || text.bytes().any(|b| b < 0x20 || b == 0x7f || b == b' ') {
        return false;
    }
    if text.starts_with('/') {
        return true;
    }
    text.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
            && !rest.is_empty()
    })
}

fn isbn(text: &str, length: usize) -> bool {
    let digits: Vec<char> = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
    if digits.len() != length {
        return false;
    }
    let mut sum = 0;
    for (i, c) in digits.iter().enumerate() {
        let value = match c {
            'X' if length == 10 && i == 9 => 10,
            c => match c.to_digit(10) {
                Some(d) => d,
                None => return false,
            },
        };
        let weight = if length == 10 {
            i as u32 + 1
        } else if i % 2 == 0 {
            1
        } else {
            3
        };
        sum += weight * value;
    }
    sum % if length == 10 { 11 } else { 10 } == 0
}

fn credit_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, d)| match (i % 2, d * 2) {
            (0, _) => *d,
            (_, twice) if twice > 9 => twice - 9,
            (_, twice) => twice,
        })
        .sum();
    (13..=16).contains(&digits.len()) && sum.is_multiple_of(10)
}
