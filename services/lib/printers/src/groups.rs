//! Cells by group.

pub(crate) mod apps;
pub(crate) mod core;
pub(crate) mod other;
pub(crate) mod pod;
pub(crate) mod service;
