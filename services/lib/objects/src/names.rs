//! Names: the rules of `k8s.io/apimachinery/pkg/util/validation`, with its messages.

const SUBDOMAIN_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

fn is_label(s: &str) -> bool {
    let alnum = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let b = s.as_bytes();
    let (Some(&first), Some(&last)) = (b.first(), b.last()) else {
        return false;
    };
    alnum(first) && alnum(last) && b.iter().all(|&c| alnum(c) || c == b'-')
}

/// Complaints about a DNS subdomain; a prefix (generateName) may end in a dash.
pub fn dns1123_subdomain(name: &str, is_prefix: bool) -> Vec<String> {
    let name = if is_prefix { mask_trailing_dash(name) } else { name.to_owned() };
    let mut out = Vec::new();
    if name.len() > 253 {
        out.push("must be no more than 253 bytes".to_owned());
    }
    if !name.split('.').all(is_label) {
        out.push(SUBDOMAIN_RULE.to_owned());
    }
    out
}

/// `maskTrailingDash`: a name that ends in a dash is judged with an "a" in its place.
fn mask_trailing_dash(name: &str) -> String {
    match name.strip_suffix('-') {
        Some(head) if !head.is_empty() => format!("{head}a"),
        _ => name.to_owned(),
    }
}
