//! Schemas of custom resources: reading, checking, pruning, defaulting, validation.

mod check;
mod decode;
mod default;
mod format;
mod list_map;
mod parse;
mod prune;
mod typed;
mod validate;

pub use check::{check, check_structural};
pub use decode::{decode, sorted};
pub use default::{default, prune_nulls};
pub use list_map::validate_lists;
pub use parse::{has_validations, parse};
pub use prune::{prune, prune_default};
pub use typed::typed;
pub use validate::{validate, validate_update};
