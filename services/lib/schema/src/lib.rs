//! The schema engine: one node type for built-in kinds and custom resources.
//!
//! Built-in schemas come from `catena-facts`, those of custom resources from
//! their definition; decoding checks, pruning, defaulting, validation, patches
//! and apply all walk the same nodes.

pub mod node;

pub use node::{Field, ListType, MapType, Node, PatchStrategy, Type};
