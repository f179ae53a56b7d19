//! Schemas of custom resources: reading, checking, pruning, defaulting, validation.

mod check;
mod decode;
mod default;
mod field_path;
mod format;
mod list_map;
mod parse;
mod prune;
mod typed;
mod validate;

pub use check::{Found, check, check_structural};
pub use decode::{decode, sorted};
pub use default::{default, prune_nulls};
pub use field_path::field_path;
pub use format::format_duration;
pub use list_map::validate_lists;
pub use parse::{has_validations, parse};
pub use prune::{prune, prune_default};
pub use typed::typed;
pub use validate::{validate, validate_update, validate_update_at};

/// Levels of JSON in a schema; an object with properties takes two. Real
/// definitions stay below 60.
const MAX_NESTING: usize = 300;

/// Whether a text has a format; texts of formats that mean nothing do.
pub fn matches_format(format: &str, text: &str) -> bool {
    format::is_valid(format, text)
}

/// Whether a format means something for a type ("" for none); others are ignored.
pub fn format_is_known(ty: &str, format: &str) -> bool {
    match ty {
        "" | "string" => format::supported(format),
        "integer" => matches!(format, "int32" | "int64"),
        "number" => matches!(format, "float" | "double"),
        _ => false,
    }
}

const TOO_DEEP: &str = "schema is nested too deeply";

fn too_deep(schema: &catena_objects::Value) -> bool {
    use catena_objects::Value;
    fn below(v: &Value, left: usize) -> bool {
        match v {
            Value::Object(m) => left == 0 || m.values().any(|v| below(v, left - 1)),
            Value::Array(a) => left == 0 || a.iter().any(|v| below(v, left - 1)),
            _ => false,
        }
    }
    below(schema, MAX_NESTING)
}
