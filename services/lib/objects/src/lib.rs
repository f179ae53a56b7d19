//! Kubernetes objects as value trees, without IO.
//!
//! An object that is being written is a [`Value`]; an object at rest is its
//! JSON bytes. Nodes of a tree are shared by reference, so a clone is O(1) and
//! a change copies only the path from the root to the changed node.

pub mod duration;
pub mod field;
pub mod fields;
pub mod go;
pub mod gvk;
pub mod json;
pub mod labels;
pub mod map;
pub mod meta;
pub mod names;
pub mod quantity;
pub mod status;
pub mod time;
pub mod user;
pub mod value;
pub mod yaml;

pub use map::Map;
pub use status::{Reason, Status};
pub use value::Value;
