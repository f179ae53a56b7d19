//! CBOR (RFC 8949) as Kubernetes writes and reads it (KEP-4222).
//!
//! Invariant: [`decode`] of [`encode`] of a tree is the tree.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub use decode::{Error, decode};
pub use encode::encode;

/// The tag "self-described CBOR" before every object, by which it is recognized.
pub const MAGIC: &[u8] = &[0xd9, 0xd9, 0xf7];
