//! Facts of Kubernetes 1.36 as data: message types, resources, groups, table
//! columns, and the objects a new cluster starts with.
//!
//! The text is part of the binary and is read lazily, a message at a time, so
//! that what nobody asks for costs no memory.

mod resources;
mod types;

pub use resources::{
    ApiService, Column, ColumnDoc, Group, ResourceFact, api_services, bootstrap_flowcontrol,
    bootstrap_rbac, column_doc, groups, resources, table_columns,
};
pub use types::{Field, Gvk, Message, Omit, Scalar, Shape, Ty, Types, types};
