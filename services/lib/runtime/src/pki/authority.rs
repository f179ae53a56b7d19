//! An authority: a certificate that signs others.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};

use super::{Error, Pair, Pem, at, issue};
use crate::files;

const LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// How the names of our authorities begin.
pub(super) const NAMES: &str = "catena-";

/// A signed leaf counts from a moment ago: clocks of peers differ.
pub(super) const SKEW: Duration = Duration::from_secs(300);

/// An authority whose key may live elsewhere.
pub(super) struct Authority {
    pub(super) cert: String,
    path: PathBuf,
    issuer: Option<Issuer<'static, KeyPair>>,
}

impl Authority {
    /// Opens or makes. A certificate without its key is taken as it is: then
    /// leaves are made by whoever has the key.
    pub(super) fn open(pair: &Pair, name: &str) -> Result<Self, Error> {
        if !pair.cert.exists() {
            create(pair, name)?;
        }
        let cert = at(&pair.cert, std::fs::read_to_string(&pair.cert))?;
        let issuer = if pair.key.exists() {
            let key = issue::read_key(&pair.key)?;
            Some(Issuer::from_ca_cert_pem(&cert, key)?)
        } else {
            None
        };
        Ok(Self {
            cert,
            path: pair.cert.clone(),
            issuer,
        })
    }

    pub(super) fn issuer(&self) -> Result<&Issuer<'static, KeyPair>, Error> {
        self.issuer.as_ref().ok_or_else(|| Error::Unusable {
            path: self.path.clone(),
            why: "the key of this authority is not here, so it cannot sign".to_owned(),
        })
    }
}

/// A new authority, which is good for `life`. Its name is unique: a client that
/// trusts two control planes must not confuse them.
///
/// # Errors
/// When no key can be made.
pub fn new_authority(name: &str, life: Duration) -> Result<Pem, Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let serial = rcgen::KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let tag: String = serial
        .public_key_raw()
        .iter()
        .rev()
        .take(4)
        .map(|b| format!("{b:02x}"))
        .collect();
    params
        .distinguished_name
        .push(DnType::CommonName, format!("{NAMES}{name}-{tag}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
    ];
    let now = SystemTime::now();
    params.not_before = (now - SKEW).into();
    params.not_after = (now + life).into();
    let cert = params.self_signed(&key)?;
    Ok(Pem {
        cert: cert.pem(),
        key: key.serialize_pem(),
    })
}

fn create(pair: &Pair, name: &str) -> Result<(), Error> {
    let made = new_authority(name, LIFE)?;
    at(
        &pair.key,
        files::write_atomic(&pair.key, made.key.as_bytes(), files::PRIVATE),
    )?;
    at(
        &pair.cert,
        files::write_atomic(&pair.cert, made.cert.as_bytes(), files::PUBLIC),
    )
}
