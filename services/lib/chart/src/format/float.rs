//! Floats as `strconv.FormatFloat` shows them.

/// `%v`: the fewest digits that mean the number (`'g', -1`).
pub(crate) fn float(f: f64) -> String {
    if let Some(name) = special(f) {
        return name.to_owned();
    }
    let text = format!("{f:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    // Where no precision is given, Go decides as if it were 6.
    if (-4..6).contains(&exponent) {
        return f.to_string();
    }
    format!("{mantissa}e{}", two_digits(exponent))
}

fn special(f: f64) -> Option<&'static str> {
    if f.is_nan() {
        return Some("NaN");
    }
    match f {
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

fn two_digits(exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{sign}{:02}", exponent.abs())
}

/// `%e`, `%f` and `%g` with a precision, and `%e` and `%f` of the shortest digits.
pub(crate) fn general(f: f64, verb: char, precision: Option<usize>) -> String {
    if let Some(name) = special(f) {
        return name.to_owned();
    }
    match (verb.to_ascii_lowercase(), precision) {
        ('f', Some(p)) => fixed(f, p),
        ('f', None) => format!("{f}"),
        ('e', p) => exponential(f, p),
        (_, None) => float(f),
        (_, Some(p)) => {
            let p = p.max(1);
            let text = exponential(f, Some(p - 1));
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let exponent: i32 = exponent.parse().unwrap_or_default();
            let wide = i32::try_from(p).unwrap_or(i32::MAX);
            if exponent < -4 || exponent >= wide {
                return format!("{}e{}", trim_zeros(mantissa), two_digits(exponent));
            }
            let places = usize::try_from(wide - 1 - exponent).unwrap_or_default();
            trim_zeros(&fixed(f, places)).to_owned()
        }
    }
}

fn trim_zeros(text: &str) -> &str {
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.')
}

/// Digits after the point beyond which all are 0, in any float.
const EXACT: usize = 1_100;

fn fixed(f: f64, precision: usize) -> String {
    let places = precision.min(EXACT);
    format!("{f:.places$}{}", "0".repeat(precision - places))
}

fn exponential(f: f64, precision: Option<usize>) -> String {
    let places = precision.map(|p| p.min(EXACT));
    let zeros = precision.unwrap_or_default() - places.unwrap_or_default();
    let text = match places {
        Some(p) => format!("{f:.p$e}"),
        None => format!("{f:e}"),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let zeros = "0".repeat(zeros);
    format!(
        "{mantissa}{zeros}e{}",
        two_digits(exponent.parse().unwrap_or_default())
    )
}
