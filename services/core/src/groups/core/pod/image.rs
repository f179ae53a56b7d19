//! Image references, as far as defaults need them.

/// The tag that a reference names or means: "latest" without tag and digest,
/// "" for a reference with a digest only and for one that is malformed.
pub fn tag(image: &str) -> &str {
    let (name, digest) = match image.split_once('@') {
        Some((n, d)) => (n, Some(d)),
        None => (image, None),
    };
    let (repository, tag) = match name.rfind(':') {
        Some(i) if !name[i..].contains('/') => (&name[..i], Some(&name[i + 1..])),
        _ => (name, None),
    };
    let good = is_repository(repository)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest)
        && !(tag.is_none() && digest.is_none() && is_identifier(name));
    match (good, tag, digest) {
        (false, ..) | (true, None, Some(_)) => "",
        (true, Some(t), _) => t,
        (true, None, None) => "latest",
    }
}

/// 64 hexadecimal digits are an image id, not a name.
fn is_identifier(s: &str) -> bool {
    s.len() == 64 && s.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_repository(s: &str) -> bool {
    if s.len() > 255 {
        return false;
    }
    let rest = match s.split_once('/') {
        Some((first, rest)) if is_domain_like(first) => {
            if !is_domain(first) {
                return false;
            }
            rest
        }
        _ => s,
    };
    rest.split('/').all(is_component)
}

fn is_domain_like(s: &str) -> bool {
    s.contains(['.', ':']) || s == "localhost" || s.bytes().any(|c| c.is_ascii_uppercase())
}

fn is_domain(s: &str) -> bool {
    let (host, port) = match s.rsplit_once(':') {
        Some((h, p)) => (h, Some(p)),
        None => (s, None),
    };
    let host_ok = host.starts_with('[') && host.ends_with(']')
        || host.split('.').all(|l| {
            !l.is_empty()
                && !l.starts_with('-')
                && !l.ends_with('-')
                && l.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
        });
    host_ok && port.is_none_or(|p| !p.is_empty() && p.bytes().all(|c| c.is_ascii_digit()))
}

/// Lower-case letters and digits, with `.`, `_`, `__` or dashes between them.
fn is_component(s: &str) -> bool {
    let alnum = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !s.starts_with(alnum) || !s.ends_with(alnum) {
        return false;
    }
    s.split(alnum)
        .filter(|sep| !sep.is_empty())
        .all(|sep| matches!(sep, "." | "_" | "__") || sep.bytes().all(|c| c == b'-'))
}

fn is_tag(s: &str) -> bool {
    let word = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    s.len() <= 128
        && s.bytes().next().is_some_and(word)
        && s.bytes().all(|c| word(c) || c == b'.' || c == b'-')
}

fn is_digest(s: &str) -> bool {
    s.split_once(':').is_some_and(|(algorithm, hex)| {
        algorithm.split(['-', '_', '+', '.']).all(|p| {
            p.starts_with(|c: char| c.is_ascii_alphabetic())
                && p.bytes().all(|c| c.is_ascii_alphanumeric())
        }) && hex.len() >= 32
            && hex.bytes().all(|c| c.is_ascii_hexdigit())
    })
}
