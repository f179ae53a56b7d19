//! Whether a certificate can stay.

use std::time::SystemTime;

use catena_runtime::tls::{names_in_pem, signed_by};

use super::{Data, Identity, Policy};

/// Why a certificate is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Missing,
    /// Not a certificate and its key, or not of its authority.
    Unusable,
    /// Names or the authority are others.
    Names,
    /// Less is left than `renewBefore`.
    Expires,
    /// The user wants it.
    Asked,
}

/// When the certificate ends; None where there is none.
pub(crate) fn expiry(data: &Data) -> Option<SystemTime> {
    names_in_pem(data.get("tls.crt")?).ok().map(|n| n.not_after)
}

/// Why what is stored cannot stay. An authority stays whatever its age: a new
/// one would shut out whoever trusts it.
pub(crate) fn judge(
    identity: &Identity,
    data: &Data,
    authority: Option<&str>,
    policy: &Policy,
    now: SystemTime,
) -> Option<Why> {
    let Some(key) = data.get("tls.key") else {
        return Some(Why::Missing);
    };
    if identity.is_key_only() {
        return (!catena_runtime::pki::is_key(key)).then_some(Why::Unusable);
    }
    let Some(cert) = data.get("tls.crt") else {
        return Some(Why::Missing);
    };
    let Ok(names) = names_in_pem(cert) else {
        return Some(Why::Unusable);
    };
    if !catena_runtime::pki::is_pair(cert, key) {
        return Some(Why::Unusable);
    }
    let (Some(authority), true) = (authority, identity.is_leaf()) else {
        return None;
    };
    let ca_is_told = data.get("ca.crt").map(Vec::as_slice) == Some(authority.as_bytes());
    if !signed_by(cert, authority.as_bytes()) || !ca_is_told {
        return Some(Why::Unusable);
    }
    (names.not_after <= now + policy.renew_before).then_some(Why::Expires)
}
