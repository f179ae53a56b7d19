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

/// `iss` of tokens in secrets.
const LEGACY_ISSUER: &str = "kubernetes/serviceaccount";
const USER: &str = "system:serviceaccount:";
const GROUP: &str = "system:serviceaccounts";

/// The user of an account (`serviceaccount.UserInfo`).
fn user(namespace: &str, name: &str, uid: &str) -> catena_objects::user::User {
    catena_objects::user::User {
        name: format!("{USER}{namespace}:{name}"),
        uid: uid.to_owned(),
        groups: vec![GROUP.to_owned(), format!("{GROUP}:{namespace}")],
        ..catena_objects::user::User::default()
    }
}
