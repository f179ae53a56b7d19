//! OpenAPI documents, made from facts and definitions when somebody asks.
//!
//! A v3 document is of one group version; the v2 document is all of them in
//! older clothes ([`v2`]).

mod cache;
mod custom;
mod definitions;
mod descriptions;
mod document;
mod facts;
mod index;
mod names;
mod paths;
mod protobuf;
mod v2;

pub use cache::Cache;
pub use descriptions::field_text;
pub use document::{CustomKind, builtin_v2, builtin_v3, custom_v3, document};
pub use index::{builtin_etag, etag, index};
pub use protobuf::v2_protobuf;
pub use v2::{V2, merge_v2};
