//! The schema engine: one node type for built-in kinds and custom resources.
//!
//! Built-in schemas come from `catena-facts`, those of custom resources from
//! their definition; decoding checks, pruning, defaulting, validation, patches
//! and apply all walk the same nodes.

mod builtin;
mod convert;
mod decode;
pub mod node;
pub mod regex;
pub mod structural;

pub use builtin::{builtin, message};
pub use convert::misfit;
pub use decode::{DecodeError, Decoded, canonical, decode, decode_object, ordered, strict_error};
pub use node::{Field, ListType, MapType, Node, PatchStrategy, Type};
