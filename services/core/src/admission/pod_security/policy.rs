//! What the labels of a namespace ask of its pods (`PolicyToEvaluate` of
//! `pod-security-admission`).

use std::{borrow::Cow, fmt};

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    meta,
};

/// Labels of a mode, for the level and its version.
const ENFORCE: [&str; 2] = [
    "pod-security.kubernetes.io/enforce",
    "pod-security.kubernetes.io/enforce-version",
];
const AUDIT: [&str; 2] = [
    "pod-security.kubernetes.io/audit",
    "pod-security.kubernetes.io/audit-version",
];
const WARN: [&str; 2] = [
    "pod-security.kubernetes.io/warn",
    "pod-security.kubernetes.io/warn-version",
];
const LATEST: Cow<'static, str> = Cow::Borrowed("latest");

/// From the least strict on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Privileged,
    Baseline,
    Restricted,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        })
    }
}

/// A level as a version of Kubernetes defined it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standard {
    pub(super) level: Level,
    pub(super) version: Cow<'static, str>,
}

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.level, self.version)
    }
}

pub(super) struct Policy {
    pub(super) enforce: Standard,
    pub(super) warn: Standard,
}

/// What the labels say of a mode, where they say something.
struct Asked {
    level: Option<Result<Level, ()>>,
    version: Option<Cow<'static, str>>,
}

impl Policy {
    /// The policy of a namespace, and what is wrong with its labels: a level that
    /// is none is enforced as the strictest, and not warned of.
    pub(super) fn of(namespace: &Value) -> (Self, Errors) {
        let mut errors = Errors::new();
        let enforce = asked(namespace, ENFORCE, &mut errors);
        asked(namespace, AUDIT, &mut errors);
        let warn = asked(namespace, WARN, &mut errors);
        let enforced = Standard {
            level: match enforce.level {
                Some(level) => level.unwrap_or(Level::Restricted),
                None => Level::Privileged,
            },
            version: enforce.version.unwrap_or(LATEST),
        };
        let mut warned = Standard {
            level: match warn.level {
                Some(level) => level.unwrap_or(Level::Privileged),
                None => Level::Privileged,
            },
            version: warn.version.clone().unwrap_or(LATEST),
        };
        // Who enforces a level is warned of it, too.
        if warn.level.is_none() && matches!(enforce.level, Some(Ok(l)) if l > warned.level) {
            warned.level = enforced.level;
            if warn.version.is_none() {
                warned.version.clone_from(&enforced.version);
            }
        }
        let policy = Self {
            enforce: enforced,
            warn: warned,
        };
        (policy, errors)
    }
}

fn asked(namespace: &Value, [of_level, of_version]: [&str; 2], errors: &mut Errors) -> Asked {
    let mut wrong = |name: &str, text: &str, why: &str| {
        let labels = Path::new("metadata").child("labels");
        errors.push(Error::invalid(&labels.key(name), text, why));
    };
    let level = meta::label(namespace, of_level).map(|text| match text {
        "privileged" => Ok(Level::Privileged),
        "baseline" => Ok(Level::Baseline),
        "restricted" => Ok(Level::Restricted),
        _ => {
            let why = "must be one of privileged, baseline, restricted";
            wrong(of_level, text, why);
            Err(())
        }
    });
    let version = meta::label(namespace, of_version).map(|text| {
        if is_version(text) {
            return Cow::Owned(text.to_owned());
        }
        wrong(of_version, text, "must be \"latest\" or \"v1.x\"");
        LATEST
    });
    Asked { level, version }
}

fn is_version(text: &str) -> bool {
    let minor = text.strip_prefix("v1.").unwrap_or_default();
    let digits = !minor.is_empty() && minor.bytes().all(|b| b.is_ascii_digit());
    text == "latest" || (digits && (minor == "0" || !minor.starts_with('0')))
}

#[cfg(test)]
mod tests {
    use catena_objects::obj;

    use super::*;

    fn policy(labels: Value) -> (String, String, usize) {
        let (policy, errors) = Policy::of(&obj!({ "metadata": { "labels": (labels) } }));
        let count = errors.0.len();
        (policy.enforce.to_string(), policy.warn.to_string(), count)
    }

    #[test]
    fn what_is_no_level_is_enforced_as_the_strictest() {
        let all = |e: &str, w: &str, n| (e.to_owned(), w.to_owned(), n);
        assert_eq!(
            policy(obj!({})),
            all("privileged:latest", "privileged:latest", 0)
        );
        assert_eq!(
            policy(obj!({ "pod-security.kubernetes.io/enforce": "x" })),
            all("restricted:latest", "privileged:latest", 1)
        );
        assert_eq!(
            policy(obj!({
                "pod-security.kubernetes.io/enforce": "baseline",
                "pod-security.kubernetes.io/enforce-version": "v1.30"
            })),
            all("baseline:v1.30", "baseline:v1.30", 0)
        );
        assert_eq!(
            policy(obj!({
                "pod-security.kubernetes.io/enforce": "restricted",
                "pod-security.kubernetes.io/enforce-version": "v1.01",
                "pod-security.kubernetes.io/warn": "x",
                "pod-security.kubernetes.io/audit": "y"
            })),
            all("restricted:latest", "privileged:latest", 3)
        );
    }
}
