//! Leaves: made when missing, when they expire soon, or when names are missing.

use std::{
    net::IpAddr,
    path::Path,
    time::{Duration, SystemTime},
};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
};

use super::{
    Error, Pair, Pem, at,
    authority::{Authority, NAMES, SKEW},
};
use crate::{files, tls};

const LIFE: Duration = Duration::from_secs(365 * 24 * 3600);
/// A leaf with less left is made anew.
const RENEW: Duration = Duration::from_secs(60 * 24 * 3600);

/// Whom a certificate names, and what it is for.
pub struct Leaf {
    cn: String,
    group: Option<String>,
    sans: Vec<String>,
    usages: Vec<ExtendedKeyUsagePurpose>,
}

impl Leaf {
    /// User or server `cn`, in `group` if there is one.
    pub fn new(cn: &str, group: Option<&str>) -> Self {
        Self {
            cn: cn.to_owned(),
            group: group.map(str::to_owned),
            sans: Vec::new(),
            usages: Vec::new(),
        }
    }

    #[must_use]
    pub fn server(mut self) -> Self {
        self.usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        self
    }

    #[must_use]
    pub fn client(mut self) -> Self {
        self.usages.push(ExtendedKeyUsagePurpose::ClientAuth);
        self
    }

    /// Names and addresses of a server; what parses as an address is one.
    pub fn add_sans(&mut self, names: &[String]) {
        for name in names {
            if !name.is_empty() && !self.sans.contains(name) {
                self.sans.push(name.clone());
            }
        }
    }

    fn params(&self, life: Duration) -> Result<CertificateParams, Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        if let Some(group) = &self.group {
            params
                .distinguished_name
                .push(DnType::OrganizationName, group.clone());
        }
        params
            .distinguished_name
            .push(DnType::CommonName, self.cn.clone());
        for name in &self.sans {
            params.subject_alt_names.push(match name.parse::<IpAddr>() {
                Ok(ip) => SanType::IpAddress(ip),
                Err(_) => SanType::DnsName(name.clone().try_into()?),
            });
        }
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        params.extended_key_usages.clone_from(&self.usages);
        params.use_authority_key_identifier_extension = true;
        let now = SystemTime::now();
        params.not_before = (now - SKEW).into();
        params.not_after = (now + life).into();
        Ok(params)
    }

    fn signed(&self, issuer: &Issuer<'_, KeyPair>, life: Duration) -> Result<Pem, Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let cert = self.params(life)?.signed_by(&key, issuer)?;
        Ok(Pem {
            cert: cert.pem(),
            key: key.serialize_pem(),
        })
    }

    /// A new key and its certificate by `authority`, good for `life`.
    ///
    /// # Errors
    /// When the authority is not usable, or a name is none.
    pub fn issue(&self, authority: &Pem, life: Duration) -> Result<Pem, Error> {
        let key = KeyPair::from_pem(&authority.key)?;
        let issuer = Issuer::from_ca_cert_pem(&authority.cert, key)?;
        self.signed(&issuer, life)
    }
}

/// Keeps a leaf that is still good, or makes it. A leaf that should be renewed
/// is kept while it is valid where the key of the authority is not at hand.
pub(super) fn ensure(authority: &Authority, pair: &Pair, leaf: &Leaf) -> Result<(), Error> {
    let state = inspect(authority, pair, leaf);
    if state == State::Good || (state == State::Ageing && authority.issuer().is_err()) {
        return Ok(());
    }
    let made = leaf.signed(authority.issuer()?, LIFE)?;
    // The key first: a reader that finds the new certificate finds its key too.
    at(
        &pair.key,
        files::write_atomic(&pair.key, made.key.as_bytes(), files::PRIVATE),
    )?;
    at(
        &pair.cert,
        files::write_atomic(&pair.cert, made.cert.as_bytes(), files::PUBLIC),
    )
}

/// Whether somebody else put a certificate there, which is then used as it is
/// (as kube-apiserver uses what it finds in `--cert-dir`).
pub(super) fn is_foreign(pair: &Pair) -> bool {
    let names = std::fs::read(&pair.cert).map(|pem| tls::names_in_pem(&pem));
    pair.key.exists() && matches!(names, Ok(Ok(n)) if !n.issuer.starts_with(NAMES))
}

#[derive(PartialEq, Eq)]
enum State {
    Good,
    Ageing,
    Unusable,
}

fn inspect(authority: &Authority, pair: &Pair, leaf: &Leaf) -> State {
    let (Ok(pem), true) = (std::fs::read(&pair.cert), pair.key.exists()) else {
        return State::Unusable;
    };
    let Ok(names) = tls::names_in_pem(&pem) else {
        return State::Unusable;
    };
    let now = SystemTime::now();
    let covered = leaf.sans.iter().all(|s| names.sans.contains(s)) && names.common_name == leaf.cn;
    if !covered || names.not_after <= now || !tls::signed_by(&pem, authority.cert.as_bytes()) {
        return State::Unusable;
    }
    if names.not_after <= now + RENEW {
        State::Ageing
    } else {
        State::Good
    }
}

pub(super) fn read_key(path: &Path) -> Result<KeyPair, Error> {
    let pem = at(path, std::fs::read_to_string(path))?;
    KeyPair::from_pem(&pem).map_err(|e| Error::Unusable {
        path: path.to_owned(),
        why: e.to_string(),
    })
}

/// Names and addresses of this host that need no lookup.
pub(super) fn local_names() -> Vec<String> {
    let mut out = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    if let Ok(name) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
        let name = name.trim();
        let plain = name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
        if !name.is_empty() && plain {
            out.push(name.to_owned());
        }
    }
    out
}
