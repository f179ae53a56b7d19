//! Ports, identifiers, keys of config maps, environment variables, ids.

use super::{max_len_error, regex_error};

/// `IsCIdentifier`.
pub fn c_identifier(value: &str) -> Vec<String> {
    const RULE: &str = "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'";
    let head = value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if head
        && value
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || c == b'_')
    {
        return Vec::new();
    }
    let examples = ["my_name", "MY_NAME", "MyName"];
    vec![regex_error(RULE, "[A-Za-z_][A-Za-z0-9_]*", &examples)]
}

/// `IsInRange`.
pub fn in_range(value: i64, min: i64, max: i64) -> Vec<String> {
    if (min..=max).contains(&value) {
        Vec::new()
    } else {
        vec![format!("must be between {min} and {max}, inclusive")]
    }
}

/// `IsValidPortNum`.
pub fn port_num(port: i64) -> Vec<String> {
    in_range(port, 1, 65_535)
}

/// `IsValidGroupID`.
pub fn group_id(gid: i64) -> Vec<String> {
    in_range(gid, 0, i64::from(i32::MAX))
}

/// `IsValidUserID`.
pub fn user_id(uid: i64) -> Vec<String> {
    in_range(uid, 0, i64::from(i32::MAX))
}

/// `IsValidPortName` (IANA service name).
pub fn port_name(port: &str) -> Vec<String> {
    let mut out = Vec::new();
    if port.len() > 15 {
        out.push(max_len_error(15));
    }
    let good = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    if port.is_empty() || !port.bytes().all(good) {
        out.push(
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned(),
        );
    }
    if !port.bytes().any(|c| c.is_ascii_lowercase()) {
        out.push("must contain at least one letter (a-z)".to_owned());
    }
    if port.contains("--") {
        out.push("must not contain consecutive hyphens".to_owned());
    }
    if port.starts_with('-') || port.ends_with('-') {
        out.push("must not begin or end with a hyphen".to_owned());
    }
    out
}

/// `IsValidPercent`.
pub fn percent(value: &str) -> Vec<String> {
    const RULE: &str = "a valid percent string must be a numeric string followed by an ending '%'";
    match value.strip_suffix('%') {
        Some(n) if !n.is_empty() && n.bytes().all(|c| c.is_ascii_digit()) => Vec::new(),
        _ => vec![regex_error(RULE, "[0-9]+%", &["1%", "93%"])],
    }
}

/// `IsHTTPHeaderName`.
pub fn http_header_name(value: &str) -> Vec<String> {
    const RULE: &str = "a valid HTTP header must consist of alphanumeric characters or '-'";
    let good = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
    if !value.is_empty() && value.bytes().all(good) {
        return Vec::new();
    }
    vec![regex_error(RULE, "[-A-Za-z0-9]+", &["X-Header-Name"])]
}

/// `IsEnvVarName`.
pub fn env_var_name(value: &str) -> Vec<String> {
    const RULE: &str = "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit";
    let good = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_');
    let mut out = Vec::new();
    let head = !value.is_empty() && !value.starts_with(|c: char| c.is_ascii_digit());
    if !(head && value.bytes().all(good)) {
        out.push(regex_error(
            RULE,
            "[-._a-zA-Z][-._a-zA-Z0-9]*",
            &["my.env-name", "MY_ENV.NAME", "MyEnvName1"],
        ));
    }
    out.extend(parent_dir(value));
    out
}

/// `IsRelaxedEnvVarName`.
pub fn relaxed_env_var_name(value: &str) -> Vec<String> {
    const RULE: &str = "a valid environment variable name must consist only of printable ASCII characters other than '='";
    if value.is_empty() {
        return vec!["environment variable name must be non-empty".to_owned()];
    }
    if value
        .bytes()
        .all(|c| (0x20..0x7f).contains(&c) && c != b'=')
    {
        return Vec::new();
    }
    vec![RULE.to_owned()]
}

/// `IsConfigMapKey`, for Secrets too.
pub fn config_map_key(value: &str) -> Vec<String> {
    const RULE: &str =
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    let good = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_');
    let mut out = Vec::new();
    if value.len() > super::SUBDOMAIN_MAX {
        out.push(max_len_error(super::SUBDOMAIN_MAX));
    }
    if value.is_empty() || !value.bytes().all(good) {
        let examples = ["key.name", "KEY_NAME", "key-name"];
        out.push(regex_error(RULE, "[-._a-zA-Z0-9]+", &examples));
    }
    out.extend(parent_dir(value));
    out
}

fn parent_dir(value: &str) -> Option<String> {
    let why = match value {
        "." => "must not be '.'",
        ".." => "must not be '..'",
        v if v.starts_with("..") => "must not start with '..'",
        _ => return None,
    };
    Some(why.to_owned())
}

/// `IsDecimalInteger`: canonical, of any size.
pub fn decimal_integer(value: &str) -> Vec<String> {
    if value.is_empty() {
        return vec!["must be non-empty".to_owned()];
    }
    let digits = value.strip_prefix('-').unwrap_or(value);
    let good = value == "0"
        || (digits.starts_with(|c: char| c.is_ascii_digit() && c != '0')
            && digits.bytes().all(|c| c.is_ascii_digit()));
    if good {
        return Vec::new();
    }
    vec!["must be a valid decimal integer in canonical form".to_owned()]
}
