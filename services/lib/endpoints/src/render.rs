//! Stored bytes as clients see them: the resourceVersion spliced in, without parsing the rest.

use catena_objects::json::scan;

/// Where the resourceVersion goes: Go prints members of built-in kinds in the
/// order of their fields, those of custom resources in the order of names. `None`
/// when the text is not laid out as our writer does it; then it has to be decoded.
pub(crate) fn splice(json: &[u8], custom: bool) -> Option<usize> {
    let metadata = scan::member(json, 0, "metadata")?;
    let uid = scan::member(json, metadata.value_start, "uid")?;
    if custom {
        return Some(uid.key_start);
    }
    scan::skip_value(json, uid.value_start)
}

/// Appends the stored JSON from byte `from` on, with the resourceVersion at `at`.
pub(crate) fn write(
    out: &mut Vec<u8>,
    json: &[u8],
    from: usize,
    at: usize,
    revision: i64,
    custom: bool,
) {
    out.extend_from_slice(&json[from..at]);
    let revision = revision.to_string();
    let parts: [&str; 3] = if custom {
        ["\"resourceVersion\":\"", &revision, "\","]
    } else {
        [",\"resourceVersion\":\"", &revision, "\""]
    };
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
    out.extend_from_slice(&json[at..]);
}
