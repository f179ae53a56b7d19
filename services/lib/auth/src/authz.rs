//! Whether a user may do something.

mod attributes;
mod forbidden;
mod node;
pub mod rbac;
mod union;

pub use attributes::{Attributes, Requirement};
pub use forbidden::forbidden_status;
pub(crate) use node::NodeAuthorizer;
pub use union::Authorizer;

/// What an authorizer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Allow,
    Deny,
    /// Others are to be asked; no in the end.
    NoOpinion,
}
