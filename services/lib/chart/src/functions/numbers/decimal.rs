//! Decimal numbers, in which Sprig calculates with floats: 0.1 × 3 is 0.3.

/// A coefficient and a power of ten; what does not fit is a float.
#[derive(Clone, Copy)]
pub(super) enum Decimal {
    Exact(i128, i32),
    Float(f64),
}

use Decimal::{Exact, Float};

/// Digits after the point of a quotient.
const DIVISION: i32 = 16;

impl Decimal {
    /// The fewest digits that mean the float.
    pub(super) fn of(f: f64) -> Self {
        let text = format!("{f:e}");
        let parse = || -> Option<Self> {
            let (mantissa, exponent) = text.split_once('e')?;
            let exponent: i32 = exponent.parse().ok()?;
            let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
            let coefficient: i128 = format!("{whole}{part}").parse().ok()?;
            let places = i32::try_from(part.len()).ok()?;
            Some(Exact(coefficient, exponent - places))
        };
        parse().unwrap_or(Float(f))
    }

    pub(super) fn float(self) -> f64 {
        match self {
            Exact(coefficient, exponent) => {
                let text = format!("{coefficient}e{exponent}");
                text.parse().unwrap_or_default()
            }
            Float(f) => f,
        }
    }

    /// Both coefficients at one exponent.
    fn aligned(self, other: Self) -> Option<(i128, i128, i32)> {
        let (Exact(a, ea), Exact(b, eb)) = (self, other) else {
            return None;
        };
        let exponent = ea.min(eb);
        let scaled = |n: i128, e: i32| {
            let power = u32::try_from(e - exponent).ok()?;
            n.checked_mul(10i128.checked_pow(power)?)
        };
        Some((scaled(a, ea)?, scaled(b, eb)?, exponent))
    }

    pub(super) fn add(self, other: Self) -> Self {
        let sum = self
            .aligned(other)
            .and_then(|(a, b, e)| Some(Exact(a.checked_add(b)?, e)));
        sum.unwrap_or_else(|| Float(self.float() + other.float()))
    }

    pub(super) fn sub(self, other: Self) -> Self {
        let difference = self
            .aligned(other)
            .and_then(|(a, b, e)| Some(Exact(a.checked_sub(b)?, e)));
        difference.unwrap_or_else(|| Float(self.float() - other.float()))
    }

    pub(super) fn mul(self, other: Self) -> Self {
        let product = match (self, other) {
            (Exact(a, ea), Exact(b, eb)) => a.checked_mul(b).zip(ea.checked_add(eb)),
            _ => None,
        };
        match product {
            Some((coefficient, exponent)) => Exact(coefficient, exponent),
            None => Float(self.float() * other.float()),
        }
    }

    /// Rounded to 16 digits after the point, half away from zero.
    pub(super) fn div(self, other: Self) -> Self {
        let quotient = || -> Option<Self> {
            let (a, b, _) = self.aligned(other)?;
            let scaled = a.checked_mul(10i128.checked_pow(DIVISION.unsigned_abs())?)?;
            let (whole, rest) = (scaled.checked_div(b)?, scaled.checked_rem(b)?);
            let up = rest.unsigned_abs() * 2 >= b.unsigned_abs();
            let sign = if (scaled < 0) == (b < 0) { 1 } else { -1 };
            Some(Exact(whole + if up { sign } else { 0 }, -DIVISION))
        };
        quotient().unwrap_or_else(|| Float(self.float() / other.float()))
    }
}
