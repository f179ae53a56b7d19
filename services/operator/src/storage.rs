//! Storage of a control plane: how it is, its backups, and how it begins with one.

pub(crate) mod backup;
pub(crate) mod health;
pub(crate) mod job;
pub(crate) mod restore;
mod schedule;
