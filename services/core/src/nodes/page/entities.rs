//! Character references in values of attributes, as Go's `html` reads and writes them.

use std::{collections::HashMap, sync::LazyLock};

/// Names with their semicolons, where they have one.
static NAMED: LazyLock<HashMap<&'static [u8], &'static str>> = LazyLock::new(|| {
    let all = entities::ENTITIES.iter();
    all.map(|e| (&e.entity.as_bytes()[1..], e.characters))
        .collect()
});

/// What old pages mean by the numbers 0x80 to 0x9F: Windows-1252.
const WINDOWS: [char; 32] = [
    '\u{20AC}', '\u{81}', '\u{201A}', '\u{192}', '\u{201E}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{2C6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8D}', '\u{17D}', '\u{8F}',
    '\u{90}', '\u{2018}', '\u{2019}', '\u{201C}', '\u{201D}', '\u{2022}', '\u{2013}', '\u{2014}',
    '\u{2DC}', '\u{2122}', '\u{161}', '\u{203A}', '\u{153}', '\u{9D}', '\u{17E}', '\u{178}',
];

/// The value of an attribute, from how it is written.
pub(super) fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        match first {
            // Newlines are one byte.
            b'\r' => {
                out.push(b'\n');
                rest = after.strip_prefix(b"\n").unwrap_or(after);
            }
            b'&' => {
                let taken = match reference(rest) {
                    Some((taken, text)) => {
                        out.extend_from_slice(text.as_bytes());
                        taken
                    }
                    None => {
                        out.push(b'&');
                        1
                    }
                };
                rest = &rest[taken..];
            }
            plain => {
                out.push(*plain);
                rest = after;
            }
        }
    }
    out
}

/// How many bytes the reference at the start has, and what it stands for.
fn reference(text: &[u8]) -> Option<(usize, String)> {
    if text.get(1) == Some(&b'#') {
        return number(text);
    }
    let letters = text[1..].iter().position(|b| !b.is_ascii_alphanumeric());
    let mut end = letters.map_or(text.len(), |n| n + 1);
    if text.get(end) == Some(&b';') {
        end += 1;
    } else if text.get(end) == Some(&b'=') {
        // `?a=b&amp=c` is a query, not a reference.
        return None;
    }
    NAMED.get(&text[1..end]).map(|c| (end, (*c).to_owned()))
}

fn number(text: &[u8]) -> Option<(usize, String)> {
    let hex = matches!(text.get(2), Some(b'x' | b'X'));
    let (first, radix) = if hex { (3, 16) } else { (2, 10) };
    let (mut end, mut value) = (first, 0_u32);
    while let Some(digit) = text.get(end).and_then(|b| char::from(*b).to_digit(radix)) {
        // What is above all characters stays there.
        if value <= u32::from(char::MAX) {
            value = value * radix + digit;
        }
        end += 1;
    }
    if end == first {
        return None;
    }
    if text.get(end) == Some(&b';') {
        end += 1;
    }
    let old = value
        .checked_sub(0x80)
        .and_then(|n| usize::try_from(n).ok());
    let old = old.and_then(|n| WINDOWS.get(n)).copied();
    let plain = char::from_u32(value).filter(|c| *c != '\0');
    let found = old.or(plain).unwrap_or(char::REPLACEMENT_CHARACTER);
    Some((end, found.to_string()))
}

/// A value as it is written between double quotes.
pub(super) fn encode(value: &[u8], out: &mut Vec<u8>) {
    for b in value {
        match b {
            b'&' => out.extend_from_slice(b"&amp;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\r' => out.extend_from_slice(b"&#13;"),
            b => out.push(*b),
        }
    }
}
