//! Amounts with SI or binary suffixes: `k8s.io/apimachinery/pkg/api/resource`.

mod parse;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::fmt;

use num_bigint::{BigInt, Sign};

/// How an amount prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `12e6`
    DecimalExponent,
    /// `12Mi`
    BinarySi,
    /// `12M`
    DecimalSi,
}

/// Why a text is no quantity; messages are Go's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    )]
    Format,
    #[error("unable to parse numeric part of quantity")]
    Numeric,
    #[error("unable to parse quantity's suffix")]
    Suffix,
}

/// An exact decimal: `unscaled * 10^exponent`, never finer than nano.
#[derive(Clone, Debug)]
pub struct Quantity {
    unscaled: BigInt,
    exponent: i32,
    format: Format,
    /// Text that Go keeps as written: short and nearly canonical ones.
    text: Option<String>,
}

impl Default for Quantity {
    fn default() -> Self {
        Self::from_i64(0, Format::DecimalSi)
    }
}

fn pow10(n: u32) -> BigInt {
    BigInt::from(10).pow(n)
}

impl Quantity {
    /// Parses `1500m`, `1.5`, `2Gi`, `3e6`.
    ///
    /// # Errors
    /// Text that Go refuses, and exponents beyond 1,000, on which Go would
    /// compute for minutes.
    pub fn parse(text: &str) -> Result<Self, Error> {
        parse::parse(text)
    }

    pub fn from_i64(value: i64, format: Format) -> Self {
        Self {
            unscaled: value.into(),
            exponent: 0,
            format,
            text: None,
        }
    }

    /// An amount in thousandths.
    pub fn from_milli(value: i64, format: Format) -> Self {
        Self {
            unscaled: value.into(),
            exponent: -3,
            format,
            text: None,
        }
    }

    pub fn format(&self) -> Format {
        self.format
    }

    pub fn is_zero(&self) -> bool {
        self.unscaled.sign() == Sign::NoSign
    }

    /// -1, 0 or 1.
    pub fn sign(&self) -> i32 {
        match self.unscaled.sign() {
            Sign::Minus => -1,
            Sign::NoSign => 0,
            Sign::Plus => 1,
        }
    }

    /// In units, rounded away from zero; saturates at the bounds of `i64`.
    pub fn value(&self) -> i64 {
        self.scaled(0)
    }

    /// In thousandths, rounded away from zero; saturates at the bounds of `i64`.
    pub fn milli_value(&self) -> i64 {
        self.scaled(-3)
    }

    /// In units of `10^exponent`.
    pub fn scaled(&self, exponent: i32) -> i64 {
        let (n, _) = self.at_scale(exponent);
        i64::try_from(&n).unwrap_or(if n.sign() == Sign::Minus {
            i64::MIN
        } else {
            i64::MAX
        })
    }

    /// For comparisons with thresholds only.
    pub fn approximate(&self) -> f64 {
        let text = format!("{}e{}", self.unscaled, self.exponent);
        text.parse().unwrap_or(f64::INFINITY)
    }

    /// Units of `10^exponent`, rounded away from zero, and whether that is exact.
    fn at_scale(&self, exponent: i32) -> (BigInt, bool) {
        let shift = self.exponent - exponent;
        if shift >= 0 {
            return (&self.unscaled * pow10(shift.unsigned_abs()), true);
        }
        let divisor = pow10(shift.unsigned_abs());
        let quotient = &self.unscaled / &divisor;
        if &quotient * &divisor == self.unscaled {
            return (quotient, true);
        }
        (quotient + self.sign(), false)
    }

    /// Both amounts in the finer of their units, and that unit.
    fn aligned(&self, other: &Self) -> (BigInt, BigInt, i32) {
        let exponent = self.exponent.min(other.exponent);
        (
            self.at_scale(exponent).0,
            other.at_scale(exponent).0,
            exponent,
        )
    }

    fn combined(&self, other: &Self, f: impl Fn(BigInt, BigInt) -> BigInt) -> Self {
        let (a, b, exponent) = self.aligned(other);
        let format = if self.is_zero() {
            other.format
        } else {
            self.format
        };
        Self {
            unscaled: f(a, b),
            exponent,
            format,
            text: None,
        }
    }

    /// The sum, in this amount's format (the other's if this is zero).
    #[must_use]
    pub fn add(&self, other: &Self) -> Self {
        self.combined(other, |a, b| a + b)
    }

    /// The difference, in this amount's format (the other's if this is zero).
    #[must_use]
    pub fn sub(&self, other: &Self) -> Self {
        self.combined(other, |a, b| a - b)
    }

    #[must_use]
    pub fn neg(&self) -> Self {
        Self {
            unscaled: -&self.unscaled,
            text: None,
            ..self.clone()
        }
    }

    #[must_use]
    pub fn mul(&self, n: i64) -> Self {
        Self {
            unscaled: &self.unscaled * n,
            text: None,
            ..self.clone()
        }
    }

    /// Compares with a whole number.
    pub fn cmp_i64(&self, n: i64) -> Ordering {
        self.cmp(&Self::from_i64(n, Format::DecimalSi))
    }

    /// Digits and exponent of ten, the exponent a multiple of three and as large as it can be.
    fn canonical_decimal(&self) -> (BigInt, i32) {
        let (mut n, mut exponent) = (self.unscaled.clone(), self.exponent);
        strip_factors(&mut n, 10, |_| exponent += 1);
        let back = exponent.rem_euclid(3);
        (n * pow10(back.unsigned_abs()), exponent - back)
    }

    fn canonical(&self) -> String {
        if self.is_zero() {
            return "0".to_owned();
        }
        let small =
            self.cmp_i64(-1024) == Ordering::Greater && self.cmp_i64(1024) == Ordering::Less;
        let (units, exact) = self.at_scale(0);
        if self.format == Format::BinarySi && !small && exact {
            let mut n = units;
            let mut power = 0;
            strip_factors(&mut n, 1024, |_| power += 1);
            const SUFFIXES: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
            return format!("{n}{}", SUFFIXES.get(power).unwrap_or(&""));
        }
        let (n, exponent) = self.canonical_decimal();
        if self.format == Format::DecimalExponent {
            return if exponent == 0 {
                n.to_string()
            } else {
                format!("{n}e{exponent}")
            };
        }
        // Beyond exa Go prints no suffix at all; so do we.
        let suffix = match exponent {
            -9 => "n",
            -6 => "u",
            -3 => "m",
            3 => "k",
            6 => "M",
            9 => "G",
            12 => "T",
            15 => "P",
            18 => "E",
            _ => "",
        };
        format!("{n}{suffix}")
    }
}

/// Divides by `factor` as long as that is exact, calling `count` each time.
fn strip_factors(n: &mut BigInt, factor: u32, mut count: impl FnMut(())) {
    if n.sign() == Sign::NoSign {
        return;
    }
    loop {
        let quotient = &*n / factor;
        if &quotient * factor != *n {
            return;
        }
        *n = quotient;
        count(());
    }
}

/// The canonical text, or the one that Go keeps.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => f.write_str(text),
            None => f.write_str(&self.canonical()),
        }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b, _) = self.aligned(other);
        a.cmp(&b)
    }
}
