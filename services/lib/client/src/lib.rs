//! What our processes have in common that are clients of an API server: how they
//! reach it, and who of several works.

mod connect;
mod leader;

pub use connect::KubeFlags;
pub use leader::{Lease, identity};
