//! What the labels of a namespace ask of its pods (`PolicyToEvaluate` of
//! `pod-security-admission`).

use std::fmt;

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    meta,
};

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
    pub(super) version: String,
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
    version: Option<String>,
}

impl Policy {
    /// The policy of a namespace, and what is wrong with its labels: a level that
    /// is none is enforced as the strictest, and not warned of.
    pub(super) fn of(namespace: &Value) -> (Self, Errors) {
        let mut errors = Errors::new();
        let enforce = asked(namespace, "enforce", &mut errors);
        asked(namespace, "audit", &mut errors);
        let warn = asked(namespace, "warn", &mut errors);
        let enforced = Standard {
            level: match enforce.level {
                Some(level) => level.unwrap_or(Level::Restricted),
                None => Level::Privileged,
            },
            version: enforce.version.unwrap_or_else(latest),
        };
        let mut warned = Standard {
            level: match warn.level {
                Some(level) => level.unwrap_or(Level::Privileged),
                None => Level::Privileged,
            },
            version: warn.version.clone().unwrap_or_else(latest),
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

fn latest() -> String {
    "latest".to_owned()
}

fn asked(namespace: &Value, mode: &str, errors: &mut Errors) -> Asked {
    let path = Path::new("metadata").child("labels");
    let name = format!("pod-security.kubernetes.io/{mode}");
    let level = meta::label(namespace, &name).map(|text| {
        let level = match text {
            "privileged" => Some(Level::Privileged),
            "baseline" => Some(Level::Baseline),
            "restricted" => Some(Level::Restricted),
            _ => None,
        };
        level.ok_or_else(|| {
            let why = "must be one of privileged, baseline, restricted";
            errors.push(Error::invalid(&path.key(&name), text, why));
        })
    });
    let name = format!("{name}-version");
    let version = meta::label(namespace, &name).map(|text| {
        if is_version(text) {
            return text.to_owned();
        }
        let why = "must be \"latest\" or \"v1.x\"";
        errors.push(Error::invalid(&path.key(&name), text, why));
        latest()
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
