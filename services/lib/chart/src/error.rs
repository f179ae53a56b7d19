//! Why a chart is not read or not rendered.

use std::fmt;

/// What went wrong. Only [`Error::Values`] is the doing of whoever gives values;
/// [`Error::Failed`] is what a chart says itself with `fail` or `required`, mostly
/// about values too. The others are faults of the chart, or of its cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A file of the chart cannot be read.
    #[error("{path}: {message}")]
    Chart { path: String, message: String },
    /// Values that `values.schema.json` does not allow, in Helm's words.
    #[error("values don't meet the specifications of the schema(s) in the following chart(s):\n{chart}:\n{}", lines(.problems))]
    Values {
        chart: String,
        problems: Vec<Problem>,
    },
    /// A template is not one.
    #[error("parse error at ({location}): {message}")]
    Parse {
        /// `demo/templates/a.yaml:3`.
        location: String,
        message: String,
    },
    /// `fail` and `required`: what the chart says.
    #[error("execution error at ({location}): {message}")]
    Failed {
        /// `demo/templates/a.yaml:3:4`, of the file that was rendered.
        location: String,
        message: String,
    },
    /// A template cannot be executed. In Go's words, which begin with `template: `
    /// and the place.
    #[error("{0}")]
    Execution(String),
    /// What a template printed is not a Kubernetes object.
    #[error("{path}: {message}")]
    Manifest { path: String, message: String },
    /// More than is ever read or made, for instance `4194304 bytes of output`.
    #[error("{location}: more than {limit}")]
    Limit { location: String, limit: String },
}

/// A value and why it is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A JSON pointer, "" for all values together: `/store/replicas`.
    pub path: String,
    /// `value must be one of 'a', 'b'`.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "- at '{}': {}", self.path, self.message)
    }
}

fn lines(problems: &[Problem]) -> String {
    let mut out = String::new();
    for problem in problems {
        out.push_str(&format!("{problem}\n"));
    }
    out
}
