//! Options of subresources, as the query has them and as the kubelet wants them.

/// Names and values of a query, decoded.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|p| !p.is_empty())
        .map(|p| {
            let (name, value) = p.split_once('=').unwrap_or((p, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// The first value of a parameter.
pub(super) fn first(query: &str, name: &str) -> String {
    pairs(query)
        .into_iter()
        .find_map(|(n, v)| (n == name).then_some(v))
        .unwrap_or_default()
}

/// `strconv.ParseBool`, with an absent value as false.
pub(super) fn flag(query: &str, name: &str) -> bool {
    pairs(query).iter().any(|(n, v)| {
        n == name && !matches!(v.as_str(), "0" | "f" | "F" | "false" | "False" | "FALSE")
    })
}

/// `net/url.Values.Encode`: sorted by name.
pub(super) fn encode(mut pairs: Vec<(&str, String)>) -> String {
    pairs.sort_by(|a, b| a.0.cmp(b.0));
    let parts: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name, false), escape(value, false)))
        .collect();
    parts.join("&")
}

/// A path with what may not stand in one escaped; slashes stay.
pub(super) fn path(text: &str) -> String {
    escape(text, true)
}

fn escape(text: &str, path: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        let plain = b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
        if plain || (path && b"/:@!$&'()*+,;=".contains(&b)) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        let hex = |n: usize| bytes.get(n).and_then(|c| char::from(*c).to_digit(16));
        match (b, hex(i + 1), hex(i + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                i += 2;
            }
            (b'+', ..) => out.push(b' '),
            _ => out.push(b),
        }
        i += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_and_written_as_go_does() {
        let q = "command=sh&command=-c&command=echo+a%20%26&stdin=true&tty=0";
        let commands: Vec<String> = pairs(q)
            .into_iter()
            .filter(|(n, _)| n == "command")
            .map(|(_, v)| v)
            .collect();
        assert_eq!(commands, ["sh", "-c", "echo a &"]);
        assert!(flag(q, "stdin") && !flag(q, "tty") && !flag(q, "stdout"));
        assert_eq!(
            encode(vec![("b", "x y".into()), ("a", "&".into())]),
            "a=%26&b=x%20y"
        );
        assert_eq!(path("/a b/c%"), "/a%20b/c%25");
        assert_eq!(first("x=%zz&x=1", "x"), "%zz");
    }
}
