//! Stored bytes as clients see them: the resourceVersion spliced in, without parsing the rest.

/// Where the resourceVersion goes: Go prints members of built-in kinds in the
/// order of their fields, those of custom resources in the order of names. `None`
/// when the text is not laid out as our writer does it; then it has to be decoded.
pub(crate) fn splice(json: &[u8], custom: bool) -> Option<usize> {
    let metadata = member(json, 0, "metadata")?;
    let uid = member(json, metadata.value_start, "uid")?;
    if custom {
        return Some(uid.key_start);
    }
    skip_value(json, uid.value_start)
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
