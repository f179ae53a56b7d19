//! Durations as Go reads and prints them (`metav1.Duration`), in nanoseconds.

#[cfg(test)]
mod tests;

use crate::json::go_quote;

const SECOND: i64 = 1_000_000_000;

/// Parses `1h2m3.5s`, `-1.5h`, `0`; the result is in nanoseconds.
///
/// # Errors
/// The message of Go's `time.ParseDuration`.
pub fn parse(text: &str) -> Result<i64, String> {
    let quoted = go_quote(text);
    let invalid = || format!("time: invalid duration {quoted}");
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
        let (whole, after) = rest.split_at(digits(rest));
        let (fraction, after) = match after.strip_prefix('.') {
            Some(a) => a.split_at(digits(a)),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let end = after
            .bytes()
            .position(|c| c == b'.' || c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {quoted}"));
        }
        let Some(scale) = nanos(unit) else {
            let unit = go_quote(unit);
            return Err(format!("time: unknown unit {unit} in duration {quoted}"));
        };
        let n: u64 = if whole.is_empty() {
            0
        } else {
            whole.parse().map_err(|_| invalid())?
        };
        let part = n
            .checked_mul(scale)
            .and_then(|p| p.checked_add(fraction_of(fraction, scale)))
            .ok_or_else(invalid)?;
        total = total
            .checked_add(part)
            .filter(|t| *t <= 1 << 63)
            .ok_or_else(invalid)?;
        rest = next;
    }
    if negative {
        return Ok(0i64.wrapping_sub_unsigned(total));
    }
    i64::try_from(total).map_err(|_| invalid())
}

/// Go computes fractions in floating point; so do we.
fn fraction_of(digits: &str, scale: u64) -> u64 {
    if digits.is_empty() {
        return 0;
    }
    let kept = &digits[..digits.len().min(18)];
    let n: u64 = kept.parse().unwrap_or(0);
    let power = 10f64.powi(i32::try_from(kept.len()).unwrap_or(18));
    (n as f64 * (scale as f64 / power)) as u64
}

fn nanos(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// Prints nanoseconds as Go's `Duration.String`: `1h0m0s`, `1.5s`, `3ms`, `0s`.
pub fn print(nanos: i64) -> String {
    if nanos == 0 {
        return "0s".to_owned();
    }
    let sign = if nanos < 0 { "-" } else { "" };
    let n = nanos.unsigned_abs();
    let second = SECOND.unsigned_abs();
    let decimal = |unit: u64| {
        let width = unit.ilog10() as usize;
        let fraction = format!("{:0width$}", n % unit);
        let fraction = if width == 0 {
            ""
        } else {
            fraction.trim_end_matches('0')
        };
        if fraction.is_empty() {
            format!("{}", n / unit)
        } else {
            format!("{}.{fraction}", n / unit)
        }
    };
    if n < second {
        let (unit, name) = match n {
            0..1_000 => (1, "ns"),
            1_000..1_000_000 => (1_000, "µs"),
            _ => (1_000_000, "ms"),
        };
        return format!("{sign}{}{name}", decimal(unit));
    }
    let minutes = n / second / 60;
    let seconds = {
        let whole = decimal(second);
        let fraction = whole
            .split_once('.')
            .map_or(String::new(), |(_, f)| format!(".{f}"));
        format!("{}{fraction}s", n / second % 60)
    };
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{seconds}"),
        (0, m) => format!("{sign}{m}m{seconds}"),
        (h, m) => format!("{sign}{h}h{m}m{seconds}"),
    }
}
