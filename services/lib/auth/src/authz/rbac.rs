//! Role-based access control over a snapshot of storage
//! (`plugin/pkg/auth/authorizer/rbac`).

mod binding;
mod index;
mod rules;
mod snapshot;

pub use rules::{Rule, Rules};
pub(crate) use snapshot::Rbac;
