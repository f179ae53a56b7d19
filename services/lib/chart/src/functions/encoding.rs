//! Base64, Base32 and digests.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256, Sha512};

use super::{Answer, Entry, fixed};
use crate::{
    exec::{Args, Type::Text},
    fault::Fault,
    session::Env,
    value::Value,
};

pub(super) const TABLE: &[Entry] = &[
    (
        "b64enc",
        fixed(&[Text], |e, a| {
            e.budget().text(a.text(0).len() * 2)?;
            Ok(Value::text(STANDARD.encode(a.text(0))))
        }),
    ),
    ("b64dec", fixed(&[Text], b64dec)),
    ("b32enc", fixed(&[Text], b32enc)),
    ("b32dec", fixed(&[Text], b32dec)),
    (
        "sha256sum",
        fixed(&[Text], |e, a| {
            e.budget().text(a.text(0).len())?;
            Ok(Value::text(hex(&Sha256::digest(a.text(0)))))
        }),
    ),
    (
        "sha512sum",
        fixed(&[Text], |e, a| {
            e.budget().text(a.text(0).len())?;
            Ok(Value::text(hex(&Sha512::digest(a.text(0)))))
        }),
    ),
    (
        "adler32sum",
        fixed(&[Text], |e, a| {
            e.budget().text(a.text(0).len())?;
            Ok(Value::text(adler32(a.text(0)).to_string()))
        }),
    ),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn adler32(text: &str) -> u32 {
    const MODULUS: u32 = 65_521;
    let (mut a, mut b) = (1u32, 0u32);
    for byte in text.bytes() {
        a = (a + u32::from(byte)) % MODULUS;
        b = (b + a) % MODULUS;
    }
    (b << 16) | a
}

/// Texts of templates are UTF-8 here, where Go's are bytes.
fn utf8(bytes: Vec<u8>) -> Answer {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Value::text(text)),
        Err(_) => Err(Fault::new("what is decoded is not UTF-8")),
    }
}

/// As Sprig does it, an error is what is given. Line ends are passed over, as Go does.
fn b64dec(env: Env<'_>, args: &Args) -> Answer {
    let given = args.text(0);
    env.budget().text(given.len())?;
    let text: String = given
        .chars()
        .filter(|c| !matches!(c, '\r' | '\n'))
        .collect();
    if let Ok(bytes) = STANDARD.decode(&text) {
        return utf8(bytes);
    }
    let at = corrupt_at(given);
    Ok(Value::text(format!(
        "illegal base64 data at input byte {at}"
    )))
}

/// Where Go's decoder gives up.
fn corrupt_at(text: &str) -> usize {
    let mut count = 0usize;
    let alphabet = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
    let bytes = text.as_bytes();
    for (i, b) in bytes.iter().enumerate() {
        match b {
            b'\r' | b'\n' => {}
            b if alphabet(*b) => count += 1,
            b'=' if count % 4 >= 2 => {
                let rest = bytes[i + 1..]
                    .iter()
                    .filter(|b| !matches!(b, b'\r' | b'\n'));
                let more = if count % 4 == 2 { 1 } else { 0 };
                let pads = rest.clone().take_while(|b| **b == b'=').count();
                if pads < more {
                    return bytes.len();
                }
                return i + 1 + more;
            }
            _ => return i,
        }
    }
    bytes.len() - count % 4
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn b32enc(env: Env<'_>, args: &Args) -> Answer {
    env.budget().text(args.text(0).len() * 2)?;
    let mut out = String::new();
    for chunk in args.text(0).as_bytes().chunks(5) {
        let mut group = [0u8; 8];
        group[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(group);
        let used = (chunk.len() * 8).div_ceil(5);
        for i in 0..8 {
            let at = usize::try_from((bits >> (35 - 5 * i)) & 31).unwrap_or_default();
            out.push(if i < used {
                char::from(BASE32[at])
            } else {
                '='
            });
        }
    }
    Ok(Value::text(out))
}

fn b32dec(env: Env<'_>, args: &Args) -> Answer {
    let text = args.text(0);
    env.budget().text(text.len())?;
    let body = text.trim_end_matches('=');
    let mut out = Vec::new();
    let (mut bits, mut count) = (0u64, 0u32);
    for (i, c) in body.bytes().enumerate() {
        let Some(value) = BASE32.iter().position(|b| *b == c) else {
            return Ok(Value::text(format!(
                "illegal base32 data at input byte {i}"
            )));
        };
        bits = (bits << 5) | u64::try_from(value).unwrap_or_default();
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from((bits >> count) & 0xff).unwrap_or_default());
            bits &= (1 << count) - 1;
        }
    }
    if !text.len().is_multiple_of(8) || matches!(body.len() % 8, 1 | 3 | 6) {
        let at = body.len();
        return Ok(Value::text(format!(
            "illegal base32 data at input byte {at}"
        )));
    }
    utf8(out)
}
