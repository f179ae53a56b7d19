//! Values of URL queries.

/// The first value of `name`, decoded; "" where it is absent.
pub(crate) fn value(query: &str, name: &str) -> String {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| decode(key) == name)
        .map(|(_, value)| decode(value))
        .unwrap_or_default()
}

/// Decodes `%xx` and `+`.
fn decode(text: &str) -> String {
    unescape(&text.replace('+', " ")).unwrap_or_else(|| text.to_owned())
}

/// Decodes `%xx`; `None` for what is no escape or no UTF-8.
pub(crate) fn unescape(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        if b != b'%' {
            out.push(b);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        out.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded() {
        let query = "a=1&fieldSelector=spec.nodeName%3Dn+1,x%21%3dy&b";
        assert_eq!(value(query, "fieldSelector"), "spec.nodeName=n 1,x!=y");
        assert_eq!(value(query, "b"), "");
        assert_eq!(value("a=%zz&c=%", "a"), "%zz");
        assert_eq!(unescape("%f"), None);
        assert_eq!(unescape("%ff"), None);
    }
}
