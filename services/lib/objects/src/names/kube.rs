//! Label keys and values, qualified names, path segments.

use super::{dns1123_label, dns1123_subdomain, is_subdomain, regex_error, subdomain_rule_error};
use crate::field::{Error, Errors, Path};

const KEY_FMT: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const KEY_RULE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const KEY_EXAMPLES: [&str; 3] = ["MyName", "my.name", "123-abc"];
const VALUE_RULE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

fn max_bytes_error(length: usize) -> String {
    format!("must be no more than {length} bytes")
}

fn is_key_name(s: &str) -> bool {
    let b = s.as_bytes();
    let (Some(first), Some(last)) = (b.first(), b.last()) else {
        return false;
    };
    first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        && b.iter()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.'))
}

/// `IsLabelKey`, known as `IsQualifiedName`.
pub fn label_key(value: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut parts = value.split('/');
    let (prefix, name) = match (parts.next(), parts.next(), parts.next()) {
        (Some(name), None, _) => (None, name),
        (Some(prefix), Some(name), None) => (Some(prefix), name),
        _ => {
            out.push(format!(
                "a valid label key {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                regex_error(KEY_RULE, KEY_FMT, &KEY_EXAMPLES)
            ));
            return out;
        }
    };
    match prefix {
        None => {}
        Some("") => out.push("prefix part must be non-empty".to_owned()),
        Some(p) => {
            if p.len() > super::SUBDOMAIN_MAX {
                out.push(format!(
                    "prefix part {}",
                    max_bytes_error(super::SUBDOMAIN_MAX)
                ));
            }
            if !is_subdomain(p) {
                out.push(format!("prefix part {}", subdomain_rule_error()));
            }
        }
    }
    if name.is_empty() {
        out.push("name part must be non-empty".to_owned());
    } else if name.len() > super::LABEL_MAX {
        out.push(format!("name part {}", max_bytes_error(super::LABEL_MAX)));
    }
    if !is_key_name(name) {
        out.push(format!(
            "name part {}",
            regex_error(KEY_RULE, KEY_FMT, &KEY_EXAMPLES)
        ));
    }
    out
}

/// A subdomain, as the declarative rule `k8s-long-name` judges it: its message
/// counts bytes.
pub fn long_name(value: &str, is_prefix: bool) -> Vec<String> {
    let characters = super::max_len_error(super::SUBDOMAIN_MAX);
    let mut out = dns1123_subdomain(value, is_prefix);
    for why in &mut out {
        if *why == characters {
            *why = max_bytes_error(super::SUBDOMAIN_MAX);
        }
    }
    out
}

/// `IsQualifiedName`.
pub fn qualified_name(value: &str) -> Vec<String> {
    label_key(value)
}

/// `IsValidLabelValue`.
pub fn label_value(value: &str) -> Vec<String> {
    let mut out = Vec::new();
    if value.len() > super::LABEL_MAX {
        out.push(max_bytes_error(super::LABEL_MAX));
    }
    if !value.is_empty() && !is_key_name(value) {
        let fmt = format!("({KEY_FMT})?");
        out.push(regex_error(
            VALUE_RULE,
            &fmt,
            &["MyValue", "my_value", "12345"],
        ));
    }
    out
}

/// `IsPathSegmentName`, `IsPathSegmentPrefix`: what can stand in a URL.
pub fn path_segment(name: &str, is_prefix: bool) -> Vec<String> {
    if !is_prefix && matches!(name, "." | "..") {
        return vec![format!("may not be '{name}'")];
    }
    ["/", "%"]
        .iter()
        .filter(|bad| name.contains(**bad))
        .map(|bad| format!("may not contain '{bad}'"))
        .collect()
}

fn one(e: Error) -> Errors {
    Errors(vec![e])
}

/// `IsFullyQualifiedName`: at least three segments.
pub fn fully_qualified_name(path: &Path, name: &str) -> Errors {
    if name.is_empty() {
        return one(Error::required(path, ""));
    }
    let bad = dns1123_subdomain(name, false);
    if !bad.is_empty() {
        return one(Error::invalid(path, name, bad.join(",")));
    }
    if name.split('.').count() < 3 {
        let why = "should be a domain with at least three segments separated by dots";
        return one(Error::invalid(path, name, why));
    }
    Errors::new()
}

/// `IsFullyQualifiedDomainName`: at least two segments, a trailing dot is allowed.
pub fn fully_qualified_domain_name(path: &Path, name: &str) -> Errors {
    if name.is_empty() {
        return one(Error::required(path, ""));
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let bad = dns1123_subdomain(name, false);
    if !bad.is_empty() {
        return one(Error::invalid(path, name, bad.join(",")));
    }
    if name.split('.').count() < 2 {
        let why = "should be a domain with at least two segments separated by dots";
        return one(Error::invalid(path, name, why));
    }
    for label in name.split('.') {
        let bad = dns1123_label(label, false);
        if !bad.is_empty() {
            return one(Error::invalid(path, label, bad.join(",")));
        }
    }
    Errors::new()
}

/// `IsDomainPrefixedPath`.
pub fn domain_prefixed_path(path: &Path, value: &str) -> Errors {
    const FMT: &str = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+";
    if value.is_empty() {
        return one(Error::required(path, ""));
    }
    let (host, rest) = match value.split_once('/') {
        Some((host, rest)) if !host.is_empty() && !rest.is_empty() => (host, rest),
        _ => {
            let why = "must be a domain-prefixed path (such as \"acme.io/foo\")";
            return one(Error::invalid(path, value, why));
        }
    };
    let mut out = Errors::new();
    for why in dns1123_subdomain(host, false) {
        out.push(Error::invalid(path, host, why));
    }
    let good = |c: u8| c.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&c);
    if !rest.bytes().all(good) {
        out.push(Error::invalid(
            path,
            rest,
            regex_error("Invalid path", FMT, &[]),
        ));
    }
    out
}

/// `IsDomainPrefixedKey`.
pub fn domain_prefixed_key(path: &Path, key: &str) -> Errors {
    if key.is_empty() {
        return one(Error::required(path, ""));
    }
    let bad = label_key(key);
    if !bad.is_empty() {
        return Errors(
            bad.into_iter()
                .map(|m| Error::invalid(path, key, m))
                .collect(),
        );
    }
    if !key.contains('/') {
        let why = "must be a domain-prefixed key (such as \"acme.io/foo\")";
        return one(Error::invalid(path, key, why));
    }
    Errors::new()
}
