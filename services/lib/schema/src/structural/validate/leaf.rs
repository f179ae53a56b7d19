//! Checks of types, texts, numbers and enumerations.

use catena_objects::{Value, field::Error, json};

use super::{Failure, Outcome, Walk, format, format_of, types};
use crate::Node;

/// A number as Go's `%v` prints it.
fn shown(f: f64) -> String {
    let mut out = Vec::new();
    json::write_float(&mut out, f);
    String::from_utf8_lossy(&out).into_owned()
}

/// JSON type of a value, and the format that its Go type implies.
fn kind(value: &Value) -> (&'static str, &'static str) {
    match value {
        Value::Null => ("null", ""),
        Value::Bool(_) => ("boolean", ""),
        Value::Int(_) => ("integer", "int64"),
        Value::Float(_) => ("number", "float64"),
        Value::String(_) => ("string", ""),
        Value::Array(_) => ("array", ""),
        Value::Object(_) => ("object", ""),
    }
}

impl Walk<'_> {
    pub(super) fn types(&self, node: &Node, value: &Value, name: &str) -> Outcome {
        let mut out = Outcome {
            matches: 1,
            ..Outcome::default()
        };
        let (expected, format) = (types(node), format_of(node));
        let fail = |expected: &str, got: &str| Outcome {
            failures: vec![self.type_invalid(name, expected, got)],
            matches: 0,
        };
        if value.is_null() {
            if !expected.is_empty() && !node.nullable {
                return fail(&expected.join(","), "null");
            }
            return out;
        }
        let (got, got_format) = kind(value);
        let has = |t: &str| expected.contains(&t);
        let whole = matches!(value, Value::Float(f) if f.fract() == 0.0) && has("integer");
        let widened = got == "integer" && has("number");
        let texts = matches!(value, Value::String(_) | Value::Array(_));
        let numeric = has("number") || has("integer");
        let fits = has(got) || whole || widened;
        if !format.is_empty() && !texts && !fits && got_format != format {
            return fail(format, got_format);
        }
        // What is wrong with such a text the format check says.
        if !format.is_empty() && texts && !numeric {
            return out;
        }
        if !fits {
            out = fail(&expected.join(","), got);
        }
        out
    }

    pub(super) fn string(&self, node: &Node, text: &str, name: &str) -> Outcome {
        let mut out = Outcome::default();
        let Some(rules) = &node.rules else { return out };
        let length = text.chars().count() as i64;
        if let Some(max) = rules.max_length.filter(|max| length > *max) {
            let bytes = usize::try_from(max).unwrap_or_default();
            out.add(Failure {
                message: format!("{name} in body should be at most {max} chars long"),
                error: Error::too_long(&self.path(name), bytes),
            });
            return out;
        }
        if let Some(min) = rules.min_length.filter(|min| length < *min) {
            let message = format!("{name} in body should be at least {min} chars long");
            out.add(self.invalid(name, text.into(), message));
            return out;
        }
        if let Some(pattern) = &rules.pattern {
            let compiled = rules
                .compiled
                .0
                .get_or_init(|| crate::regex::compile(pattern));
            let message = match compiled {
                Ok(re) if re.is_match(text) => return out,
                Ok(_) => format!("{name} in body should match '{pattern}'"),
                Err(why) => format!(
                    "{name} in body should match '{pattern}, but pattern is invalid: {why}'"
                ),
            };
            out.add(self.invalid(name, text.into(), message));
        }
        out
    }

    pub(super) fn format(&self, node: &Node, text: &str, name: &str) -> Outcome {
        let mut out = Outcome::default();
        let format = format_of(node);
        if !format::is_valid(format, text) {
            out.add(self.type_invalid(name, format, text));
        }
        out
    }

    pub(super) fn number(&self, node: &Node, value: &Value, name: &str) -> Outcome {
        let mut out = Outcome {
            matches: 1,
            ..Outcome::default()
        };
        if let Some(message) = self.range(node, value, name) {
            out.add(self.composite(message));
        }
        let Some(rules) = &node.rules else { return out };
        if let Some(factor) = rules.multiple_of {
            // A whole number is divided by the whole part of the factor.
            let whole = factor as i64;
            let multiple = match value {
                Value::Int(_) if whole <= 0 => {
                    let message =
                        format!("factor MultipleOf declared for {name} must be positive: {whole}");
                    out.add(self.invalid(name, whole.into(), message));
                    true
                }
                Value::Int(i) => i % whole == 0,
                _ => {
                    let f = value.as_f64().unwrap_or_default();
                    let n = if factor < 1.0 {
                        1.0 / factor * f
                    } else {
                        f / factor
                    };
                    (n - n.round()).abs() < 1e-9
                }
            };
            if !multiple {
                let message = format!("{name} in body should be a multiple of {}", shown(factor));
                out.add(self.invalid(name, value.clone(), message));
            }
        }
        let (max, min) = (rules.maximum, rules.minimum);
        if let Some(max) = max.filter(|m| beyond(value, *m, rules.exclusive_maximum, true)) {
            let than = if rules.exclusive_maximum {
                "less than"
            } else {
                "less than or equal to"
            };
            let message = format!("{name} in body should be {than} {}", limit(value, max));
            out.add(self.invalid(name, value.clone(), message));
        }
        if let Some(min) = min.filter(|m| beyond(value, *m, rules.exclusive_minimum, false)) {
            let than = if rules.exclusive_minimum {
                "greater than"
            } else {
                "greater than or equal to"
            };
            let message = format!("{name} in body should be {than} {}", limit(value, min));
            out.add(self.invalid(name, value.clone(), message));
        }
        out
    }

    /// What does not fit the number's type and format.
    fn range(&self, node: &Node, value: &Value, name: &str) -> Option<String> {
        if types(node) != ["integer"] {
            return None;
        }
        let format = format_of(node);
        let fits = match value {
            Value::Int(i) => format != "int32" || i32::try_from(*i).is_ok(),
            Value::Float(f) => f.fract() == 0.0 && f.abs() < 9.2e18,
            _ => true,
        };
        if fits {
            return None;
        }
        let shape = match format {
            "" => "(default format)".to_owned(),
            format => format!("with format {format}"),
        };
        Some(format!(
            "Checked value must be of type integer {shape} in {name}"
        ))
    }

    pub(super) fn enumeration(&self, node: &Node, value: &Value, name: &str) -> Outcome {
        let mut out = Outcome::default();
        let Some(rules) = node.rules.as_ref().filter(|r| !r.enum_values.is_empty()) else {
            return out;
        };
        if !value.is_null() && rules.enum_values.contains(value) {
            return out;
        }
        let texts: Vec<String> = rules
            .enum_values
            .iter()
            .map(|v| v.as_str().map_or_else(|| json::to_string(v), str::to_owned))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        out.add(Failure {
            message: format!("{name} in body should be one of [{}]", texts.join(" ")),
            error: Error::not_supported(&self.path(name), value.clone(), &texts),
        });
        out
    }
}

/// Integers are compared as such, with the fraction of the bound cut off.
fn beyond(value: &Value, bound: f64, exclusive: bool, above: bool) -> bool {
    let order = match value {
        Value::Int(i) => i.cmp(&(bound as i64)),
        _ => value.as_f64().unwrap_or_default().total_cmp(&bound),
    };
    let order = if above { order } else { order.reverse() };
    order.is_gt() || (exclusive && order.is_eq())
}

fn limit(value: &Value, bound: f64) -> String {
    match value {
        Value::Int(_) => (bound as i64).to_string(),
        _ => shown(bound),
    }
}
