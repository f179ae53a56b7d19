//! Versions (semver.org), strict or as people write them.

use std::sync::Arc;

use catena_objects::json::go_quote;

use super::Function;
use crate::{
    extra::{Extra, Semver},
    value::{Outcome, Val, fault, no_overload},
};

pub(super) fn lookup(name: &str) -> Option<Function> {
    Some(match name {
        "semver" => |args| match read(args)? {
            Ok(v) => Ok(Val::Extra(Arc::new(Extra::Semver(v)))),
            Err(why) => fault(why),
        },
        "isSemver" => |args| Ok(Val::Bool(read(args)?.is_ok())),
        "major" => |args| number(args, 0),
        "minor" => |args| number(args, 1),
        "patch" => |args| number(args, 2),
        _ => return None,
    })
}

fn number<'a>(args: &[Val<'a>], i: usize) -> Outcome<Val<'a>> {
    match &args[0] {
        Val::Extra(e) => match &**e {
            Extra::Semver(v) => Ok(Val::Int(v.numbers[i] as i64)),
            _ => no_overload(),
        },
        _ => no_overload(),
    }
}

fn read(args: &[Val<'_>]) -> Outcome<Result<Semver, String>> {
    let Val::Text(text) = &args[0] else {
        return no_overload();
    };
    Ok(match args.get(1) {
        None | Some(Val::Bool(false)) => parse(text),
        Some(Val::Bool(true)) => normalized(text).and_then(|t| parse(&t)),
        Some(_) => return no_overload(),
    })
}

/// Without a `v` in front, without leading zeros, with all three numbers.
fn normalized(text: &str) -> Result<String, String> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let mut parts: Vec<String> = text
        .splitn(3, '.')
        .map(|part| {
            let bare = part.trim_start_matches('0');
            match part.len() > 1 {
                true if bare.starts_with(|c: char| c.is_ascii_digit()) => bare.to_owned(),
                true => format!("0{bare}"),
                false => part.to_owned(),
            }
        })
        .collect();
    if parts.len() < 3 {
        if parts.last().is_some_and(|p| p.contains(['+', '-'])) {
            return Err("short version cannot contain PreRelease/Build meta data".to_owned());
        }
        parts.resize(3, "0".to_owned());
    }
    Ok(parts.join("."))
}

fn parse(text: &str) -> Result<Semver, String> {
    if text.is_empty() {
        return Err("Version string empty".to_owned());
    }
    let parts: Vec<&str> = text.splitn(3, '.').collect();
    let [major, minor, rest] = parts[..] else {
        return Err("No Major.Minor.Patch elements found".to_owned());
    };
    let (rest, build) = match rest.split_once('+') {
        Some((rest, build)) => (rest, Some(build)),
        None => (rest, None),
    };
    let (patch, pre) = match rest.split_once('-') {
        Some((patch, pre)) => (patch, Some(pre)),
        None => (rest, None),
    };
    let numbers = [
        numeric(major, "Major")?,
        numeric(minor, "Minor")?,
        numeric(patch, "Patch")?,
    ];
    let plain = |s: &str| s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let split = |s: Option<&str>| -> Vec<String> {
        s.into_iter()
            .flat_map(|s| s.split('.'))
            .map(str::to_owned)
            .collect()
    };
    let (pre, build) = (split(pre), split(build));
    for part in &pre {
        let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let quoted = go_quote(part);
        if part.is_empty() {
            return Err("Prerelease is empty".to_owned());
        }
        if digits && part.len() > 1 && part.starts_with('0') {
            return Err(format!(
                "Numeric PreRelease version must not contain leading zeroes {quoted}"
            ));
        }
        if !plain(part) {
            return Err(format!("Invalid character(s) found in prerelease {quoted}"));
        }
    }
    for part in &build {
        if part.is_empty() {
            return Err("Build meta data is empty".to_owned());
        }
        if !plain(part) {
            let quoted = go_quote(part);
            return Err(format!(
                "Invalid character(s) found in build meta data {quoted}"
            ));
        }
    }
    Ok(Semver {
        numbers,
        pre,
        build,
    })
}

fn numeric(text: &str, what: &str) -> Result<u64, String> {
    let what = what.to_lowercase();
    let quoted = go_quote(text);
    if text.bytes().any(|b| !b.is_ascii_digit()) {
        return Err(format!(
            "Invalid character(s) found in {what} number {quoted}"
        ));
    }
    if text.len() > 1 && text.starts_with('0') {
        let mut name = what;
        name[..1].make_ascii_uppercase();
        return Err(format!(
            "{name} number must not contain leading zeroes {quoted}"
        ));
    }
    text.parse()
        .map_err(|_| format!("strconv.ParseUint: parsing {quoted}: invalid syntax"))
}
