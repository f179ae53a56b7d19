//! Stored bytes as clients see them: the resourceVersion spliced in, without parsing the rest.

use bytes::Bytes;

/// The stored JSON with `metadata.resourceVersion` added. `None` when the text is
/// not laid out as our writer does it; then the object has to be decoded.
pub(crate) fn with_revision(json: &[u8], revision: i64, custom: bool) -> Option<Bytes> {
    let metadata = member(json, 0, "metadata")?;
    let uid = member(json, metadata.value_start, "uid")?;
    let mut out = Vec::with_capacity(json.len() + 40);
    if custom {
        out.extend_from_slice(&json[..uid.key_start]);
        out.extend_from_slice(format!("\"resourceVersion\":\"{revision}\",").as_bytes());
        out.extend_from_slice(&json[uid.key_start..]);
    } else {
        let end = skip_value(json, uid.value_start)?;
        out.extend_from_slice(&json[..end]);
        out.extend_from_slice(format!(",\"resourceVersion\":\"{revision}\"").as_bytes());
        out.extend_from_slice(&json[end..]);
    }
    Some(out.into())
}

struct Member {
    key_start: usize,
    value_start: usize,
}

/// Finds a member of the object that starts at `at`.
fn member(json: &[u8], at: usize, name: &str) -> Option<Member> {
    if json.get(at) != Some(&b'{') {
        return None;
    }
    let mut i = at + 1;
    loop {
        if json.get(i) != Some(&b'"') {
            return None;
        }
        let key_end = skip_string(json, i)?;
        if json.get(key_end) != Some(&b':') {
            return None;
        }
        if &json[i + 1..key_end - 1] == name.as_bytes() {
            return Some(Member {
                key_start: i,
                value_start: key_end + 1,
            });
        }
        i = skip_value(json, key_end + 1)?;
        match json.get(i)? {
            b',' => i += 1,
            _ => return None,
        }
    }
}

/// Index after the string that starts at `at`.
fn skip_string(json: &[u8], at: usize) -> Option<usize> {
    let mut i = at + 1;
    loop {
        match json.get(i)? {
            b'"' => return Some(i + 1),
            b'\\' => i += 2,
            _ => i += 1,
        }
    }
}

/// Index after the value that starts at `at`, in text without white space.
fn skip_value(json: &[u8], at: usize) -> Option<usize> {
    match json.get(at)? {
        b'"' => skip_string(json, at),
        b'{' | b'[' => {
            let mut depth = 0usize;
            let mut i = at;
            loop {
                match json.get(i)? {
                    b'"' => {
                        i = skip_string(json, i)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return Some(i + 1);
                        }
                    }
                    _ => {}
                }
                i += 1;
            }
        }
        _ => {
            let rest = json[at..]
                .iter()
                .position(|c| matches!(c, b',' | b'}' | b']'))?;
            Some(at + rest)
        }
    }
}
