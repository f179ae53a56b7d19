//! CEL as Kubernetes has it: the language of `x-kubernetes-validations`,
//! admission policies, match conditions and device selectors.
//!
//! An expression is compiled in an environment ([`Env`]) and evaluated over data
//! as it is: nothing is copied out of objects. Messages, limits and costs are
//! those of `cel-go` with Kubernetes' libraries.

pub mod admission;
mod ast;
mod check;
mod cost;
mod decl;
pub mod device;
mod env;
mod escape;
mod eval;
mod extra;
mod functions;
mod lex;
mod parse;
mod plan;
mod program;
pub mod rules;
mod source;
mod types;
mod value;

pub use cost::Range;
pub use decl::Decl;
pub use env::Env;
pub use escape::{escape, is_reserved, unescape};
pub use program::{Answer, Failure, Input, Program, Uncompiled, compile};
pub use types::Type;

/// Cost of one evaluation.
pub const PER_CALL_LIMIT: u64 = 1_000_000;
/// Cost of all rules of an object.
pub const OBJECT_BUDGET: u64 = 10_000_000;
