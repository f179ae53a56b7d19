//! Resources by declaration, and the generic store that serves them.
//!
//! A resource is a [`Resource`] (names, schema, key) with a [`Strategy`] (its
//! rules). The store owns the semantics of the verbs; strategies are stateless.

pub mod admission;
pub mod cached;
pub mod codec;
pub mod context;
pub mod handler;
pub mod hooks;
pub mod metrics;
pub mod options;

pub mod resource;
pub mod store;
pub mod strategy;

pub use admission::{Admission, Attributes, Operation};
pub use cached::{Cached, Form, ResourceCache, Wanted};
pub use catena_printers::{Column, Printer};
pub use context::{Context, Warnings};
pub use handler::{ByteStream, Connect, Connected, Connecting, Connector, Handler};
pub use hooks::Hooks;
pub use resource::{Resource, Version};
pub use store::{Change, Store, Written};
pub use strategy::{Graceful, Strategy};
