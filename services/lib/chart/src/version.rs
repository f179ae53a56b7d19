//! Versions and constraints on them, as `Masterminds/semver` reads both.

use std::cmp::Ordering;

/// A version. What is missing in its text is 0.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Version {
    numbers: [u64; 3],
    /// What stands after `-`, "" for none.
    pre: String,
}

/// One condition, such as `>=1.29.0-0`.
#[derive(Clone, Debug)]
struct Condition {
    operator: String,
    version: Version,
    /// How many numbers were given; the others may be anything.
    given: usize,
}

/// Whether a version fulfils a constraint.
///
/// # Errors
/// One of them is not what it should be.
pub(crate) fn satisfies(constraint: &str, version: &str) -> Result<bool, String> {
    let parsed = parse(version).ok_or("invalid semantic version")?.0;
    let mut fits = false;
    for group in constraint.split("||") {
        let conditions = conditions(group)
            .ok_or_else(|| format!("improper constraint: {}", crate::format::quote(group)))?;
        // A version before a release is meant only where the constraint names one.
        let pre = conditions.iter().any(|c| !c.version.pre.is_empty());
        fits |= (parsed.pre.is_empty() || pre) && conditions.iter().all(|c| c.fits(&parsed));
    }
    Ok(fits)
}

/// The version and how many of its numbers were given.
fn parse(text: &str) -> Option<(Version, usize)> {
    let text = text.trim().strip_prefix('v').unwrap_or(text.trim());
    let (text, _build) = text.split_once('+').unwrap_or((text, ""));
    let (numbers, pre) = match text.split_once('-') {
        Some((_, "")) => return None,
        Some((numbers, pre)) => (numbers, pre),
        None => (text, ""),
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    if !pre.chars().all(allowed) {
        return None;
    }
    let mut version = Version {
        numbers: [0; 3],
        pre: pre.to_owned(),
    };
    let mut given = 0;
    let mut any = false;
    for (i, part) in numbers.split('.').enumerate() {
        if matches!(part, "x" | "X" | "*") {
            any = true;
            continue;
        }
        *version.numbers.get_mut(i)? = part.parse().ok()?;
        if !any {
            given = i + 1;
        }
    }
    if any && numbers.split('.').count() > 3 {
        return None;
    }
    Some((version, given))
}

const OPERATORS: [&str; 11] = ["!=", ">=", "=>", "<=", "=<", "~>", "=", ">", "<", "~", "^"];

fn conditions(group: &str) -> Option<Vec<Condition>> {
    if let Some((low, high)) = group.split_once(" - ") {
        return Some(vec![condition(">=", low)?, condition("<=", high)?]);
    }
    let mut out = Vec::new();
    let mut rest = group.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let operator = OPERATORS.iter().find(|o| rest.starts_with(**o));
        let operator = operator.copied().unwrap_or_default();
        rest = rest[operator.len()..].trim_start();
        let end = rest
            .find(|c: char| c == ',' || c.is_whitespace())
            .unwrap_or(rest.len());
        out.push(condition(operator, &rest[..end])?);
        rest = rest[end..].trim_start_matches(|c: char| c == ',' || c.is_whitespace());
    }
    Some(out)
}

fn condition(operator: &str, text: &str) -> Option<Condition> {
    let (version, given) = parse(text)?;
    Some(Condition {
        operator: operator.to_owned(),
        version,
        given,
    })
}

impl Condition {
    fn fits(&self, v: &Version) -> bool {
        let c = &self.version;
        let order = compare(v, c);
        let same = |n: usize| v.numbers[..n.min(self.given)] == c.numbers[..n.min(self.given)];
        match self.operator.as_str() {
            "" | "=" if self.given < 3 => order != Ordering::Less && same(2),
            "" | "=" => order == Ordering::Equal,
            "!=" if self.given < 3 => !same(3),
            "!=" => order != Ordering::Equal,
            ">" if self.given < 3 => {
                v.numbers[..self.given].cmp(&c.numbers[..self.given]) == Ordering::Greater
            }
            ">" => order == Ordering::Greater,
            "<" => order == Ordering::Less,
            ">=" | "=>" => order != Ordering::Less,
            "<=" | "=<" if self.given < 3 => {
                v.numbers[..self.given].cmp(&c.numbers[..self.given]) != Ordering::Greater
            }
            "<=" | "=<" => order != Ordering::Greater,
            "~" | "~>" => order != Ordering::Less && same(2),
            _ => order != Ordering::Less && self.caret(v),
        }
    }

    /// `^1.2.3`: the first number that is not 0 stays.
    fn caret(&self, v: &Version) -> bool {
        let c = &self.version;
        let fixed = c.numbers.iter().position(|n| *n != 0).unwrap_or(2);
        let fixed = (fixed + 1).min(self.given);
        v.numbers[..fixed] == c.numbers[..fixed]
    }
}

fn compare(a: &Version, b: &Version) -> Ordering {
    a.numbers
        .cmp(&b.numbers)
        .then_with(|| match (a.pre.is_empty(), b.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => compare_pre(&a.pre, &b.pre),
        })
}

fn compare_pre(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}
