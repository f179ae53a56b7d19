//! Tables of built-in kinds: the cells that `kubectl get` shows.
//!
//! Columns are facts; cells are computed here, one function a kind, in files by group.

mod builtin;
mod column;
mod groups;
mod scale;
mod text;

pub use builtin::builtin;
pub use column::{Column, Fallback, Printer, name_column};
pub use scale::{Scale, scale};
