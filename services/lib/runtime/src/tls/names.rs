//! Names in certificates.

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _};

/// Who a certificate says its holder is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerNames {
    pub common_name: String,
    /// Common name of who issued the certificate.
    pub issuer: String,
    pub organizations: Vec<String>,
    /// DNS names, addresses and URIs as text.
    pub sans: Vec<String>,
    pub not_after: SystemTime,
}

impl PeerNames {
    /// Whether the common name or an alternative name is among `allowed`.
    pub fn any_of(&self, allowed: &[String]) -> bool {
        allowed
            .iter()
            .any(|a| *a == self.common_name || self.sans.contains(a))
    }
}

/// Reads the names of a certificate.
///
/// # Errors
/// A text that says why it is no certificate.
pub fn names_in(der: &[u8]) -> Result<PeerNames, String> {
    let (_, cert) = X509Certificate::from_der(der).map_err(|e| e.to_string())?;
    let subject = cert.subject();
    let text =
        |a: &x509_parser::x509::AttributeTypeAndValue<'_>| a.as_str().ok().map(str::to_owned);
    let seconds = u64::try_from(cert.validity().not_after.timestamp()).unwrap_or(0);
    let sans = match cert.subject_alternative_name() {
        Ok(Some(ext)) => ext
            .value
            .general_names
            .iter()
            .filter_map(general_name)
            .collect(),
        _ => Vec::new(),
    };
    Ok(PeerNames {
        // Go keeps the last one.
        common_name: subject
            .iter_common_name()
            .filter_map(text)
            .last()
            .unwrap_or_default(),
        issuer: cert
            .issuer()
            .iter_common_name()
            .filter_map(text)
            .last()
            .unwrap_or_default(),
        organizations: subject.iter_organization().filter_map(text).collect(),
        sans,
        not_after: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
    })
}

fn general_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(n) | GeneralName::URI(n) => Some((*n).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes)
                .ok()
                .map(|b| IpAddr::from(b).to_string()),
            16 => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|b| IpAddr::from(b).to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// Names of the first certificate of a PEM text.
pub fn names_in_pem(pem: &[u8]) -> Result<PeerNames, String> {
    names_in(&first(pem)?)
}

/// Whether the key of `authority` signed the first certificate of `pem`.
pub fn signed_by(pem: &[u8], authority: &[u8]) -> bool {
    let (Ok(leaf), Ok(ca)) = (first(pem), first(authority)) else {
        return false;
    };
    let (Ok((_, leaf)), Ok((_, ca))) = (
        X509Certificate::from_der(&leaf),
        X509Certificate::from_der(&ca),
    ) else {
        return false;
    };
    leaf.issuer() == ca.subject() && leaf.verify_signature(Some(ca.public_key())).is_ok()
}

/// Whether a certificate, PEM, has this public key (SubjectPublicKeyInfo, DER).
pub(crate) fn is_of_key(pem: &[u8], public: &[u8]) -> bool {
    first(pem).is_ok_and(|der| {
        X509Certificate::from_der(&der).is_ok_and(|(_, cert)| cert.public_key().raw == public)
    })
}

fn first(pem: &[u8]) -> Result<CertificateDer<'static>, String> {
    CertificateDer::from_pem_slice(pem).map_err(|e| e.to_string())
}
