//! Tokens of service accounts: signing, verifying, and the documents by which
//! others verify them (`pkg/serviceaccount`).

mod claims;
mod discovery;
mod keys;
mod sign;
mod verify;

pub use claims::Claims;
pub(crate) use discovery::{jwks, openid_configuration};
pub(crate) use keys::PublicKey;
pub use sign::Issuer;
pub(crate) use verify::Verifier;
