//! Constants of templates, with the syntax of Go's.

/// A number, as the types that it fits.
#[derive(Clone, Debug)]
pub(crate) struct Number {
    pub(crate) text: String,
    pub(crate) int: Option<i64>,
    pub(crate) float: Option<f64>,
}

impl Number {
    /// Whether it is a float where no type is asked for.
    pub(crate) fn is_float(&self) -> bool {
        let hex = self.text.len() > 2
            && (self.text.starts_with("0x") || self.text.starts_with("0X"))
            && !self.text.contains(['p', 'P']);
        let rune = self.text.starts_with('\'');
        self.float.is_some() && !hex && !rune && self.text.contains(['.', 'e', 'E', 'p', 'P'])
    }
}

/// A number or a character.
///
/// # Errors
/// Go's words.
pub(crate) fn number(text: &str, character: bool) -> Result<Number, String> {
    if character {
        let value = self::character(text)?;
        return Ok(Number {
            text: text.to_owned(),
            int: Some(i64::from(u32::from(value))),
            float: Some(f64::from(u32::from(value))),
        });
    }
    let shown = || crate::format::quote(text);
    let wide = integer(text);
    let int = wide.and_then(|n| i64::try_from(n).ok());
    let huge = int.is_none() && wide.is_some_and(|n| u64::try_from(n).is_ok());
    let mut number = Number {
        text: text.to_owned(),
        int,
        float: int.map(|i| i as f64),
    };
    if number.int.is_some() || huge {
        return Ok(number);
    }
    match float(text) {
        Some(_) if !text.contains(['.', 'e', 'E', 'p', 'P']) => {
            Err(format!("integer overflow: {}", shown()))
        }
        Some(f) => {
            number.float = Some(f);
            let exact = f.fract() == 0.0 && f.abs() < 9.2e18;
            number.int = exact.then_some(f as i64);
            Ok(number)
        }
        None => Err(format!("illegal number syntax: {}", shown())),
    }
}

/// Underscores stand between digits, or after the prefix of a base.
fn underscores(digits: &str, prefixed: bool) -> Option<String> {
    let wrong = digits.ends_with('_')
        || digits.contains("__")
        || (digits.starts_with('_') && !prefixed)
        || digits.contains("_.")
        || digits.contains("._");
    (!wrong).then(|| digits.replace('_', ""))
}

/// An integer of any base, as `strconv.ParseInt` with base 0.
pub(crate) fn integer(text: &str) -> Option<i128> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = rest.to_ascii_lowercase();
    let (base, digits, prefixed) = if let Some(d) = lower.strip_prefix("0x") {
        (16, d, true)
    } else if let Some(d) = lower.strip_prefix("0o") {
        (8, d, true)
    } else if let Some(d) = lower.strip_prefix("0b") {
        (2, d, true)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..], true)
    } else {
        (10, lower.as_str(), false)
    };
    let digits = underscores(digits, prefixed)?;
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    let n = i128::from_str_radix(&digits, base).ok()?;
    Some(if negative { -n } else { n })
}

/// A float, as `strconv.ParseFloat` takes it.
pub(crate) fn float(text: &str) -> Option<f64> {
    let body = text.trim_start_matches(['+', '-']);
    if text.len() - body.len() > 1 {
        return None;
    }
    if body.starts_with("0x") || body.starts_with("0X") {
        return hex_float(&body[2..]).map(|f| if text.starts_with('-') { -f } else { f });
    }
    let named = ["inf", "infinity", "nan"].contains(&body.to_ascii_lowercase().as_str());
    let first = body.chars().next()?;
    if !named && !first.is_ascii_digit() && first != '.' {
        return None;
    }
    if body.contains('_') {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    (named || value.is_finite()).then_some(value)
}

/// `1.8p3`, without its `0x`.
fn hex_float(text: &str) -> Option<f64> {
    let lower = text.to_ascii_lowercase();
    let (mantissa, exponent) = lower.split_once('p')?;
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{part}");
    if digits.is_empty() || digits.len() > 13 {
        return None;
    }
    let value = u64::from_str_radix(&digits, 16).ok()? as f64;
    let exponent: i32 = exponent.parse().ok()?;
    let places = i32::try_from(part.len()).ok()?;
    let value = value * 2f64.powi(exponent.checked_sub(4 * places)?);
    value.is_finite().then_some(value)
}

fn character(text: &str) -> Result<char, String> {
    let mut chars = text[1..].chars();
    let value = match chars.next() {
        Some('\\') => escape(&mut chars, '\'').ok_or("invalid syntax")?,
        Some('\'') | None => return Err("invalid syntax".to_owned()),
        Some(c) => c,
    };
    if chars.as_str() != "'" {
        return Err(format!("malformed character constant: {text}"));
    }
    Ok(value)
}

/// The meaning of a string with its quotes.
///
/// # Errors
/// An escape that Go does not know, or that is not UTF-8.
pub(crate) fn unquote(quoted: &str) -> Result<String, String> {
    const WHY: &str = "invalid syntax";
    let Some(inner) = quoted.get(1..quoted.len().saturating_sub(1)) else {
        return Err(WHY.to_owned());
    };
    if quoted.starts_with('`') {
        return Ok(inner.replace('\r', ""));
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(escape(&mut chars, '"').ok_or(WHY)?),
            '\n' | '"' => return Err(WHY.to_owned()),
            c => out.push(c),
        }
    }
    Ok(out)
}

fn escape(chars: &mut std::str::Chars<'_>, quote: char) -> Option<char> {
    match chars.next()? {
        'a' => Some('\u{7}'),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\u{b}'),
        '\\' => Some('\\'),
        c if c == quote => Some(c),
        // A byte above ASCII is no character by itself.
        'x' => digits_of(chars, 2, 16, 0)
            .filter(|n| *n < 0x80)
            .and_then(char::from_u32),
        'u' => digits_of(chars, 4, 16, 0).and_then(char::from_u32),
        'U' => digits_of(chars, 8, 16, 0).and_then(char::from_u32),
        c @ '0'..='7' => {
            let first = c.to_digit(8)?;
            digits_of(chars, 2, 8, first)
                .filter(|n| *n < 0x80)
                .and_then(char::from_u32)
        }
        _ => None,
    }
}

fn digits_of(chars: &mut std::str::Chars<'_>, n: usize, base: u32, first: u32) -> Option<u32> {
    let mut value = first;
    for _ in 0..n {
        value = value.checked_mul(base)? + chars.next()?.to_digit(base)?;
    }
    Some(value)
}
