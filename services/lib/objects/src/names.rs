//! Names and other short texts: the rules of `k8s.io/apimachinery/pkg/util/validation`
//! (and `pkg/api/validate/content`), with their messages.
//!
//! A function returns the complaints about a text, none for a good one. Those
//! with `is_prefix` judge a `generateName`, to which characters are appended.

mod ip;
mod kube;
mod misc;
#[cfg(test)]
mod tests;

pub use ip::{
    Cidr, Ip, cidr_warnings, interface_address, ip_warnings, parse_cidr_sloppy, parse_ip_sloppy,
    valid_cidr, valid_cidr_legacy, valid_ip, valid_ip_legacy,
};
pub use kube::{
    domain_prefixed_key, domain_prefixed_path, fully_qualified_domain_name, fully_qualified_name,
    label_key, label_value, long_name, path_segment, qualified_name,
};
pub use misc::{
    c_identifier, config_map_key, decimal_integer, env_var_name, group_id, http_header_name,
    in_range, percent, port_name, port_num, relaxed_env_var_name, user_id,
};

pub(crate) const LABEL_FMT: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_RULE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const SUBDOMAIN_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const UNDERSCORE_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character";
const DNS1035_RULE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
const WILDCARD_RULE: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";

/// Longest DNS label, in bytes.
pub const LABEL_MAX: usize = 63;
/// Longest DNS subdomain, in bytes.
pub const SUBDOMAIN_MAX: usize = 253;

/// Message about a text that is too long. `util/validation` says characters.
pub fn max_len_error(length: usize) -> String {
    format!("must be no more than {length} characters")
}

/// Message about a text that does not match a regular expression.
pub fn regex_error(rule: &str, regex: &str, examples: &[&str]) -> String {
    if examples.is_empty() {
        return format!("{rule} (regex used for validation is '{regex}')");
    }
    let shown: Vec<String> = examples.iter().map(|e| format!("'{e}', ")).collect();
    format!(
        "{rule} (e.g. {}regex used for validation is '{regex}')",
        shown.join(" or ")
    )
}

fn alnum(c: u8) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

pub(crate) fn is_label(s: &str) -> bool {
    let b = s.as_bytes();
    let (Some(&first), Some(&last)) = (b.first(), b.last()) else {
        return false;
    };
    alnum(first) && alnum(last) && b.iter().all(|&c| alnum(c) || c == b'-')
}

pub(crate) fn is_subdomain(s: &str) -> bool {
    s.split('.').all(is_label)
}

pub(crate) fn subdomain_fmt() -> String {
    format!("{LABEL_FMT}(\\.{LABEL_FMT})*")
}

pub(crate) fn subdomain_rule_error() -> String {
    regex_error(SUBDOMAIN_RULE, &subdomain_fmt(), &["example.com"])
}

/// `NameIsDNSLabel` / `IsDNS1123Label`.
pub fn dns1123_label(name: &str, is_prefix: bool) -> Vec<String> {
    let name = masked(name, is_prefix);
    let mut out = Vec::new();
    if name.len() > LABEL_MAX {
        out.push(max_len_error(LABEL_MAX));
    }
    if !is_label(&name) {
        out.push(if is_subdomain(&name) {
            "must not contain dots".to_owned()
        } else {
            regex_error(LABEL_RULE, LABEL_FMT, &["my-name", "123-abc"])
        });
    }
    out
}

/// `NameIsDNSSubdomain` / `IsDNS1123Subdomain`.
pub fn dns1123_subdomain(name: &str, is_prefix: bool) -> Vec<String> {
    let name = masked(name, is_prefix);
    let mut out = Vec::new();
    if name.len() > SUBDOMAIN_MAX {
        out.push(max_len_error(SUBDOMAIN_MAX));
    }
    if !is_subdomain(&name) {
        out.push(subdomain_rule_error());
    }
    out
}

/// `IsDNS1123SubdomainWithUnderscore`.
pub fn dns1123_subdomain_with_underscore(name: &str) -> Vec<String> {
    const FMT: &str = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
    let label = |s: &str| {
        let rest = s.strip_prefix('_').unwrap_or(s).as_bytes();
        let (Some(&first), Some(&last)) = (rest.first(), rest.last()) else {
            return false;
        };
        alnum(first) && alnum(last) && rest.iter().all(|&c| alnum(c) || c == b'-' || c == b'_')
    };
    let mut out = Vec::new();
    if name.len() > SUBDOMAIN_MAX {
        out.push(max_len_error(SUBDOMAIN_MAX));
    }
    if !name.split('.').all(label) {
        let fmt = format!("{FMT}(\\.{FMT})*");
        out.push(regex_error(UNDERSCORE_RULE, &fmt, &["example.com"]));
    }
    out
}

/// `NameIsDNS1035Label` / `IsDNS1035Label`.
pub fn dns1035_label(name: &str, is_prefix: bool) -> Vec<String> {
    let name = masked(name, is_prefix);
    let mut out = Vec::new();
    if name.len() > LABEL_MAX {
        out.push(max_len_error(LABEL_MAX));
    }
    if !(is_label(&name) && name.starts_with(|c: char| c.is_ascii_lowercase())) {
        out.push(regex_error(
            DNS1035_RULE,
            "[a-z]([-a-z0-9]*[a-z0-9])?",
            &["my-name", "abc-123"],
        ));
    }
    out
}

/// `IsWildcardDNS1123Subdomain`.
pub fn wildcard_dns1123_subdomain(name: &str) -> Vec<String> {
    let mut out = Vec::new();
    if name.len() > SUBDOMAIN_MAX {
        out.push(max_len_error(SUBDOMAIN_MAX));
    }
    if !name.strip_prefix("*.").is_some_and(is_subdomain) {
        let fmt = format!("\\*\\.{}", subdomain_fmt());
        out.push(regex_error(WILDCARD_RULE, &fmt, &["*.example.com"]));
    }
    out
}

/// `maskTrailingDash`: of a prefix that ends in a dash, the last two characters
/// are judged as one "a".
fn masked(name: &str, is_prefix: bool) -> std::borrow::Cow<'_, str> {
    if !is_prefix || name.len() < 2 || !name.ends_with('-') {
        return name.into();
    }
    match name.get(..name.len() - 2) {
        Some(head) => format!("{head}a").into(),
        // The cut falls into a character: invalid either way.
        None => name.into(),
    }
}
