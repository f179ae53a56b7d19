//! JSONPath as printer columns and selectable fields use it, after
//! `k8s.io/client-go/util/jsonpath` (without `range` and templates around it).

mod eval;
mod parse;
#[cfg(test)]
mod tests;
mod text;

use catena_objects::Value;

pub use text::text;

/// A parsed path: `.status.conditions[?(@.type=="Ready")].status`.
#[derive(Clone, Debug, PartialEq)]
pub struct Path(pub(crate) Vec<Node>);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Field(String),
    Slice(Slice),
    Filter {
        left: Path,
        operator: Operator,
        right: Path,
    },
    Wildcard,
    Recursive,
    Union(Vec<Path>),
    /// A literal of a filter.
    Literal(Value),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operator {
    Exists,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// `[start:end:step]`; an index is the slice of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slice {
    pub(crate) start: Option<i64>,
    pub(crate) end: Option<i64>,
    pub(crate) step: Option<i64>,
    pub(crate) is_index: bool,
}

/// Why a path cannot be read or followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(pub String);

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl Path {
    /// Reads a path without the braces of a template.
    ///
    /// # Errors
    /// Text that is no path.
    pub fn parse(text: &str) -> Result<Self, Error> {
        parse::path(text)
    }

    /// What the path selects; members that are absent select nothing.
    ///
    /// # Errors
    /// An index out of bounds, a list expected where none is, values that cannot be compared.
    pub fn find(&self, value: &Value) -> Result<Vec<Value>, Error> {
        eval::find(self, value)
    }
}
