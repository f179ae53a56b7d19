//! Tokens of service accounts: signing, verifying, and the documents by which
//! others verify them (`pkg/serviceaccount`).

mod bound;
mod claims;
mod discovery;
mod keys;
mod legacy;
mod sign;
mod verify;

pub use claims::Claims;
pub(crate) use discovery::Documents;
pub use sign::Issuer;
pub(crate) use verify::Verifier;

use catena_objects::{names, user::User};

/// `iss` of tokens in secrets.
const LEGACY_ISSUER: &str = "kubernetes/serviceaccount";
const USER: &str = "system:serviceaccount:";
const GROUP: &str = "system:serviceaccounts";

/// The user of an account (`serviceaccount.UserInfo`).
fn user(namespace: &str, name: &str, uid: &str) -> User {
    User {
        name: format!("{USER}{namespace}:{name}"),
        uid: uid.to_owned(),
        groups: groups(namespace),
        ..User::default()
    }
}

/// The groups of the accounts of a namespace.
pub(crate) fn groups(namespace: &str) -> Vec<String> {
    vec![GROUP.to_owned(), format!("{GROUP}:{namespace}")]
}

/// Namespace and name of the account that a user is (`serviceaccount.SplitUsername`).
pub(crate) fn split_user(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(USER)?.split_once(':')?;
    let fits = names::dns1123_label(namespace, false).is_empty()
        && names::dns1123_subdomain(name, false).is_empty();
    fits.then_some((namespace, name))
}
