//! Counts that may be percentages.

use catena_objects::{Value, field::Errors, names};

use super::At;

/// `ValidatePositiveIntOrPercent`; an absent value is 0.
pub fn positive(at: &At, e: &mut Errors) {
    match at.v {
        Value::String(s) => {
            for why in names::percent(s) {
                at.invalid(e, why);
            }
        }
        _ => at.non_negative(e),
    }
}

/// The number of a percentage, `None` for anything else.
pub fn percent(v: &Value) -> Option<i64> {
    let s = v.as_str()?;
    if !names::percent(s).is_empty() {
        return None;
    }
    s.strip_suffix('%')?.parse().ok()
}

/// The number itself or of the percentage; other strings as `Atoi` reads them, else 0.
pub fn value(v: &Value) -> i64 {
    match v {
        Value::String(s) => percent(v).or_else(|| s.parse().ok()).unwrap_or(0),
        _ => v.as_i64().unwrap_or(0),
    }
}

/// `IsNotMoreThan100Percent`.
pub fn at_most_100(at: &At, e: &mut Errors) {
    if percent(at.v).is_some_and(|p| p > 100) {
        at.invalid(e, "must not be greater than 100%");
    }
}
