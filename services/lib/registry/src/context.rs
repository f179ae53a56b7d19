//! What rules may know about the request they run in.

use catena_objects::user::User;

/// Facts of one write.
#[derive(Clone, Debug, Default)]
pub struct Context {
    pub user: User,
    /// "" for cluster-scoped resources.
    pub namespace: String,
    /// Version of the request, e.g. "v1".
    pub version: String,
    /// "" for the resource itself.
    pub subresource: String,
    pub dry_run: bool,
    /// The time of the write as RFC 3339 in whole seconds, UTC: `2026-01-02T03:04:05Z`.
    pub now: String,
}
