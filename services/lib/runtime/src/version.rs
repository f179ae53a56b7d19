//! Which version this is, for clients and for people.

/// The Kubernetes version whose behaviour is served.
pub const KUBERNETES_MAJOR: &str = "1";
pub const KUBERNETES_MINOR: &str = "36";
/// `gitVersion` of `/version`. What follows `+` is build metadata to every
/// client that compares versions.
pub const GIT_VERSION: &str = concat!("v1.36.2+catena", env!("CARGO_PKG_VERSION"));
/// The version of the product.
pub const CATENA: &str = env!("CARGO_PKG_VERSION");
/// The commit that was built, where the build says so.
pub const GIT_COMMIT: &str = match option_env!("CATENA_GIT_COMMIT") {
    Some(commit) => commit,
    None => "",
};
/// When it was built, RFC 3339, where the build says so.
pub const BUILD_DATE: &str = match option_env!("CATENA_BUILD_DATE") {
    Some(date) => date,
    None => "1970-01-01T00:00:00Z",
};

/// The first line of every log, and the answer to `--version`.
pub fn line() -> String {
    format!("Kubernetes {GIT_VERSION}")
}
