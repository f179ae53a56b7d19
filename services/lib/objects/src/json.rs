//! JSON as Go's `encoding/json` and `sigs.k8s.io/json` read and print it.

mod parse;
mod print;
pub mod scan;
#[cfg(test)]
mod tests;

pub use parse::{Error, MAX_DEPTH, Parsed, parse, parse_strict};
pub use print::{go_quote, to_string, to_vec, write_float, write_string, write_value};
