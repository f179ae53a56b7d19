//! The text form of a quantity.

use num_bigint::{BigInt, Sign};

use super::{Error, Format, Quantity, pow10};

/// Digits that Go handles in an `int64`.
const INT64_DIGITS: i32 = 18;
const NANO: i32 = -9;
/// Bound on exponents and on the length of a text.
const BOUND: i32 = 1_000;

struct Parts<'a> {
    positive: bool,
    /// Integer digits without leading zeros, "0" for none.
    whole: &'a str,
    fraction: &'a str,
    suffix: &'a str,
}

fn digits(s: &str) -> usize {
    s.bytes().take_while(u8::is_ascii_digit).count()
}

fn split(text: &str) -> Result<Parts<'_>, Error> {
    let (positive, rest) = match text.as_bytes().first() {
        Some(b'-') => (false, &text[1..]),
        Some(b'+') => (true, &text[1..]),
        _ => (true, text),
    };
    let rest = rest.trim_start_matches('0');
    let (whole, mut rest) = rest.split_at(digits(rest));
    let mut fraction = "";
    if let Some(after) = rest.strip_prefix('.') {
        (fraction, rest) = after.split_at(digits(after));
    }
    let suffix = rest;
    let letters = suffix
        .bytes()
        .take_while(|c| b"eEinumkKMGTP".contains(c))
        .count();
    let tail = suffix[letters..]
        .strip_prefix(['-', '+'])
        .unwrap_or(&suffix[letters..]);
    if digits(tail) != tail.len() {
        return Err(Error::Format);
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    Ok(Parts {
        positive,
        whole,
        fraction,
        suffix,
    })
}

/// Base and exponent of a suffix.
fn interpret(suffix: &str) -> Result<(u32, i32, Format), Error> {
    let decimal = |e| Ok((10, e, Format::DecimalSi));
    let binary = |e| Ok((2, e, Format::BinarySi));
    match suffix {
        "" => decimal(0),
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(10),
        "Mi" => binary(20),
        "Gi" => binary(30),
        "Ti" => binary(40),
        "Pi" => binary(50),
        "Ei" => binary(60),
        other => {
            let exponent = other.strip_prefix(['e', 'E']).ok_or(Error::Suffix)?;
            let n: i64 = exponent.parse().map_err(|_| Error::Suffix)?;
            let n = i32::try_from(n).map_err(|_| Error::Numeric)?;
            if n.abs() > BOUND {
                return Err(Error::Numeric);
            }
            Ok((10, n, Format::DecimalExponent))
        }
    }
}

pub(super) fn parse(text: &str) -> Result<Quantity, Error> {
    if text.is_empty() || !text.is_ascii() {
        return Err(Error::Format);
    }
    let p = split(text)?;
    let (base, exponent, mut format) = interpret(p.suffix)?;
    if text.len() > BOUND as usize {
        return Err(Error::Numeric);
    }
    let keep = keeps_text(text, &p, exponent, format);
    let joined = format!("{}{}", p.whole, p.fraction);
    let magnitude: BigInt = joined.parse().map_err(|_| Error::Numeric)?;
    let fraction = p.fraction.len() as i32;
    let mut q = Quantity {
        unscaled: magnitude,
        exponent: -fraction,
        format,
        text: None,
    };
    if base == 10 {
        q.exponent += exponent;
    } else {
        q.unscaled <<= exponent;
    }
    if q.exponent < NANO {
        q = Quantity {
            unscaled: q.at_scale(NANO).0,
            exponent: NANO,
            ..q
        };
    }
    if format == Format::BinarySi && q.sign() > 0 {
        let max = Quantity::from_i64(i64::MAX, format);
        if q > max {
            q = max;
        }
        if q.cmp_i64(1).is_lt() {
            format = Format::DecimalSi;
        }
    }
    if !p.positive && q.unscaled.sign() != Sign::NoSign {
        q.unscaled = -q.unscaled;
    }
    q.format = format;
    q.text = keep.then(|| text.to_owned());
    normalize(&mut q);
    Ok(q)
}

/// Keeps arithmetic cheap: no exponent is so large that aligning it costs much.
fn normalize(q: &mut Quantity) {
    if q.exponent > 0 && q.exponent <= 36 {
        q.unscaled *= pow10(q.exponent.unsigned_abs());
        q.exponent = 0;
    }
}

/// Whether Go remembers the text instead of printing the canonical form:
/// when the amount fits its fast path and looks canonical already.
fn keeps_text(text: &str, p: &Parts<'_>, exponent: i32, format: Format) -> bool {
    if text == "0" {
        return true;
    }
    let (whole, fraction) = (p.whole.len() as i32, p.fraction.len() as i32);
    let joined = format!("{}{}", p.whole, p.fraction);
    match format {
        Format::BinarySi => {
            let room = 15 - whole - exponent * 3 / 10 - 1;
            let odd = joined.parse::<i64>().is_ok_and(|v| v & 7 != 0);
            fraction == 0 && room >= 0 && exponent % 10 == 0 && odd
        }
        _ => {
            let scale = exponent - fraction;
            INT64_DIGITS >= whole + fraction
                && scale >= NANO
                && scale % 3 == 0
                && !joined.ends_with("000")
                && !joined.starts_with('0')
        }
    }
}
