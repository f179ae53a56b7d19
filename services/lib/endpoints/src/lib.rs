//! The endpoints of resources: one [`Server`] serves a set of them as a delegate.
//!
//! Verbs are files; each parses its options, calls the store once and encodes.

pub mod body;
pub mod discovery;
pub mod encode;
mod forms;
pub mod negotiate;
pub mod query;
mod render;
pub mod server;
pub mod table;
mod verbs;
pub mod websocket;

pub use server::{Resources, Served, Server};
