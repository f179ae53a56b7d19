//! Cluster addresses and node ports of Services, handed out by storage
//! transactions so that several servers can share them.

pub mod addresses;
pub mod ports;
mod service;

pub use addresses::Addresses;
pub use ports::Ports;
pub use service::ServiceHooks;

use std::hash::{BuildHasher, Hasher, RandomState};

use catena_objects::Status;

/// Why an address or a port is not given out.
#[derive(Clone, Debug, PartialEq)]
pub enum Refused {
    /// Nothing is left.
    Full,
    /// What was asked for cannot be had, and why.
    Unavailable(String),
    /// Storage failed.
    Failed(Status),
}

/// A number that differs from call to call; no secret.
fn arbitrary() -> u64 {
    RandomState::new().build_hasher().finish()
}
