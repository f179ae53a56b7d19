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
    if text.len() <= 3 {
        return None;
    }
    let hex = matches!(text[2], b'x' | b'X');
    let (mut i, radix) = if hex { (3, 16) } else { (2, 10) };
    // It overflows as in Go: what comes out is no character anyway.
    let mut value: i32 = 0;
    while let Some(b) = text.get(i) {
        i += 1;
        match char::from(*b)
            .to_digit(radix)
            .and_then(|d| i32::try_from(d).ok())
        {
            Some(digit) => value = value.wrapping_mul(radix.cast_signed()).wrapping_add(digit),
            None => {
                if *b != b';' {
                    i -= 1;
                }
                break;
            }
        }
    }
    if i <= 3 {
        return None;
    }
    let known = usize::try_from(value - 0x80)
        .ok()
        .and_then(|n| WINDOWS.get(n));
    let plain = u32::try_from(value)
        .ok()
        .filter(|v| *v != 0)
        .and_then(char::from_u32);
    let found = known
        .copied()
        .or(plain)
        .unwrap_or(char::REPLACEMENT_CHARACTER);
    Some((i, found.to_string()))
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
