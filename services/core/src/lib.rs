//! The core server: every built-in API group, as a delegate of the chain.

pub mod admission;
pub mod allocators;
pub mod bootstrap;
pub mod groups;
pub mod reader;
pub mod registrations;
pub mod rules;
mod steps;
mod usage;

pub use registrations::{Wiring, key_prefix, registrations};
