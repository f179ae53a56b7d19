//! Go's template language: text to trees.

pub(crate) mod ast;
mod lex;
pub(crate) mod literal;
mod parse;
mod print;
mod token;

pub(crate) use parse::{Error, Trees, parse};
