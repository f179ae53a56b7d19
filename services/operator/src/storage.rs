//! Storage of a control plane: how it is, its backups, and how it begins with one.

pub mod backup;
pub mod health;
pub mod job;
pub mod restore;
mod schedule;
