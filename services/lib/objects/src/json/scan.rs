//! Looking into JSON text as our writer makes it, without parsing it.

/// Where a member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    pub key_start: usize,
    pub value_start: usize,
}

/// Finds a member of the object that starts at `at`, in text without white space
/// whose names need no escapes. `None`: it is not there, or the text is another.
pub fn member(json: &[u8], at: usize, name: &str) -> Option<Member> {
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
pub fn skip_value(json: &[u8], at: usize) -> Option<usize> {
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

/// The text of a value at a path of member names.
pub fn value_at<'a>(json: &'a [u8], path: &[&str]) -> Option<&'a [u8]> {
    let start = path
        .iter()
        .try_fold(0, |at, name| Some(member(json, at, name)?.value_start))?;
    json.get(start..skip_value(json, start)?)
}

#[cfg(test)]
mod tests {
    use super::value_at;

    #[test]
    fn finds_values_without_parsing() {
        let text = br#"{"a":"}\"{","metadata":{"n":[1,{"labels":0}],"labels":{"k":"v\\"}},"z":12}"#;
        assert_eq!(
            value_at(text, &["metadata", "labels", "k"]),
            Some(&br#""v\\""#[..])
        );
        assert_eq!(value_at(text, &["z"]), Some(&b"12"[..]));
        assert_eq!(value_at(text, &["metadata", "x"]), None);
        assert_eq!(value_at(b"", &["z"]), None);
        assert_eq!(value_at(br#"{"z":"#, &["z"]), None);
        assert_eq!(
            value_at(br#"{ "z": 1 }"#, &["z"]),
            None,
            "not as we write it"
        );
    }
}
